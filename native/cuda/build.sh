#!/bin/sh
# Compiles the kernels with nvcc: build.sh [NVCC]. For whoever changes a kernel; what it makes is checked in, so that a machine with a card and a driver needs
# no CUDA toolkit.
#   ptx/<op>.ptx                        for compute capability 8.0 and more; the driver compiles it for the card. The first line names the sources it was made of.
#   ../../src/docs/gpu/kernels.tsv      registers, spills, shared memory of each kernel on sm_80 and sm_90a, by ptxas
# nvcc without a toolkit: pip install 'nvidia-cuda-nvcc==13.0.*' 'nvidia-cuda-crt==13.0.*' 'nvidia-nvvm==13.0.*' 'nvidia-cuda-runtime==13.0.*' 'nvidia-cuda-cccl==13.0.*'
set -eu
cd "$(dirname "$0")"
nvcc=${1:-nvcc}
flags="-std=c++17 -O3 --fmad=false"
# The language of the kernels is older than the compiler: what nvcc 13.0 calls version 9.0 needs driver 580, and nothing in it does.
version=7.8
table=../../src/docs/gpu/kernels.tsv
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p ptx "$(dirname "$table")"

# sources OP: what a kernel's file is made of, by hash; flags count as a source. quants.cuh is a source of those who include it.
sources() {
    own=""
    if grep -q '^#include "quants.cuh"' "$1.cu"; then own=quants.cuh; fi
    # shellcheck disable=SC2086
    { echo "$flags $version"; cat "$1.cu" skald.cuh weights.cuh $own; } | sha256sum | cut -c1-16
}

for source in *.cu; do
    op=${source%.cu}
    hash=$(sources "$op")
    if [ -f "ptx/$op.ptx" ] && [ "$(head -n 1 "ptx/$op.ptx")" = "// sources $hash" ] && grep -q "^$op	" "$table" 2> /dev/null; then
        grep "^$op	" "$table" >> "$work/rows"
        continue
    fi
    # shellcheck disable=SC2086
    "$nvcc" $flags -arch=compute_80 -ptx -o "$work/$op.ptx" "$source"
    { echo "// sources $hash"; sed -e '/^\/\//d' -e "s/^\.version .*/.version $version/" "$work/$op.ptx"; } > "ptx/$op.ptx"
    for arch in sm_80 sm_90a; do
        # shellcheck disable=SC2086
        "$nvcc" $flags -arch=$arch -Xptxas -v -cubin -o "$work/cubin" "$source" 2> "$work/log" || { cat "$work/log" >&2; exit 1; }
        awk -v op="$op" -v arch=$arch '
            /Compiling entry function/ { split($0, q, "\047"); kernel = q[2] }
            /bytes stack frame/ { spilled = $5 + $9 }
            /Used .* registers/ {
                registers = $5; shared = 0
                for (i = 1; i < NF; i++) if ($(i + 2) ~ /^smem/) shared = $i
                print op "\t" kernel "\t" arch "\t" registers "\t" spilled "\t" shared
            }' "$work/log" >> "$work/rows"
    done
done
{
    printf 'op\tkernel\tarch\tregisters\tspilled_bytes\tstatic_shared_bytes\n'
    sort "$work/rows"
} > "$work/table"
mv "$work/table" "$table"

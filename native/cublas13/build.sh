#!/bin/sh
# Builds the forwarding libcublas.so.12 for x86-64 Linux machines that only have CUDA 13: build.sh OUTPUT_FOLDER. Needs a C compiler, and no CUDA.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sort -u "$here/../simcuda/cublas-symbols.txt" | awk 'NF { print "FORWARD(" n++ ", " $1 ")" }' > "$work/names.h"
"${CC:-cc}" -O2 -fPIC -shared -Wall -Wextra -I"$work" -Wl,-soname,libcublas.so.12 -Wl,--version-script="$here/../simcuda/cublas.map" \
    -o "$work/library" "$here/forward.c" -ldl
mv "$work/library" "$out/libcublas.so.12"

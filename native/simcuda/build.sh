#!/bin/sh
# Builds the software CUDA device and the kernels for it: build.sh OUTPUT_FOLDER. Needs gcc and binutils, and no CUDA.
#   libcuda.so.1, libcublas.so.12   what JCuda's libraries ask for; nothing that isn't implemented is missing, it answers "not supported"
#   check/skald.sim                 the same kernels and planted mistakes, for simcuda-check (see check.cpp)
#   kernels/skald.sim               all kernels of native/cuda; the image that the device under test loads
# Does nothing where the output is newer than every source.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$1
cxx=${CXX:-g++}
image=kernels/skald.sim
if ! command -v "$cxx" > /dev/null; then
    echo "simcuda: no $cxx here; the tests of the CUDA device will be skipped" >&2
    exit 0
fi
mkdir -p "$out/kernels" "$out/check"
out=$(cd "$out" && pwd)
if [ -f "$out/$image" ] && [ -z "$(find "$here" "$here/../cuda" -type f -newer "$out/$image")" ]; then exit 0; fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Unique symbols would keep an image in memory after it was unloaded, and share its variables with the next one.
flags="-std=c++17 -O2 -fPIC -march=x86-64-v3 -ffp-contract=off -fno-strict-aliasing -fno-gnu-unique -Wall -Wextra -Wno-unused-parameter -Wno-unknown-pragmas"

# stubs LIST OBJECTS… : a function for every name of the list that no object defines
stubs() {
    list=$1 && shift
    nm --defined-only "$@" | awk '$2 == "T" { print $3 }' | sort -u > "$work/defined"
    sort -u "$list" | comm -23 - "$work/defined" | awk -v code="$code" '{ print "int " $1 "(void) { return " code "; }" }'
}

for part in fiber memory stream module check cublas; do "$cxx" $flags -c "$here/$part.cpp" -o "$work/$part.o" & done
objects=""
for source in "$here"/../cuda/*.cu; do
    object="$work/kernel-$(basename "$source" .cu).o"
    objects="$objects $object"
    "$cxx" $flags -O3 -DSIMCUDA -I"$here" -x c++ -c "$source" -o "$object" || touch "$work/failed" &
done
wait
checked=""
for source in "$here"/../cuda/*.cu "$here"/planted.cu; do
    object="$work/check-$(basename "$source" .cu).o"
    checked="$checked $object"
    "$cxx" $flags -O1 -g -fsanitize=thread,alignment -DSIMCUDA -DSIMCUDA_CHECK -I"$here" -I"$here/../cuda" -x c++ -c "$source" -o "$object" || touch "$work/failed" &
done
wait
[ ! -e "$work/failed" ]
driver="$work/fiber.o $work/memory.o $work/stream.o $work/module.o $work/check.o"
code=801 && stubs "$here/driver-symbols.txt" $driver > "$work/driver-stubs.c"
code=15 && stubs "$here/cublas-symbols.txt" "$work/cublas.o" > "$work/cublas-stubs.c"
"${CC:-gcc}" -O1 -fPIC -c "$work/driver-stubs.c" -o "$work/driver-stubs.o"
"${CC:-gcc}" -O1 -fPIC -c "$work/cublas-stubs.c" -o "$work/cublas-stubs.o"
"$cxx" -shared -Wl,-soname,libcuda.so.1 -o "$out/libcuda.so.1" $driver "$work/driver-stubs.o" -ldl
"$cxx" -shared -Wl,-soname,libcublas.so.12 -Wl,--version-script="$here/cublas.map" -o "$out/libcublas.so.12" "$work/cublas.o" "$work/cublas-stubs.o" "$out/libcuda.so.1"
"$cxx" -shared -o "$out/check/skald.sim" $checked "$out/libcuda.so.1"
"$cxx" -shared -o "$work/kernels" $objects "$out/libcuda.so.1"
mv "$work/kernels" "$out/$image"

#!/bin/sh
# Builds the native CPU kernels with the C compiler there is: native/build.sh FOLDER puts libskald.so (macOS: .dylib) there. Each file of
# native/cpu is compiled once for each instruction set that the compiler knows, with the set's name as a suffix of its functions. Says nothing
# if all is well or nothing is to be done; one line, and success, if there is no compiler; fails if a kernel doesn't compile.
# SKALD_NATIVE=false builds none. CC names the compiler (default: the first of cc, gcc, clang). SKALD_TARGET names another architecture to build for (aarch64 with a cross compiler).
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
target=$1
objects=$target/../../native-objects
system=$(uname -s)
machine=${SKALD_TARGET:-$(uname -m)}
case $system in Darwin) library=libskald.dylib shared=-dynamiclib ;; *) library=libskald.so shared=-shared ;; esac
[ -z "${SKALD_OBJECTS:-}" ] || objects=$SKALD_OBJECTS

if [ "${SKALD_NATIVE:-true}" = false ]; then
    rm -f "$target/$library"
    echo "native kernels are left out, as asked: Skald will compute in Java, slower"
    exit 0
fi
compiler=${CC:-}
if [ -z "$compiler" ]; then
    for name in cc gcc clang; do
        if command -v "$name" >/dev/null 2>&1; then compiler=$name; break; fi
    done
fi
if [ -z "$compiler" ] || ! command -v "$compiler" >/dev/null 2>&1; then
    rm -f "$target/$library"
    echo "no C compiler (${CC:-cc, gcc or clang}): Skald is built without its native kernels and will compute in Java, slower"
    exit 0
fi

flags="-std=gnu11 -O3 -fPIC -fvisibility=hidden -ffp-contract=off -fno-math-errno -fno-trapping-math -Wall -Wextra -I$here/include"
case $machine in
    x86_64 | amd64) isas="avx512 avx512vnni avx2" ;;
    aarch64 | arm64) isas="i8mm neon" ;;
    *)
        rm -f "$target/$library"
        echo "no native kernels for $machine: Skald will compute in Java, slower"
        exit 0
        ;;
esac
isa_flags() {
    case $1 in
        avx2) echo "-mavx2 -mfma -mf16c" ;;
        avx512vnni) echo "-mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mprefer-vector-width=512" ;;
        avx512) echo "$(isa_flags avx512vnni) -mavx512bf16" ;;
        neon) echo "-march=armv8.2-a+dotprod" ;;
        i8mm) echo "-march=armv8.2-a+dotprod+i8mm" ;;
    esac
}

# Done already: everything here is older than the library, and the compiler is the same.
identity="$compiler $("$compiler" -dumpmachine 2>/dev/null) $("$compiler" -dumpversion 2>/dev/null)"
if [ -f "$target/$library" ] && [ -z "$(find "$here" -newer "$target/$library" | head -n 1)" ] &&
    [ "$(cat "$objects/compiler" 2>/dev/null)" = "$identity" ]; then
    exit 0
fi
[ "$(cat "$objects/compiler" 2>/dev/null)" = "$identity" ] || rm -rf "$objects"
mkdir -p "$target" "$objects"
echo "$identity" >"$objects/compiler"

built=''
echo 'int x;' >"$objects/probe.c"
for isa in $isas; do
    # shellcheck disable=SC2046 # flags are words
    if "$compiler" $(isa_flags "$isa") -c "$objects/probe.c" -o "$objects/probe.o" 2>/dev/null; then
        built=${built:+$built,}$isa
    else
        echo "this C compiler ($identity) can't compile for $isa: left out of the native kernels"
    fi
done
if [ -z "$built" ]; then exit 0; fi

# An object is made again if its source, any header or this script is newer.
compile() { # source, object, flags…
    source=$1 object=$2
    shift 2
    if [ -f "$object" ] && [ -z "$(find "$source" "$here/build.sh" "$here" -name '*.h' -newer "$object" -o -path "$source" -newer "$object" | head -n 1)" ]; then
        return 0
    fi
    rm -f "$object"
    # shellcheck disable=SC2086 # flags are words
    "$compiler" $flags "$@" -c "$source" -o "$object"
}

jobs=''
for isa in $(echo "$built" | tr ',' ' '); do
    (
        mkdir -p "$objects/$isa"
        for source in "$here"/cpu/*.c; do
            stem=$(basename "$source" .c)
            [ "$stem" = detect ] && continue
            # shellcheck disable=SC2046
            compile "$source" "$objects/$isa/$stem.o" $(isa_flags "$isa") "-DSKALD_ISA=$isa"
        done
    ) &
    jobs="$jobs $!"
done
failed=''
for job in $jobs; do wait "$job" || failed=yes; done
[ -z "$failed" ] || { echo "a native kernel doesn't compile with $identity; mvn -Dskald.native=false builds without them" >&2; exit 1; }
# shellcheck disable=SC2086
"$compiler" $flags "-DSKALD_BUILT=\"$built\"" -c "$here/cpu/detect.c" -o "$objects/detect.o"
list="$objects/detect.o"
for isa in $(echo "$built" | tr ',' ' '); do
    for source in "$here"/cpu/*.c; do
        stem=$(basename "$source" .c)
        [ "$stem" = detect ] || list="$list $objects/$isa/$stem.o"
    done
done
# Into place by a rename: a library that a running process has mapped is never written to.
# shellcheck disable=SC2086
"$compiler" $shared -o "$objects/$library" $list
mv -f "$objects/$library" "$target/$library"

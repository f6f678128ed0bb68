#!/bin/sh
# Checks and measures this machine's NVIDIA card; needs its driver, and neither network nor Java. See README beside it, or: ./gpu-check --help
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)

# folder_of NAME: where a library lies that the loader may not look for; nothing where it knows it itself, or where there is none
folder_of() {
    ! ldconfig -p 2>/dev/null | grep -q "[[:space:]]$1 " || return 0
    for folder in $(echo "${LD_LIBRARY_PATH:-}" | tr ':' ' ') /usr/local/cuda*/lib64 /usr/local/cuda*/targets/x86_64-linux/lib /usr/lib/x86_64-linux-gnu \
        /usr/lib64 /usr/local/nvidia/lib64 /opt/cuda/lib64 /usr/*lib/python3*/*-packages/nvidia/c*/lib /usr/local/lib/python3*/*-packages/nvidia/c*/lib \
        /opt/conda/lib /opt/conda/lib/python3*/site-packages/nvidia/c*/lib "${VIRTUAL_ENV:-/nowhere}"/lib/python3*/site-packages/nvidia/c*/lib; do
        if [ -e "$folder/$1" ]; then
            echo "$folder"
            return 0
        fi
    done
    return 1
}
more='' kernels=''
if [ "${1:-}" = --simulated ]; then # no card: to try whether all this runs
    shift
    more=$here/simcuda kernels=-Dskald.cuda.kernels=$here/simcuda/kernels
    LD_LIBRARY_PATH=$here/simcuda
elif folder=$(folder_of libcuda.so.1); then
    more=$folder
fi
if folder=$(folder_of libcublas.so.12); then
    more=$more:$folder
elif folder=$(folder_of libcublas.so.13); then
    more=$more:$here/forward:$folder # a libcublas.so.12 whose functions are those of CUDA 13's
fi
more=$(echo "$more:${LD_LIBRARY_PATH:-}" | sed -e 's/::*/:/g' -e 's/^://' -e 's/:$//')
[ -z "$more" ] || export LD_LIBRARY_PATH="$more"
case "${LC_ALL:-${LC_CTYPE:-${LANG:-}}}" in *[Uu][Tt][Ff]*8*) ;; *) export LC_ALL=C.UTF-8 ;; esac
exec "$here/runtime/bin/java" "@$here/jvm.args" "-Dskald.home=$here" ${kernels:+"$kernels"} -cp "$here/lib/*" dev.skald.Skald gpu-check "$@"

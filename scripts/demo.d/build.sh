#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# build.sh RELEASE, in the kit's root: in build/RELEASE/demo a third-party module as a build without vmlinux leaves it,
# and with the BTF that btfreloc encode gives it.
set -eu
kernel=$BTFRELOC_KIT/boot/$1/vmlinuz
built=build/$1/modules/work/vpoll/vpoll.ko
demo=build/$1/demo
mkdir -p "$demo/without" "$demo/encoded"
cp "$built" "$demo/encoded"
build/bin/btfreloc encode --base "$kernel" "$demo/encoded/vpoll.ko"
strip --strip-debug "$demo/encoded/vpoll.ko"
strip --strip-debug -o "$demo/without/vpoll.ko" "$built"

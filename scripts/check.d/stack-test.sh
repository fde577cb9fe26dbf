#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Tests stack.py on small objects: what is too deep is noticed, however it is called; in the kit's root.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# expect STATUS PATTERN FRAME CHAIN: on the assembler text of standard input
expect() {
	as -o "$work/object" -
	{
		objdump -dr --no-show-raw-insn "$work/object"
		objdump -r "$work/object"
	} >"$work/dump"
	status=0
	python3 "$here/stack.py" "$3" "$4" <"$work/dump" >"$work/output" 2>&1 || status=$?
	if [ $status != "$1" ] || ! grep -Eq -- "$2" "$work/output"; then
		echo "expected $1 and $2, found $status and:"
		cat "$work/output"
		exit 1
	fi
}

# routine NAME BYTES CODE...: a frame of one register and BYTES; each CODE is a line
routine() {
	printf '.globl %s\n.type %s, @function\n%s:\npush %%rbx\nsub $%s, %%rsp\n' "$1" "$1" "$1" "$2"
	frame=$2
	shift 2
	printf '%s\n' "$@" "add \$$frame, %rsp" "pop %rbx" ret
}

# Three frames of 8 and what they ask for, two return addresses.
chain() {
	routine top 100 "test %rdi, %rdi" "je 1f" "add \$100, %rsp" "pop %rbx" ret 1: "call middle"
	routine middle 200 "call outside" "call bottom"
	routine bottom 300 nop
}
chain | expect 0 "largest frame 308 bytes, deepest chain 640 bytes" 308 640
chain | expect 0 "outside 332" 308 640
chain | expect 1 "frame of 308 bytes, above 307: bottom" 307 640
chain | expect 1 "a chain of 640 bytes, above 639" 308 639
chain | expect 1 "^ +216 middle$" 308 639

# A tail call takes the place of its caller.
{
	printf '%s\n' .text "first:" "sub \$400, %rsp" "add \$400, %rsp" "jmp second"
	routine second 100 nop
} | expect 0 "deepest chain 400 bytes" 1000 1000

# A pointer, taken by a caller from data, and called where it was passed to.
pointer() {
	echo '.section .rodata'
	echo 'other: .quad unrelated'
	echo 'vtable: .quad 0, 8, 8, deep'
	echo 'next: .quad unrelated, 0'
	echo .text
	routine taker 100 "mov \$vtable, %rdi" "mov \$other, %rsi" "mov \$next, %rsi" "call caller"
	routine caller 200 "$1"
	routine deep 500 nop
	routine unrelated 8 nop
}
pointer 'call *0x18(%rdi)' | expect 0 "deepest chain 840 bytes" 1000 1000
pointer 'call __x86_indirect_thunk_r11' | expect 1 "a chain of 840 bytes" 1000 839
# No code that calls back; then some that does, and only what is to be shown.
pointer 'call memcpy' | expect 0 "deepest chain 508 bytes" 1000 1000
pointer 'call seq_printf' | sed 's/deep/deep3fmt/' | expect 0 "deepest chain 840 bytes" 1000 1000
pointer 'call seq_printf' | sed 's/deep/deep3fmtB8_/' | expect 0 "deepest chain 840 bytes" 1000 1000

# By itself, by way of another function, and of a pointer that it takes itself.
routine one 0 "call one" | expect 1 "recursion: one -> one" 1000 1000
printf '%s\n' ".type one, @function" one: "sub \$8, %rsp" "call one" "add \$8, %rsp" ret |
	expect 1 "recursion: one -> one" 1000 1000
{
	routine one 0 "call two"
	routine two 0 "call one"
} | expect 1 "recursion: (one -> two -> one|two -> one -> two)" 1000 1000
{
	routine one 0 "mov \$one, %rdi" "call two"
	routine two 0 "mov \$one, %rdi" "call *%rdi"
} | expect 1 "recursion: " 1000 1000

# Room given back without a change of the flags.
routine plain 100 "lea -0x40(%rsp), %rsp" "lea 0x40(%rsp), %rsp" | expect 0 "largest frame 172 bytes" 1000 1000

# Room that is not of a fixed size has no bound.
routine wild 0 'sub %rax, %rsp' | expect 1 "wild: .*not of a fixed size" 1000 1000

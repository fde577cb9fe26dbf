# SPDX-License-Identifier: GPL-2.0
"""rebuilt.py IMAGE FOLDER: makes FOLDER/gcc.image and FOLDER/clang.image of an ELF file with a kernel's .rodata and
.BTF: two other builds of it, each with another name for the last type by name, and one that says clang built it."""
import re
import sys

image, folder = sys.argv[1:]
data = open(image, "rb").read()
banner = re.search(rb"Linux version [^ ]+ \([^ ()]+\) \((.*)\) #", data)
assert banner, "the image has no banner"
compiler = banner.group(1)
clang = b"Debian clang version 19.1.7 (3+b1), Debian LLD 19.1.7"
assert len(clang) <= len(compiler), compiler
header = data.index(b"\x9f\xeb\x01\x00")
strings = header + int.from_bytes(data[header + 4:header + 8], "little")
strings += int.from_bytes(data[header + 16:header + 20], "little")
end = strings + int.from_bytes(data[header + 20:header + 24], "little")


def write(name, last, text):
    other = bytearray(data)
    other[end - 2:end - 1] = last
    with open(f"{folder}/{name}.image", "wb") as out:
        out.write(bytes(other).replace(compiler, text.ljust(len(compiler))))


write("clang", b"X", clang)
write("gcc", b"Y", compiler)

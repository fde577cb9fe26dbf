# SPDX-License-Identifier: GPL-2.0
"""imports.py [TREE]: whether each Rust file below TREE/src imports only what is below it, in the order that
docs/architecture.md gives. Prints each import that is not, and fails where there is one, or nothing to look at."""
import re
import sys
from pathlib import Path

# What each room of the crate imports besides itself.
ROOMS = {
    "btf": [],
    "elf": ["btf"],
    "reloc": ["btf", "elf"],
    "text": ["btf", "elf", "reloc"],
    "kernel": ["btf", "elf", "reloc", "text"],
}
# The same of the folders of src/kernel; files in its root import no folder.
KERNEL = {
    "track": ["decide", "commit", "image", "base", "report"],
    "decide": ["commit", "image", "base", "report"],
    "commit": ["image", "base", "report"],
    "image": [],
    "base": [],
    "report": [],
}
# As rust_btfreloc.rs names a room, where that is not the name of its folder.
FOLDERS = {"shell": "kernel"}

TOKEN = re.compile(r"\w+|::|[{},;]|\S")


def paths(tokens, at, start):
    """The paths that begin with `start`, where the rest of a use tree follows at `at`."""
    while at + 1 < len(tokens) and tokens[at] == "::":
        if tokens[at + 1] == "{":
            return group(tokens, at + 2, start)
        start, at = start + [tokens[at + 1]], at + 2
    return [start], at


def group(tokens, at, start):
    found = []
    while at < len(tokens) and tokens[at] != "}":
        if tokens[at] == ",":
            at += 1
            continue
        more, at = paths(tokens, at + 1, start + [tokens[at]])
        found += more
        while at < len(tokens) and tokens[at] not in ",}":
            at += 1
    return found, at + 1


def imports(text, module):
    """What the file of `module` names by `crate` and `super`, as paths from the root of the crate."""
    tokens = TOKEN.findall(re.sub(r"//.*", "", text))
    for at, token in enumerate(tokens):
        begins = token in ("crate", "super") and tokens[at - 1:at] != ["::"]
        if not begins or tokens[at + 1:at + 2] != ["::"]:
            continue
        for path in paths(tokens, at + 1, [token])[0]:
            outer = module if path[0] == "super" else []
            while path[:1] == ["super"]:
                outer, path = outer[:-1], path[1:]
            yield outer + path[1 if path[:1] == ["crate"] else 0:]


def is_below(source, target, tree):
    room = FOLDERS.get(target[0], target[0]) if target else None
    own = source[0]
    if room not in ROOMS:
        return target == [] or room == "version"
    if room != own:
        return room in ROOMS[own]
    if own != "kernel" or len(target) < 2:
        return True
    folder = target[1]
    if folder in KERNEL:
        return folder == source[1] or folder in KERNEL.get(source[1], [])
    # Of what the root hands on to rust_btfreloc.rs, a folder is to name where it comes from.
    return (tree / "src/kernel" / f"{folder}.rs").exists()


def main(tree):
    wrong = 0
    files = [file for room in ROOMS for file in sorted((tree / "src" / room).rglob("*.rs"))]
    for folder in (tree / "src/kernel").iterdir():
        if folder.is_dir() and folder.name not in KERNEL:
            print(f"{folder}: a folder of which nothing says what it imports")
            wrong += 1
    for file in files:
        source = file.relative_to(tree / "src").with_suffix("").parts
        module = list(source[:-1] if source[-1] == "mod" else source)
        if module == ["kernel"]:
            continue
        for target in imports(file.read_text(), module):
            if not is_below(source, target, tree):
                print(f"{file}: imports {'::'.join(target)}, which is not below it")
                wrong += 1
    return wrong or not files


if __name__ == "__main__":
    sys.exit(1 if main(Path(*sys.argv[1:])) else 0)

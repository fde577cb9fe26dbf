# SPDX-License-Identifier: GPL-2.0
"""How deep a module's functions go into the stack, and whether that is too deep.

{ objdump -dr --no-show-raw-insn OBJECT; objdump -r OBJECT; } | python3 stack.py FRAME CHAIN

FRAME is the most bytes that one function may take, CHAIN the most that a function and all that it calls may.
What is outside the object counts as nothing, but is listed with the depth it is entered at. Every function is
taken for one that the kernel may call.

A call through a pointer may reach each function whose address was taken by one that is under way, in its code or
through data that it names, as vtables are. Of what is outside only code that formats calls back: it reaches what
implements Display and the like, or fmt::Write, among those; and whoever implements Display names itself what it
formats. A function that can be under way twice has no bound, and neither has a frame whose size is computed:
both have failed.
"""

import re
import sys

OUTSIDE_FORMATS = re.compile(r"fmt|printk|seq_printf")
# Names of generic functions end with the crate that they were made for.
SHOWS = re.compile(r"\dfmt(B\w*_|C\w+)?$")
WRITES = re.compile(r"\dwrite_(str|char|fmt)(B\w*_|C\w+)?$")
# What a Box<dyn FnOnce> is called through; there is none where pointers are borrowed.
SHIM = re.compile(r"call_once6vtable")
RETURNS = ("ret", "jmp", "ud2", "int3")


class Function:
    def __init__(self, section, start):
        self.section, self.start = section, start
        self.code = []  # [address, mnemonic, operands, symbol or None]
        self.frame = 0
        self.unbounded = None
        self.sites = []  # (depth on entry, symbol; None where it is a pointer)
        self.taken = set()


def read(lines):
    """Functions by name, and for each section of data its relocations: (offset, symbol, addend)."""
    functions, data, section, function = {}, {}, None, None
    for line in lines:
        if line.startswith("Disassembly of section "):
            section, function = line.split()[-1].rstrip(":"), None
        elif line.startswith("RELOCATION RECORDS FOR "):
            section, function = line.split("[")[1].split("]")[0], None
            data.setdefault(section, [])
        elif match := re.match(r"([0-9a-f]+) <(.*)>:$", line):
            function = functions[match[2]] = Function(section, int(match[1], 16))
        elif match := re.match(r"\s*([0-9a-f]+):\s+R_\S+\s+([^\s+-]+)(?:([+-])0x([0-9a-f]+))?$", line):
            function.code[-1][3] = symbol(match[2], match[3], match[4])
        elif match := re.match(r"([0-9a-f]+) R_\S+ +([^\s+-]+)(?:([+-])0x([0-9a-f]+))?$", line):
            data[section].append((int(match[1], 16), *symbol(match[2], match[3], match[4])))
        elif function and (match := re.match(r"\s*([0-9a-f]+):\s+(?:bnd |notrack |rep |lock )*(\S+)\s*(.*)$", line)):
            function.code.append([int(match[1], 16), match[2], match[3], None])
    return functions, data


def symbol(name, sign, addend):
    return name, int((sign or "+") + (addend or "0"), 16)


class Object:
    def __init__(self, lines):
        self.functions, self.data = read(lines)
        self.at = {(f.section, f.start): name for name, f in self.functions.items()}
        # Where objects in a section begin, as far as a relocation says so: one ends where the next begins.
        self.begins = {}
        for name, addend in self.references():
            self.begins.setdefault(name, set()).add(addend)
        for function in self.functions.values():
            self.follow(function)
        self.known = {}

    def references(self):
        for function in self.functions.values():
            yield from (reference for *_, reference in function.code if reference)
        for relocations in self.data.values():
            yield from (reference for _, *reference in relocations)

    def follow(self, function):
        """The depth at each instruction, and what is called there."""
        depth, at_target, deepest_yet = 0, {}, 0
        end = function.code[-1][0] + 1 if function.code else 0
        for address, mnemonic, operands, reference in function.code:
            if depth is None:
                depth = at_target.get(address, deepest_yet)
            depth = max(depth, at_target.get(address, 0))
            if mnemonic.startswith("push"):
                depth += 8
            elif mnemonic.startswith("pop"):
                depth -= 8
            elif match := re.match(r"\$(-?0x[0-9a-f]+),%rsp$", operands):
                size = int(match[1], 16)
                if mnemonic.startswith("and"):
                    depth += -size
                else:
                    depth += size if mnemonic.startswith("sub") else -size
            elif match := re.match(r"(-?0x[0-9a-f]+)\(%rsp\),%rsp$", operands):
                depth -= int(match[1], 16)
            elif operands.endswith(",%rsp") and "%rbp" not in operands and not mnemonic.startswith(("cmp", "test")):
                function.unbounded = f"{mnemonic} {operands}"
            deepest_yet = max(deepest_yet, depth)
            if mnemonic[0] == "j" or mnemonic.startswith("call"):
                target = self.target(function, operands, reference)
                if mnemonic[0] == "j" and isinstance(target, int) and function.start <= target < end:
                    at_target[target] = max(depth, at_target.get(target, 0))
                elif target != "__x86_return_thunk":
                    name = self.at.get((function.section, target), target)
                    function.sites.append((depth + 8 * mnemonic.startswith("call"), name))
            elif reference:
                function.taken |= self.reached(*reference, set())
            if mnemonic.startswith(RETURNS):
                depth = None
        function.frame = deepest_yet

    def target(self, function, operands, reference):
        """What is jumped to: an address in the section, the name of a function, None for a pointer."""
        if operands.startswith("*") or reference and reference[0].startswith("__x86_indirect"):
            return None
        if not reference:
            return int(operands.split()[0], 16)
        name, addend = reference
        # A displacement counts from the end of the instruction.
        return addend + 4 if name == function.section else self.at.get((name, addend + 4), name)

    def reached(self, name, addend, seen):
        """The functions whose address is there, or in the data that is there."""
        if name in self.functions:
            return set() if SHIM.search(name) else {name}
        if (name, addend) in self.at:
            return self.reached(self.at[name, addend], 0, seen)
        if (name, addend) in seen or name not in self.data:
            return set()
        seen.add((name, addend))
        end = min((other for other in self.begins[name] if other > addend), default=sys.maxsize)
        found = set()
        for offset, *reference in self.data[name]:
            if addend <= offset < end:
                found |= self.reached(*reference, seen)
        return found

    def deepest(self, name, taken, under_way):
        """For each name outside, and None for the object itself: the greatest depth, and the chain to there."""
        if name in under_way:
            raise RecursionError(" -> ".join(under_way[under_way.index(name) :] + (name,)))
        function = self.functions[name]
        if SHOWS.search(name):
            taken = {one for one in taken if not SHOWS.search(one)}
        taken = (taken | function.taken) - {name}
        key = name, frozenset(taken)
        if key in self.known:
            return self.known[key]
        deepest = {None: (function.frame, ((function.frame, name),))}
        for depth, callee in function.sites:
            for callee in self.callees(callee, taken):
                below = {callee: (0, ())}
                if callee in self.functions:
                    below = self.deepest(callee, taken, under_way + (name,))
                for end, (more, chain) in below.items():
                    if depth + more > deepest.get(end, (-1,))[0]:
                        deepest[end] = depth + more, ((depth, name), *chain)
        self.known[key] = deepest
        return deepest

    def callees(self, callee, taken):
        if callee is None:
            return sorted(taken)
        if callee not in self.functions and OUTSIDE_FORMATS.search(callee):
            return [callee, *(one for one in sorted(taken) if SHOWS.search(one) or WRITES.search(one))]
        return [callee]


def main(frame_limit, chain_limit):
    module = Object(sys.stdin)
    if not module.functions:
        sys.exit("there is no function")
    failed = False
    for name, function in module.functions.items():
        if function.unbounded:
            print(f"{name}: {function.unbounded}: a frame that is not of a fixed size")
            failed = True
        if function.frame > frame_limit:
            print(f"frame of {function.frame} bytes, above {frame_limit}: {name}")
            failed = True
    deepest = {}
    for name in module.functions:
        try:
            for end, found in module.deepest(name, frozenset(), ()).items():
                deepest[end] = max(found, deepest.get(end, (-1,)))
        except RecursionError as chain:
            sys.exit(f"recursion: {chain}")
    depth, chain = deepest.pop(None)
    if depth > chain_limit:
        print(f"a chain of {depth} bytes, above {chain_limit}:")
        for size, name in chain:
            print(f"{size:8} {name}")
        failed = True
    print(f"largest frame {max(f.frame for f in module.functions.values())} bytes, deepest chain {depth} bytes")
    outside = sorted(deepest.items(), key=lambda entry: -entry[1][0])
    print("outside, deepest first: " + ", ".join(f"{name} {found[0]}" for name, found in outside))
    return failed


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))

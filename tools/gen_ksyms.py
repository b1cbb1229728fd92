#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""gen_ksyms.py: the kernel's symbol and line table, for panic reports.

gen_ksyms.py ELF OUT.S     write the table of ELF as an assembler file
gen_ksyms.py --verify ELF  compare the table linked into ELF with ELF itself

The format is described in kern/ksyms.c.  Functions come from the symbol table,
lines from .debug_line, inlined calls from .debug_info and places without a frame
from .debug_frame (DWARF 5), which this script reads itself: no other tool's
output format can change under it, and it takes a second.  The output depends on ELF only.
"""
import bisect
import hashlib
import os
import re
import struct
import sys

from dwarf_frame import Frames
from dwarf_inline import DwarfError, Inlines

VERSION = 3
SHF_ALLOC, SHT_PROGBITS = 2, 1
SHF_EXECINSTR, SHT_SYMTAB, SHT_NOBITS = 4, 2, 8
STT_NOTYPE, STT_FUNC = 0, 2


def fail(msg):
    sys.exit("gen_ksyms.py: " + msg)


class Elf:
    """Sections and symbols of a 64-bit little-endian ELF file."""

    def __init__(self, path):
        with open(path, "rb") as f:
            self.data = f.read()
        if self.data[:6] != b"\x7fELF\x02\x01":
            fail(path + ": not a 64-bit little-endian ELF file")
        shoff, = struct.unpack_from("<Q", self.data, 40)
        size, num, names = struct.unpack_from("<HHH", self.data, 58)
        self.headers = [struct.unpack_from("<IIQQQQIIQQ", self.data,
                                           shoff + i * size)
                        for i in range(num)]
        strtab = self.headers[names]
        self.names = [self.string(strtab, h[0]) for h in self.headers]

    def string(self, header, at):
        start = header[4] + at
        return self.data[start:self.data.index(b"\0", start)].decode()

    def section(self, name):
        """Header and contents; None and b"" when there is none."""
        if name not in self.names:
            return None, b""
        h = self.headers[self.names.index(name)]
        if h[1] == SHT_NOBITS:
            return h, b""
        return h, self.data[h[4]:h[4] + h[5]]

    def text(self):
        """(start, end) of each section of code."""
        return sorted((h[3], h[3] + h[5]) for h in self.headers
                      if h[2] & SHF_EXECINSTR and h[5] > 0)

    def symbols(self):
        for h in self.headers:
            if h[1] != SHT_SYMTAB:
                continue
            strtab = self.headers[h[6]]
            for at in range(h[4], h[4] + h[5], h[9]):
                name, info, _, shndx, value, size = struct.unpack_from(
                    "<IBBHQQ", self.data, at)
                yield (self.string(strtab, name), info & 15, info >> 4,
                       shndx, value, size)


# What gcc appends to the name of a function that it made from part of one.
CLONE = re.compile(r"\.(?:part|isra|constprop)\.\d+")


def functions(elf):
    """Sorted [(address, name)]: one name an address, the source's name for a
    compiler's clone, and labels of assembler code only where no function
    covers them."""
    text = elf.text()
    best, covered, labels = {}, [], []
    for name, kind, bind, shndx, value, size in elf.symbols():
        if (shndx == 0 or shndx >= 0xff00 or name == "" or
                not any(lo <= value < hi for lo, hi in text)):
            continue
        if kind == STT_FUNC:
            rank = (bind == 0, name)        # a global name before a local one
            if value not in best or rank < best[value]:
                best[value] = rank
            covered.append((value, value + size))
        elif kind == STT_NOTYPE and not name.startswith((".", "$", "__")):
            labels.append((value, name))
    covered.sort()
    starts = [c[0] for c in covered]
    for value, name in sorted(labels):
        i = bisect.bisect_right(starts, value) - 1
        if i >= 0 and value < max(covered[i][1], covered[i][0] + 1):
            continue
        best.setdefault(value, (True, name))
    return sorted((value, CLONE.sub("", rank[1]))
                  for value, rank in best.items())


class Reader:
    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def take(self, fmt):
        values = struct.unpack_from("<" + fmt, self.data, self.at)
        self.at += struct.calcsize("<" + fmt)
        return values[0]

    def uleb(self):
        v = shift = 0
        while True:
            b = self.data[self.at]
            self.at += 1
            v |= (b & 0x7f) << shift
            shift += 7
            if not b & 0x80:
                return v

    def sleb(self):
        v = shift = 0
        while True:
            b = self.data[self.at]
            self.at += 1
            v |= (b & 0x7f) << shift
            shift += 7
            if not b & 0x80:
                return v - (1 << shift) if b & 0x40 else v

    def cstring(self):
        end = self.data.index(b"\0", self.at)
        s = self.data[self.at:end].decode()
        self.at = end + 1
        return s


class Lines:
    """The rows of .debug_line: parallel lists, sorted by address."""

    def __init__(self, elf):
        self.strings = {0x1f: elf.section(".debug_line_str")[1],
                        0x0e: elf.section(".debug_str")[1]}
        self.files_at = {}              # file tables by their units' offsets
        rows = []
        r = Reader(elf.section(".debug_line")[1])
        while r.at < len(r.data):
            self.unit_at = r.at
            length = r.take("I")
            end = r.at + length
            if length == 0xffffffff:
                fail("64-bit DWARF is not supported")
            if r.take("H") != 5:
                fail("DWARF version 5 is wanted")
            self.unit(r, end, rows)
            r.at = end
        # Of several rows for one address the last one holds.
        merged = {}
        for row in sorted(rows, key=lambda row: row[:2]):
            merged[row[0]] = row[2:]
        self.addresses = sorted(merged)
        self.places = [merged[a] for a in self.addresses]

    def form(self, r, form):
        if form in self.strings:
            return Reader(self.strings[form], r.take("I")).cstring()
        if form == 0x08:
            return r.cstring()
        if form == 0x0f:
            return r.uleb()
        if form == 0x1e:
            r.at += 16
            return None
        if form in (0x0b, 0x05, 0x06, 0x07):
            return r.take({0x0b: "B", 0x05: "H", 0x06: "I", 0x07: "Q"}[form])
        fail("DWARF form %#x in a file table" % form)

    def table(self, r):
        """A directory or file table: [(path, directory)]."""
        formats = [(r.uleb(), r.uleb()) for _ in range(r.take("B"))]
        entries = []
        for _ in range(r.uleb()):
            entry = {kind: self.form(r, form) for kind, form in formats}
            entries.append((entry[1], entry.get(2, 0)))
        return entries

    def unit(self, r, end, rows):
        r.at += 2                               # address and segment size
        program = r.take("I") + r.at
        min_len, _, _ = r.take("B"), r.take("B"), r.take("B")
        line_base, line_range = r.take("b"), r.take("B")
        opcode_base = r.take("B")
        nargs = [r.take("B") for _ in range(opcode_base - 1)]
        dirs = [d for d, _ in self.table(r)]
        files = [os.path.normpath(os.path.join(dirs[0], dirs[d], f))
                 for f, d in self.table(r)]
        self.files_at[self.unit_at] = files
        r.at = program
        self.run(r, end, rows, files, min_len, line_base, line_range,
                 opcode_base, nargs)

    @staticmethod
    def run(r, end, rows, files, min_len, line_base, line_range, opcode_base,
            nargs):
        address, file, line = 0, 1, 1

        def emit():
            if address:
                rows.append((address, len(rows), files[file], line))

        while r.at < end:
            op = r.data[r.at]
            r.at += 1
            if op >= opcode_base:
                op -= opcode_base
                address += op // line_range * min_len
                line += line_base + op % line_range
                emit()
            elif op == 0:
                size = r.uleb()
                after = r.at + size
                sub = r.take("B")
                if sub == 1:                    # end of sequence
                    if address:
                        # Before a row of a sequence that begins right here.
                        rows.append((address, -1, "", 0))
                    address, file, line = 0, 1, 1
                elif sub == 2:
                    address = r.take("Q")
                r.at = after
            elif op == 1:
                emit()
            elif op == 2:
                address += r.uleb() * min_len
            elif op == 3:
                line += r.sleb()
            elif op == 4:
                file = r.uleb()
            elif op == 8:
                address += (255 - opcode_base) // line_range * min_len
            elif op == 9:
                address += r.take("H")
            else:                               # no effect on place
                for _ in range(nargs[op - 1]):
                    r.uleb()

    def within(self, start, end):
        """[(offset, file, line)] of one function, without repetitions."""
        out = []
        i = max(bisect.bisect_right(self.addresses, start) - 1, 0)
        while i < len(self.addresses) and self.addresses[i] < end:
            place = self.places[i]
            if not out or out[-1][1:] != place:
                out.append((max(self.addresses[i] - start, 0),) + place)
            i += 1
        return out


def leb(v):
    out = []
    while True:
        out.append(v & 0x7f | (0x80 if v > 0x7f else 0))
        v >>= 7
        if not v:
            return out


def build_id(elf):
    """Names the image: all that is loaded, but for this very table."""
    digest = hashlib.sha256()
    for name, h in zip(elf.names, elf.headers):
        if h[1] == SHT_PROGBITS and h[2] & SHF_ALLOC and name != "ksyms":
            digest.update(elf.data[h[4]:h[4] + h[5]])
    return int.from_bytes(digest.digest()[:8], "big")


class Table:
    """What goes into the kernel, as lists of numbers and bytes."""

    def __init__(self, elf):
        funcs, lines = functions(elf), Lines(elf)
        inlines = Inlines(lambda name: elf.section(name)[1], lines.files_at)
        frames = Frames(elf.section(".debug_frame")[1]).rows
        text = elf.text()
        if not funcs:
            fail("no functions")
        self.base = text[0][0] & ~0x7fffffff
        self.build = build_id(elf)
        self.names, self.name_at = bytearray(), {}
        self.starts = [a - self.base for a, _ in funcs]
        self.starts.append(text[-1][1] - self.base)
        self.func_names = [self.name(n) for _, n in funcs]
        self.files, self.file_no = [], {}
        self.inl_names, self.inl_no = [], {}
        self.line_bytes, self.func_lines = bytearray(), []
        self.inl_bytes, self.func_inls = bytearray(), []
        self.cfa_bytes, self.func_cfas = bytearray(), []
        rows, at, cfa_at = inlines.rows, 0, 0
        for i in range(len(funcs)):
            start, end = (a + self.base for a in self.starts[i:i + 2])
            self.func_lines.append(len(self.line_bytes))
            self.encode(lines.within(start, end))
            first = at = bisect.bisect_left(rows, (start,), at)
            while at < len(rows) and rows[at][0] < end:
                at += 1
            self.func_inls.append(len(self.inl_bytes))
            self.encode_inlines(rows[first:at], start)
            first = cfa_at = bisect.bisect_left(frames, (start,), cfa_at)
            while cfa_at < len(frames) and frames[cfa_at][0] < end:
                cfa_at += 1
            self.func_cfas.append(len(self.cfa_bytes))
            self.encode_cfas(frames[first:cfa_at], start)
        self.func_lines.append(len(self.line_bytes))
        self.func_inls.append(len(self.inl_bytes))
        self.func_cfas.append(len(self.cfa_bytes))

    def name(self, s):
        if s not in self.name_at:
            self.name_at[s] = len(self.names)
            self.names += s.encode() + b"\0"
        return self.name_at[s]

    def file(self, path):
        if path not in self.file_no:
            self.file_no[path] = len(self.files)
            self.files.append(self.name(path))
        return self.file_no[path]

    def inlined_name(self, s):
        if s not in self.inl_no:
            self.inl_no[s] = len(self.inl_names)
            self.inl_names.append(self.name(s))
        return self.inl_no[s]

    def encode(self, rows):
        at = line = 0
        for offset, path, number in rows:
            d = number - line
            self.line_bytes += bytes(leb(offset - at) + leb(self.file(path)) +
                                     leb(d * 2 if d >= 0 else -d * 2 - 1))
            at, line = offset, number

    def encode_inlines(self, rows, start):
        at = start
        for lo, depth, hi, name, path, line in rows:
            self.inl_bytes += bytes(
                leb(lo - at) + leb(hi - lo) + leb(depth) +
                leb(self.inlined_name(name)) + leb(self.file(path)) + leb(line))
            at = lo

    def encode_cfas(self, rows, start):
        at = start
        for lo, hi, distance in rows:
            self.cfa_bytes += bytes(leb(lo - at) + leb(hi - lo) +
                                    leb(distance))
            at = hi

    def parts(self):
        """(symbol, bytes) in the order of the section, 8-byte aligned."""
        def words(v):
            return struct.pack("<%dI" % len(v), *v)

        header = struct.pack("<IIIIQQ", VERSION, len(self.starts) - 1,
                             len(self.files), len(self.inl_names), self.base,
                             self.build)
        return [("ksyms_header", header),
                ("ksyms_func_table", words(self.starts)),
                ("ksyms_func_names", words(self.func_names)),
                ("ksyms_func_lines", words(self.func_lines)),
                ("ksyms_func_inls", words(self.func_inls)),
                ("ksyms_files", words(self.files)),
                ("ksyms_inl_names", words(self.inl_names)),
                ("ksyms_names", bytes(self.names)),
                ("ksyms_lines", bytes(self.line_bytes)),
                ("ksyms_inls", bytes(self.inl_bytes)),
                ("ksyms_func_cfas", words(self.func_cfas)),
                ("ksyms_cfas", bytes(self.cfa_bytes))]


def write_asm(table, path):
    out = ["/* Generated by tools/gen_ksyms.py. */",
           '\t.section ksyms, "a", @progbits']
    for symbol, data in table.parts():
        out += ["\t.balign 8", "\t.globl " + symbol,
                "\t.type %s, @object" % symbol, symbol + ":"]
        for i in range(0, len(data), 24):
            out.append("\t.byte " + ",".join(map(str, data[i:i + 24])))
        out.append("\t.size %s, . - %s" % (symbol, symbol))
    out.append('\t.section .note.GNU-stack, "", @progbits\n')
    with open(path, "w") as f:
        f.write("\n".join(out))


def verify(path):
    elf = Elf(path)
    header, data = elf.section("ksyms")
    if header is None:
        fail(path + ": has no ksyms section")
    where = {name: value for name, _, _, _, value, _ in elf.symbols()}
    for symbol, want in Table(elf).parts():
        if symbol not in where:
            fail("%s: %s is missing" % (path, symbol))
        at = where[symbol] - header[3]
        if data[at:at + len(want)] != want:
            fail("%s: %s is not what the image says: one more pass is "
                 "needed" % (path, symbol))


def main(argv):
    try:
        if len(argv) == 3 and argv[1] == "--verify":
            verify(argv[2])
        elif len(argv) == 3:
            write_asm(Table(Elf(argv[1])), argv[2])
        else:
            sys.exit(__doc__)
    except DwarfError as e:
        fail(str(e))


main(sys.argv)

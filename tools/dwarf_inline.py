# SPDX-License-Identifier: BSD-2-Clause
"""dwarf_inline.py: which calls the compiler inlined, from .debug_info (DWARF 5).

Used by gen_ksyms.py.  Only what is needed is decoded: compile units, functions,
lexical blocks and inlined calls; any other entry is stepped over, with its
children where it says where they end.
"""
import struct

AT_SIBLING, AT_NAME, AT_STMT_LIST, AT_LOW_PC, AT_HIGH_PC = 1, 3, 0x10, 0x11, 0x12
AT_ORIGIN, AT_RANGES, AT_CALL_FILE, AT_CALL_LINE = 0x31, 0x55, 0x58, 0x59
AT_DECL_LINE = 0x3b
TAG_BLOCK, TAG_UNIT, TAG_INLINED, TAG_SUBPROGRAM = 0x0b, 0x11, 0x1d, 0x2e
WANTED = {
    TAG_UNIT: {AT_STMT_LIST, AT_LOW_PC},
    TAG_SUBPROGRAM: {AT_NAME, AT_ORIGIN, AT_DECL_LINE},
    TAG_INLINED: {AT_ORIGIN, AT_LOW_PC, AT_HIGH_PC, AT_RANGES, AT_CALL_FILE,
                  AT_CALL_LINE},
    TAG_BLOCK: set(),
}
FIXED = {0x01: 8, 0x05: 2, 0x06: 4, 0x07: 8, 0x0b: 1, 0x0c: 1, 0x0e: 4,
         0x10: 4, 0x11: 1, 0x12: 2, 0x13: 4, 0x14: 8, 0x17: 4, 0x19: 0,
         0x1e: 16, 0x1f: 4, 0x20: 8, 0x21: 0}
UNSIGNED = {1: "<B", 2: "<H", 4: "<I", 8: "<Q"}
SKIP, LEB, BLOCK, STRING, TAKE, CONST = range(6)


class DwarfError(Exception):
    pass


def uleb(data, at):
    v = shift = 0
    while True:
        b = data[at]
        at += 1
        v |= (b & 0x7f) << shift
        if b < 0x80:
            return v, at
        shift += 7


def sleb(data, at):
    start = at
    v, at = uleb(data, at)
    bits = 7 * (at - start)
    return (v - (1 << bits) if v >> (bits - 1) else v), at


def abbreviations(data, at):
    """{code: (tag, has children, steps)}: steps say how to read an entry."""
    table = {}
    while True:
        code, at = uleb(data, at)
        if code == 0:
            return table
        tag, at = uleb(data, at)
        children = data[at] != 0
        at += 1
        steps = []
        wanted = WANTED.get(tag)
        if wanted is None:
            wanted = {AT_SIBLING} if children else set()
        while True:
            attr, at = uleb(data, at)
            form, at = uleb(data, at)
            const = None
            if form == 0x21:
                const, at = sleb(data, at)
            if attr == 0 and form == 0:
                break
            add_step(steps, attr, form, const, attr in wanted)
        table[code] = (tag, children, steps)


def add_step(steps, attr, form, const, wanted):
    size = FIXED.get(form)
    if form == 0x21:
        if wanted:
            steps.append((CONST, attr, form, const))
    elif wanted:
        steps.append((TAKE, attr, form, size))
    elif size is not None:
        if steps and steps[-1][0] == SKIP:
            steps[-1] = (SKIP, 0, 0, steps[-1][3] + size)
        elif size:
            steps.append((SKIP, 0, 0, size))
    elif form in (0x0d, 0x0f, 0x15, 0x22, 0x23):
        steps.append((LEB, 0, 0, 0))
    elif form in (0x09, 0x18):
        steps.append((BLOCK, 0, 0, 0))
    elif form == 0x0a:
        steps.append((BLOCK, 0, 0, 0))      # lengths below 128 read as LEB
    elif form == 0x08:
        steps.append((STRING, 0, 0, 0))
    else:
        raise DwarfError("DWARF form %#x" % form)


class Inlines:
    """rows: sorted [(start, depth, end, name, file, line)]: from start to end
    runs code of function `name`, inlined `depth` levels deep by the call at
    file:line."""

    def __init__(self, section, files_at):
        self.info = section(".debug_info")
        self.abbrev = section(".debug_abbrev")
        self.ranges = section(".debug_rnglists")
        self.strings = {0x0e: section(".debug_str"),
                        0x1f: section(".debug_line_str")}
        self.names, self.tables, found = {}, {}, []
        at = 0
        while at < len(self.info):
            length, version, kind, size, abbrev = struct.unpack_from(
                "<IHBBI", self.info, at)
            if version != 5 or size != 8 or length == 0xffffffff:
                raise DwarfError("a unit is not 32-bit DWARF 5")
            if kind == 1:
                self.unit(at, at + 4 + length, abbrev, files_at, found)
            at += 4 + length
        self.rows = sorted((start, depth, end, self.names[origin], file, line)
                           for start, end, depth, origin, file, line in found
                           if origin in self.names and end > start)

    def take(self, at, form, size):
        if form in self.strings:
            o, = struct.unpack_from("<I", self.info, at)
            s = self.strings[form]
            return s[o:s.index(b"\0", o)].decode(), at + 4
        if form == 0x08:
            end = self.info.index(b"\0", at)
            return self.info[at:end].decode(), end + 1
        if size is None:
            return uleb(self.info, at)
        return struct.unpack_from(UNSIGNED[size], self.info, at)[0], at + size

    def entry(self, at, steps):
        info, attrs, forms = self.info, {}, {}
        for op, attr, form, size in steps:
            if op == SKIP:
                at += size
            elif op == LEB:
                while info[at] >= 0x80:
                    at += 1
                at += 1
            elif op == TAKE:
                attrs[attr], at = self.take(at, form, size)
                forms[attr] = form
            elif op == BLOCK:
                n, at = uleb(info, at)
                at += n
            elif op == STRING:
                at = info.index(b"\0", at) + 1
            else:
                attrs[attr] = size
        return at, attrs, forms

    def unit(self, start, end, abbrev, files_at, found):
        table = self.tables.get(abbrev)
        if table is None:
            table = self.tables[abbrev] = abbreviations(self.abbrev, abbrev)
        at, depth, stack, files, base = start + 12, 0, [], [], 0
        origin = None                   # of the function that we are in
        while at < end:
            where = at
            code, at = uleb(self.info, at)
            if code == 0:
                if stack:
                    depth = stack.pop()
                continue
            tag, children, steps = table[code]
            at, a, forms = self.entry(at, steps)
            inner = depth
            if tag == TAG_INLINED and self.part(start, a, origin, table):
                pass
            elif tag == TAG_INLINED:
                inner = depth + 1
                self.inlined(start, a, forms, inner, files, base, found)
            elif tag == TAG_SUBPROGRAM:
                inner, origin = 0, a.get(AT_ORIGIN)
                if AT_NAME in a:
                    self.names[where] = a[AT_NAME]
            elif tag == TAG_UNIT:
                files = files_at[a[AT_STMT_LIST]]
                base = a.get(AT_LOW_PC, 0)
            elif children and AT_SIBLING in a:
                at = start + a[AT_SIBLING]
                continue
            if children:
                stack.append(depth)
                depth = inner

    def part(self, unit, a, origin, table):
        """Of a function that was split in two and put together again: the call
        of the part has the function's own line."""
        if origin is None or a[AT_ORIGIN] != origin:
            return False
        code, at = uleb(self.info, unit + origin)
        _, whole, _ = self.entry(at, table[code][2])
        return whole.get(AT_DECL_LINE) == a.get(AT_CALL_LINE)

    def inlined(self, unit, a, forms, depth, files, base, found):
        origin = a[AT_ORIGIN]
        if forms[AT_ORIGIN] != 0x10:
            origin += unit
        rest = (depth, origin, files[a.get(AT_CALL_FILE, 0)],
                a.get(AT_CALL_LINE, 0))
        if AT_RANGES in a:
            for lo, hi in self.range_list(a[AT_RANGES], base):
                found.append((lo, hi) + rest)
        elif AT_LOW_PC in a:
            lo, hi = a[AT_LOW_PC], a.get(AT_HIGH_PC, 0)
            found.append((lo, hi if forms.get(AT_HIGH_PC) == 0x01
                          else lo + hi) + rest)

    def range_list(self, at, base):
        d = self.ranges
        while True:
            kind = d[at]
            at += 1
            if kind == 0:
                return
            if kind == 4:
                lo, at = uleb(d, at)
                hi, at = uleb(d, at)
                yield base + lo, base + hi
            elif kind == 5:
                base, = struct.unpack_from("<Q", d, at)
                at += 8
            elif kind == 6:
                yield struct.unpack_from("<QQ", d, at)
                at += 16
            elif kind == 7:
                lo, = struct.unpack_from("<Q", d, at)
                n, at = uleb(d, at + 8)
                yield lo, lo + n
            else:
                raise DwarfError("range list entry %d" % kind)

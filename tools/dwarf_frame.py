# SPDX-License-Identifier: BSD-2-Clause
"""dwarf_frame.py: where a function has no frame yet, or no more (.debug_frame).

Used by gen_ksyms.py.  Outside such places rbp is the frame pointer; in them it
still is the caller's, and the return address lies at a known distance above the
stack pointer: what an unwinder needs that begins at an arbitrary instruction.
"""
import struct

from dwarf_inline import DwarfError, sleb, uleb

RSP = 7


class Frames:
    """rows: sorted [(start, end, distance of the CFA from rsp)]."""

    def __init__(self, data):
        self.data, self.rows, cies, at = data, [], {}, 0
        while at + 8 <= len(data):
            length, cie = struct.unpack_from("<II", data, at)
            end = at + 4 + length
            if length == 0xffffffff:
                raise DwarfError("64-bit .debug_frame")
            if cie == 0xffffffff:
                cies[at] = self.cie(at + 8, end)
            else:
                start, size = struct.unpack_from("<QQ", data, at + 8)
                self.fde(start, size, at + 24, end, cies[cie])
            at = end
        self.rows.sort()

    def cie(self, at, end):
        version = self.data[at]
        if version not in (1, 3, 4) or self.data[at + 1] != 0:
            raise DwarfError("a CIE of version %d, augmented" % version)
        at += 2
        if version == 4:
            at += 2                             # address and segment size
        code, at = uleb(self.data, at)
        _, at = sleb(self.data, at)
        _, at = uleb(self.data, at)             # the return address's column
        state = [None, 0]
        for _ in self.run(at, end, code, state, None):
            pass
        return code, state

    def fde(self, start, size, at, end, cie):
        code, initial = cie
        state, loc = list(initial), start
        for step in self.run(at, end, code, state, initial):
            self.row(loc, loc + step[0], step[1])
            loc += step[0]
        self.row(loc, start + size, state)

    def row(self, start, end, state):
        if state[0] != RSP or end <= start:
            return
        if self.rows and self.rows[-1][1:] == (start, state[1]):
            self.rows[-1] = (self.rows[-1][0], end, state[1])
        else:
            self.rows.append((start, end, state[1]))

    def run(self, at, end, code, state, initial):
        """Runs the instructions on state, the rule of the CFA as [register,
        offset]; yields (bytes, [register, offset]) before each advance."""
        d, saved = self.data, []
        while at < end:
            op = d[at]
            at += 1
            top, low = op & 0xc0, op & 0x3f
            if top == 0x40:
                yield low * code, list(state)
            elif top == 0x80:
                _, at = uleb(d, at)
            elif top == 0xc0 or op == 0:
                pass
            elif op in (2, 3, 4):
                size = {2: 1, 3: 2, 4: 4}[op]
                yield (int.from_bytes(d[at:at + size], "little") * code,
                       list(state))
                at += size
            elif op == 0x0a:
                saved.append(list(state))
            elif op == 0x0b:
                state[:] = saved.pop()
            elif op == 0x0c:
                state[0], at = uleb(d, at)
                state[1], at = uleb(d, at)
            elif op == 0x0d:
                state[0], at = uleb(d, at)
            elif op == 0x0e:
                state[1], at = uleb(d, at)
            elif op in (5, 9):
                _, at = uleb(d, at)
                _, at = uleb(d, at)
            elif op in (6, 7, 8):
                _, at = uleb(d, at)
            elif op in (0x0f, 0x10, 0x16):
                if op == 0x0f:
                    state[0] = None
                else:
                    _, at = uleb(d, at)
                n, at = uleb(d, at)
                at += n
            elif op == 0x2e:
                _, at = uleb(d, at)
            else:
                raise DwarfError("frame instruction %#x" % op)

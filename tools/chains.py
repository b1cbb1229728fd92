#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""chains.py: a picture of object chains, from what the kernel prints.

chains.py LOG OUT.svg        the objects in LOG: a panic's report, or what
                             "show chain" and "show chains" of the debugger print
chains.py --boot OUT.svg     a boot under load, stopped by the debugger

An object is a box with its references, pins and flags, its pages as cells
(filled: resident), and an arrow to its backing object.  A thick frame is a held
lock.  Objects that neither have a backing object nor shadows are left out when
there are others.
"""
import argparse
import html
import os
import re
import sys

OBJECT = re.compile(r"^object (\S+): (\S+) size (\d+) refs (-?\d+) shadows "
                    r"(-?\d+) pins (\d+)(?: pager (\S+))?(.*)$")
PAGES = re.compile(r"^  pages((?: \d+(?:-\d+)?)*)$")
BACKED = re.compile(r"^  backed by (\S+) at (\S+)$")
LOCK = re.compile(r"^ *rwlock (?:\(read\) )?object (\S+) ")
CELLS = 24              # pages drawn of one object
BOX_W, BOX_H, GAP_X, GAP_Y = 196, 62, 18, 40
MAXBOXES = 40
COLUMNS = 8             # then no further family is drawn
FAN = 4                 # shadows drawn of one object


class Object:
    def __init__(self, m):
        self.name, self.type = m.group(1), m.group(2)
        self.size, self.refs, self.shadows, self.pins = map(int, m.group(
            3, 4, 5, 6))
        self.flags = m.group(8).strip()
        self.pages, self.backing, self.offset = set(), None, "0"
        self.x = self.depth = self.hidden = 0


def parse(lines):
    """The objects by name, as they were printed last; and the locked ones."""
    objects, locked, last = {}, set(), None
    for line in lines:
        line = line.rstrip()
        if m := OBJECT.match(line):
            last = objects[m.group(1)] = Object(m)
        elif last and (m := PAGES.match(line)):
            for run in m.group(1).split():
                first, _, end = run.partition("-")
                last.pages |= set(range(int(first), int(end or first) + 1))
        elif last and (m := BACKED.match(line)):
            last.backing, last.offset = m.group(1), m.group(2)
        elif m := LOCK.match(line):
            locked.add(m.group(1))
        else:
            last = None
    return objects, locked


def families(objects):
    """Lists of roots (no backing object here) and the shadows of each name."""
    fronts = {}
    for o in objects.values():
        if o.backing in objects:
            fronts.setdefault(o.backing, []).append(o)
    roots = [o for o in objects.values() if o.backing not in objects]
    linked = [o for o in roots if o.name in fronts or o.backing]
    return sorted(linked or roots, key=lambda o: -height(o, fronts)), fronts


def height(o, fronts, level=0):
    """How deep the chains behind the shadows of o are."""
    return 1 + max((height(f, fronts, level + 1)
                    for f in fronts.get(o.name, []) if level < 100), default=0)


def place(o, fronts, depth, column, seen):
    """Shadows above their backing object, which is centred below them."""
    seen.add(o.name)
    o.depth = depth
    mine = [f for f in fronts.get(o.name, []) if f.name not in seen]
    mine.sort(key=lambda f: -len(fronts.get(f.name, [])))
    o.hidden, mine = max(len(mine) - FAN, 0), mine[:FAN]
    for f in mine:
        column = place(f, fronts, depth + 1, column, seen)
    if mine:
        o.x = (mine[0].x + mine[-1].x) / 2
        return column
    o.x = column
    return column + 1


def cells(o, x, y):
    n = min(o.size, CELLS)
    w = (BOX_W - 16) / CELLS
    out = [f'<rect x="{x + 8 + i * w:.1f}" y="{y + 42}" width="{w - 1:.1f}" '
           f'height="11" fill="{"#27c" if i in o.pages else "#fff"}" '
           f'stroke="#9ab" stroke-width=".5"/>' for i in range(n)]
    if o.size > n:
        out.append(f'<text x="{x + BOX_W - 4}" y="{y + 39}" text-anchor="end" '
                   f'class="s">{o.size} pages, first {n}</text>')
    return out


def box(o, locked, top):
    x, y = 10 + o.x * (BOX_W + GAP_X), 10 + (top - o.depth) * (BOX_H + GAP_Y)
    stroke, width = ("#c22", 3) if o.name in locked else ("#456", 1)
    pins = f' <tspan fill="#c22">pins {o.pins}</tspan>' if o.pins else ""
    return [f'<rect x="{x}" y="{y}" width="{BOX_W}" height="{BOX_H}" rx="4" '
            f'fill="#f4f8ff" stroke="{stroke}" stroke-width="{width}"/>',
            f'<text x="{x + 8}" y="{y + 15}">{html.escape(o.name)} '
            f'{html.escape(o.type)}</text>',
            f'<text x="{x + 8}" y="{y + 28}">refs {o.refs} shadows {o.shadows}'
            f'{pins}</text>',
            f'<text x="{x + 8}" y="{y + 39}" class="s">'
            f'{html.escape(o.flags[:34])}'
            + (f' ({o.hidden} shadows not drawn)' if o.hidden else '')
            + '</text>'] + cells(o, x, y)


def link(o, objects, top):
    if o.backing is None:
        return []
    x = 10 + o.x * (BOX_W + GAP_X) + BOX_W / 2
    y = 10 + (top - o.depth) * (BOX_H + GAP_Y) + BOX_H
    label = "" if o.offset in ("0", "0x0") else f"at {o.offset}"
    b = objects.get(o.backing)
    if b is None:
        return [f'<text x="{x}" y="{y + 13}" text-anchor="middle" class="s">'
                f'backed by {html.escape(o.backing)} (not printed)</text>']
    bx = 10 + b.x * (BOX_W + GAP_X) + BOX_W / 2
    by = 10 + (top - b.depth) * (BOX_H + GAP_Y)
    return [f'<line x1="{x}" y1="{y}" x2="{bx}" y2="{by - 2}" stroke="#456" '
            f'marker-end="url(#a)"/><text x="{(x + bx) / 2 + 4}" '
            f'y="{(y + by) / 2 + 4}" class="s">{label}</text>']


def svg(objects, locked):
    roots, fronts = families(objects)
    column, seen = 0, set()
    for root in roots:
        if len(seen) < MAXBOXES and column < COLUMNS:
            column = place(root, fronts, 0, column, seen)
    shown = [objects[n] for n in seen]
    top = max((o.depth for o in shown), default=0)
    width = 20 + max(column, 1) * (BOX_W + GAP_X)
    height = 40 + (top + 1) * (BOX_H + GAP_Y)
    body = [s for o in shown for s in link(o, objects, top)]
    body += [s for o in shown for s in box(o, locked, top)]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" '
            f'height="{height}" font-family="monospace" font-size="11">'
            '<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" '
            'markerWidth="8" markerHeight="8" orient="auto"><path '
            'd="M0 0L8 4L0 8z" fill="#456"/></marker></defs><style>.s{'
            'font-size:9px;fill:#567}</style>' + "\n".join(body)
            + f'<text x="10" y="{height - 6}" class="s">{len(shown)} of '
            f'{len(objects)} objects; shadows above their backing objects; '
            'filled cells are resident pages; a thick frame is a held lock'
            '</text></svg>\n')


def boot(args):
    """A boot under load, stopped by the debugger: what it prints."""
    import kdb_test             # noqa: E402 (its Machine, on the serial line)
    with open("build/chains.log", "wb") as log:
        m = kdb_test.Machine(args, "init=/init initargs=/etc/bulk:7", log)
        text = ""
        if m.expect(rb"initrd: ") is not None:
            m.expect(rb"(?!)", args.after)
            m.send(kdb_test.CTRL_BRACKET)
            m.expect(re.escape(kdb_test.PROMPT), 20)
            text = (m.command("locks") or "") + (m.command("show chains") or "")
            m.send(b"reboot\r")
        m.end()
    return text.splitlines()


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--boot", action="store_true")
    ap.add_argument("--kernel", default="build/gnomon.elf")
    ap.add_argument("--initrd", default="build/initrd.cpio")
    ap.add_argument("--timeout", type=int, default=60)
    ap.add_argument("--after", type=float, default=1.0,
                    help="seconds of load before the stop")
    ap.add_argument("files", nargs="+", metavar="[LOG] OUT.svg")
    a = ap.parse_args()
    if a.boot:
        lines = boot(a)
    else:
        with open(a.files[0], errors="replace") as f:
            lines = f.read().replace("\r", "").splitlines()
    objects, locked = parse(lines)
    if not objects:
        print("chains: no object is printed there", file=sys.stderr)
        return 1
    with open(a.files[-1], "w") as f:
        f.write(svg(objects, locked))
    print(f"{a.files[-1]}: {len(objects)} objects, {len(locked)} locked")
    return 0


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    sys.exit(main())

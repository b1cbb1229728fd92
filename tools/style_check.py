#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""style_check.py [FILE...]: the house rules that a line can show.

Sizes (function 100 lines, file 800, header 300), file heads, banned text,
80 columns, a protection mark on every field of the structs named in MARKED.
Of the whole tree also: each source is built, each test program started.  No C
parsing beyond ctags.  Prints one line a violation.
"""
import glob
import os
import re
import subprocess
import sys

MAX_FUNC, MAX_FILE, MAX_HEADER = 100, 800, 300
MAX_COLS, MAX_COLS_COMMENT = 80, 100    # code; with a trailing comment

# struct -> header: every field carries a mark such as [m]
MARKED = {"vm_page": "include/vm/vm_page.h",
          "vm_object": "include/vm/vm_object.h",
          "vm_map_entry": "include/vm/vm_map.h",
          "vm_map": "include/vm/vm_map.h",
          "vmspace": "include/vm/vm_map.h",
          "thread": "include/sys/thread.h",
          "spinlock": "include/sys/lock.h",
          "rwlock": "include/sys/lock.h",
          "proc": "include/sys/proc.h"}

BANNED = [(r"\bXXX\b", "XXX is banned: a TODO carries an issue number"),
          (r"\b(TODO|FIXME)\b(?!.*\(issue \d+\))", "a TODO carries an issue number"),
          (r"^\s*#\s*if\s+0\b", "#if 0: delete before you add"),
          (r"\btypedef\s+struct\s+\w+\s*\*", "no typedef of struct pointers"),
          (r"[ \t]+$", "trailing blanks"),
          (r"(?<!:)//", "no // comments")]


def functions(path):
    out = subprocess.run(["ctags", "-x", "--c-kinds=f", "--_xformat=%N %n %e",
                          path], check=True, capture_output=True, text=True)
    for line in out.stdout.splitlines():
        w = line.split()
        if len(w) == 3 and w[2].isdigit():
            yield w[0], int(w[1]), int(w[2])


def too_wide(line):
    wide = line.expandtabs(8)
    code = re.sub(r"\s*/\*.*$", "", wide) if "/*" in wide else wide
    in_comment = re.match(r"^\s*(/?\*|.*\*/$)", wide)
    cap = MAX_COLS_COMMENT if in_comment else MAX_COLS
    return len(code) > cap or len(wide) > MAX_COLS_COMMENT


def returns_in_parens(code):
    """return (expr); where the parentheses hold all of it."""
    m = re.search(r"\breturn\s*\((.*)\);$", code)
    depth = 0
    for c in m.group(1) if m else "":
        depth += (c == "(") - (c == ")")
        if depth < 0:
            return False
    return m is not None


def check_lines(path, lines):
    for n, line in enumerate(lines, 1):
        code = re.sub(r'"(\\.|[^"\\])*"', '""', line)
        if too_wide(line) and '"' not in line:
            yield f"{path}:{n}: more than {MAX_COLS} columns"
        if returns_in_parens(code):
            yield f"{path}:{n}: return without parentheses"
        if re.match(r" {8}", line):
            yield f"{path}:{n}: indented by blanks, not tabs"
        for pattern, why in BANNED:
            if re.search(pattern, code) and not (
                    "//" in pattern and path.endswith(".S")):
                yield f"{path}:{n}: {why}"


def check_head(path, lines):
    base = path.rsplit("/", 1)[-1]
    if not lines or "SPDX-License-Identifier: BSD-2-Clause" not in lines[0]:
        yield f"{path}:1: the first line is the SPDX line"
    head = "\n".join(lines[1:4])
    if not re.search(r"\*\s*(\w+/)*" + re.escape(base) + r"\b", head):
        yield f"{path}:2: the head says '{base}: what and why'"


def check_size(path, lines):
    cap = MAX_HEADER if path.endswith(".h") else MAX_FILE
    if len(lines) > cap:
        yield f"{path}:1: {len(lines)} lines (cap {cap})"
    if path.endswith(".c"):
        for name, start, end in functions(path):
            if end - start + 1 > MAX_FUNC:
                yield (f"{path}:{start}: {name} has {end - start + 1} lines "
                       f"(cap {MAX_FUNC}): an undrawn state machine")


def check_marks(path, text):
    for struct, where in MARKED.items():
        m = re.search(r"^struct (?:__\w+ )?" + struct + r" \{\n(.*?)^\}", text,
                      re.M | re.S)
        if where != path and not path.startswith("tests/rules/"):
            continue
        if m is None:
            continue
        first = text.count("\n", 0, m.start(1)) + 1
        body = m.group(1).splitlines()
        for i, line in enumerate(body):
            later = body[i + 1] if i + 1 < len(body) else ""
            if not line.rstrip().endswith(";") and "; " not in line \
                    and ";\t" not in line:
                continue
            if re.search(r"\block;|struct rb_node|\} *;|union", line):
                continue
            if not re.search(r"\[[a-zA-Z:+| ']+\]", line + later):
                yield f"{path}:{first + i}: field without protection mark"


def check_file(path, real=None):
    with open(real or path) as f:
        text = f.read()
    lines = text.splitlines()
    yield from check_lines(path, lines)
    if not path.endswith(".S"):
        yield from check_head(path, lines)
    yield from check_size(real or path, lines)
    yield from check_marks(path if real is None else real, text)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def check_listed(files):
    """A source that no list names is not built, a program that nobody starts
    tests nothing."""
    names = subprocess.run(["git", "ls-files", "*.mk", "Makefile"], check=True,
                           capture_output=True, text=True).stdout.split()
    lists = "\n".join(read(p) for p in names)
    starts = lists + "\n".join(read(p) for p in glob.glob("tests/user/*.txt") +
                               glob.glob("tools/*.py"))
    for path in files:
        if not path.endswith(".c") or path in lists:
            continue
        name = os.path.basename(path)[:-2]
        if not path.startswith("tests/user/") or not re.search(
                rf"USER_PROGS\s*\+= {name}$", lists, re.M):
            yield f"{path}:1: no .mk file lists it, so it is not built"
        elif not re.search(rf"(/bin|user)/{name}\b", starts):
            yield f"{path}:1: no suite and no tool starts /bin/{name}"


def main():
    files = sys.argv[1:]
    whole = not files
    if not files:
        out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard",
                              "*.c", "*.h", "*.S"], check=True,
                             capture_output=True, text=True).stdout
        files = [p for p in out.splitlines()
                 if not p.startswith(("tests/rules/", "tests/bench/"))]
    bad = [line for path in files for line in check_file(path)]
    if whole:
        bad += check_listed(files)
    print("\n".join(bad) if bad else f"style: {len(files)} files clean")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

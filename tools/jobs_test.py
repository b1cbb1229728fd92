#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""jobs_test.py: a shell with job control, typed at over the serial line.

Boots /bin/con with busybox's shell and types what a person would: line editing,
Ctrl-C, Ctrl-Z, jobs, fg, bg, a background reader, exit.  Prints "ok N jobs:
what" lines; the console goes to build/jobs-test.log.
"""

import argparse
import re
import sys

import kdb_test

PROMPT = rb"\$ (\x1b\[6n)?$"     # the shell asks where the cursor is

STEPS = [       # what, typed, expected before the next prompt
    ("a command", b"echo one two\r", r"one two\n"),
    ("erasing", b"echo ab\x7fc\r", r"\nac\n"),
    ("a pipe", b"echo x y z | wc -w\r", r"\n3\n"),
    ("Ctrl-C clears the line", b"junk\x03", None),
    ("Ctrl-C ends a command", (b"sleep 100\r", b"\x03"), None),
    ("its status", b"echo status $?\r", r"status 130\n"),
    ("Ctrl-Z stops", (b"sleep 100\r", b"\x1a"), r"\[1\]\+ +Stopped"),
    ("jobs", b"jobs\r", r"\[1\]\+ +Stopped +sleep 100\n"),
    ("bg", b"bg\r", r"\[1\]\+? *sleep 100"),
    ("running", b"jobs\r", r"\[1\]\+ +Running +sleep 100\n"),
    ("fg and Ctrl-C", (b"fg\r", b"\x03"), r"sleep 100\n"),
    ("no jobs", b"jobs; echo none\r", r"jobs; echo none\r?\nnone\n"),
    ("a background reader", b"cat &\r", None),
    ("is stopped", b"sleep 0.2; jobs\r", r"\[1\]\+ +Stopped.*cat\n"),
    ("and killed", b"kill %1; sleep 0.2; fg; echo done\r", r"done\n"),
    ("a pipeline stops as one", (b"sleep 100 | cat\r", b"\x1a"),
     r"\[1\]\+ +Stopped +sleep 100 \| cat"),
    ("and ends as one", (b"fg\r", b"\x03"), None),
    ("end of file", (b"cat; echo eof\r", b"\x04"), r"\neof\n"),
]


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--kernel", default="build/gnomon.elf")
    p.add_argument("--initrd", default="build/initrd.cpio")
    p.add_argument("--log", default="build/jobs-test.log")
    p.add_argument("--timeout", type=int, default=60)
    a = p.parse_args()
    failed = 0
    with open(a.log, "wb") as log:
        m = kdb_test.Machine(a, "init=/bin/con initargs=/bin/sh:-i", log)
        m.expect(PROMPT, 30)
        for n, (what, typed, want) in enumerate(STEPS, 1):
            parts = typed if isinstance(typed, tuple) else (typed,)
            out = ""
            for i, part in enumerate(parts):
                m.send(part)
                if i + 1 < len(parts):      # the command has to be there
                    out += m.expect(rb"\n", 10) or ""
                    m.expect(rb"(?!)", 0.5)
            got = m.expect(PROMPT, 10)
            out = (out + (got or "")).replace("\r", "")
            ok = got is not None and (want is None or re.search(want, out))
            print(("ok" if ok else "not ok") + f" {n} jobs: {what}")
            if not ok:
                failed += 1
                print(f"    {out!r}")
        m.send(b"exit 0\r")
        ok = m.expect(rb"verdict PASSED", 20) is not None
        print(("ok" if ok else "not ok") + f" {len(STEPS) + 1} jobs: exit")
        failed += not ok
        m.end()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

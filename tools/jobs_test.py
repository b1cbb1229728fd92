#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""jobs_test.py: a shell with job control, typed at over the serial line.

Boots /bin/con with busybox's shell and types what a person would: line editing,
Ctrl-C, Ctrl-Z, jobs, fg, bg, a background reader, vi, top, exit; then busybox's
init twice, for poweroff and reboot.  Prints "ok N jobs: what" lines; the console
goes to build/jobs-test.log.
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
    ("redirections", b"(echo a; echo b >&2) >/tmp/r 2>&1; sort -r </tmp/r\r",
     r"\nb\na\n"),
    ("vi", (b"vi /tmp/r\r", b"Onew line", b"\x1b", b":wq\r"), None),
    ("what vi wrote", b"cat /tmp/r\r", r"\nnew line\na\nb\n"),
    ("Ctrl-Z stops vi", (b"vi /tmp/r\r", b"\x1a"), r"\[\d\]\+ +Stopped"),
    ("and fg brings it back", (b"fg\r", b":q\r"), r"new line"),
    ("top", (b"top\r", b"q"), r"Mem: .*\n.*CPU: (?s:.*)COMMAND"),
    ("a script", b"printf '#!/bin/sh\\necho $2 $1\\n' >/tmp/s; chmod +x /tmp/s; "
     b"/tmp/s x y\r", r"\ny x\n"),
    ("clean up", b"rm /tmp/r /tmp/s\r", None),
]
# What is typed at busybox's init, which takes down /proc, too; statuses of
# run_qemu; the verdict.  A file that stays, or a name too few, is no such mount.
END = {
    "poweroff": ((0,), "PASSED"),
    "umount -l /dev; rmdir /proc; poweroff": ((0,), "PASSED"),
    "echo >/left; poweroff": ((1,), "FAILED"),
    "rm /bin/vi; poweroff": ((1,), "FAILED"),
    "reboot": ((9,), "PASSED"),
}


def last(a, log, typed):
    """busybox's init, and the command that ends it; did the machine obey?"""
    statuses, verdict = END[typed]
    m = kdb_test.Machine(a, "init=/bin/busybox initargs=init", log)
    m.expect(rb"press Enter", 30)
    m.send(b"\r")
    m.expect(rb"# (\x1b\[6n)?$", 20)
    m.send(typed.encode() + b"\r")
    asked = m.expect(b"Requesting system " + typed.split()[-1].encode(), 30)
    told = m.expect(b"verdict " + verdict.encode(), 20)
    return m.end() in statuses and asked is not None and told is not None


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--kernel", default="build/gnomon.elf")
    p.add_argument("--initrd", default="build/initrd.cpio")
    p.add_argument("--log", default="build/jobs-test.log")
    p.add_argument("--timeout", type=int, default=200)
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
                    if i == 0:
                        out += m.expect(rb"\n", 10) or ""
                    m.expect(rb"(?!)", 1)
            got = m.expect(PROMPT, 10)
            out = (out + (got or "")).replace("\r", "")
            ok = got is not None and (want is None or re.search(want, out))
            print(("ok" if ok else "not ok") +
                  f" {n} jobs: {what}")
            if not ok:
                failed += 1
                print(f"    {out!r}")
        m.send(b"exit 0\r")
        ok = m.expect(rb"verdict PASSED", 20) is not None
        print(("ok" if ok else "not ok") + f" {len(STEPS) + 1} jobs: exit")
        failed += not ok
        m.end()
        for n, typed in enumerate(END, len(STEPS) + 2):
            ok = last(a, log, typed)
            print(("ok" if ok else "not ok") + f" {n} jobs: {typed}")
            failed += not ok
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

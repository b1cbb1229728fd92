#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""bomb_test.py: does the console answer while a fork bomb goes off?

Boots a shell, starts /bin/bomb (a user with at most N processes, all of which
fork for ever) and, while it runs, types commands and enters the debugger; then
kills it.  Prints "ok N bomb: what" lines; the console goes to
build/bomb-test.log.
"""
import argparse
import re
import sys

import kdb_test
from jobs_test import PROMPT

LIMIT = 120
# What is typed, and what has to come before the next prompt.
STEPS = [
    ("set off", b"bomb %d &\r" % LIMIT, None),
    ("a built-in answers", b"echo al''ive\r", r"\nalive\n"),
    ("a program answers", b"uname | tr a-z A-Z\r", r"\nLINUX\n"),
    ("as many as it may be", b"sleep 1; ps | grep -c bom[b]\r",
     rf"\n({'|'.join(str(n) for n in range(LIMIT // 2, LIMIT + 1))})\n"),
    ("a file is written", b"ls /bin > /tmp/l; wc -l < /tmp/l; rm /tmp/l\r",
     r"\n\d+\n"),
]
END = [
    ("killed as a job", b"kill -9 %1; n=0; while ps | grep -q bom[b] && "
     b"[ $n -lt 20 ]; do sleep 1; n=$((n+1)); done; ps | grep -c bom[b]\r",
     r"\n0\n"),
    ("all is as before", b"uname | tr a-z A-Z\r", r"\nLINUX\n"),
]


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--kernel", default="build/gnomon.elf")
    p.add_argument("--initrd", default="build/initrd.cpio")
    p.add_argument("--log", default="build/bomb-test.log")
    p.add_argument("--timeout", type=int, default=240)
    a = p.parse_args()
    n = failed = 0

    def told(what, ok, out=""):
        nonlocal n, failed
        n += 1
        failed += not ok
        print(f"{'ok' if ok else 'not ok'} {n} bomb: {what}", flush=True)
        if not ok:
            print(f"    {out!r}")

    def typed(steps):
        for what, line, want in steps:
            m.send(line)
            m.expect(rb"\n", 30)
            out = m.expect(PROMPT, 90)
            told(what, out is not None and
                 (want is None or re.search(want, "\n" + out)), out)

    with open(a.log, "wb") as log:
        m = kdb_test.Machine(a, "init=/bin/con initargs=/bin/sh:-i", log)
        m.expect(PROMPT, 30)
        typed(STEPS)
        m.send(kdb_test.CTRL_BRACKET)
        told("the debugger answers", m.expect(re.escape(kdb_test.PROMPT), 30))
        out = m.command("ps")
        told("and sees it", out is not None and out.count("bomb") > LIMIT // 2,
             out)
        m.send(b"continue\r")
        typed(END)
        m.send(b"exit 0\r")
        told("exit", m.expect(rb"verdict PASSED", 60))
        m.end()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""strace_test.py: boots with strace= and looks at the lines that are printed.

Each expected line is a pattern; they must appear in this order.  Then a boot
that watches one program by its name must print nothing of process 1.  The option
enosys= is looked at beside.
"""

import re
import subprocess
import sys

ALL = [
    r'\[1\] brk\(NULL\) = 0x[0-9a-f]+',
    r'\[1\] openat\(AT_FDCWD, "/etc/missing", O_RDONLY'
    r'(\|O_[A-Z]+)*\) = -1 ENOENT \(No such file or directory\)',
    r'\[1\] write\(2, "cat: can.*"(\.\.\.)?, \d+\) = \d+',
    r'\[1\] exit_group\(1\) = \?',
]
NAMED = [
    r'\[\d+\] write\(1, "hello.*"(\.\.\.)?, \d+\) = \d+',
    r'\[\d+\] exit_group\(0\) = \?',
]


def boot(cmdline):
    cmd = [sys.executable, "tools/run_qemu.py", "--smp", "1", "--mem", "128M",
           "--timeout", "60", "--kernel", "build/gnomon.elf", "--initrd",
           "build/initrd.cpio", "--cmdline", cmdline]
    out = subprocess.run(cmd, stdout=subprocess.PIPE, check=False,
                         stderr=subprocess.STDOUT, timeout=90).stdout
    return out.decode(errors="replace").replace("\r", "").split("\n")


def in_order(lines, patterns):
    """The first pattern that is not found, or None."""
    at = 0
    for line in lines:
        if at < len(patterns) and re.search(patterns[at], line):
            at += 1
    return patterns[at] if at < len(patterns) else None


def main():
    lines = boot("init=/bin/busybox initargs=cat:/etc/missing strace=1")
    missing = in_order(lines, ALL)
    ok1 = missing is None
    print(("ok" if ok1 else "not ok") + " 1 strace: every call of all")
    if not ok1:
        print(f"    not there: {missing}")
    lines2 = boot("init=/bin/busybox initargs=sh:-c:/bin/hello;/bin/futexes "
                  "strace=hello")
    missing = in_order(lines2, NAMED)
    others = [x for x in lines2 if re.match(r"\[1\] ", x)]
    ok2 = missing is None and not others
    print(("ok" if ok2 else "not ok") + " 2 strace: one program by its name")
    if not ok2:
        print(f"    not there: {missing}; of others: {others[:2]}")
    # futexes asks for an operation that is none; without the option nobody tells.
    lines3 = boot("init=/bin/futexes enosys=1")
    told = [x for x in lines3 if "returned ENOSYS" in x]
    ok3 = len(told) == 1 and "futexes[1]: system call 202 (futex)" in told[0] \
        and not any("returned ENOSYS" in x for x in lines2)
    print(("ok" if ok3 else "not ok") + " 3 enosys: once, when asked for")
    return 0 if ok1 and ok2 and ok3 else 1


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Make the system call table from kern/linux/syscalls.tbl.

usage: gen_syscalls.py [--numbers] TABLE OUT

OUT declares every handler; where SYSCALL_TABLE is defined it also defines the
table itself, indexed by number.  --numbers: the numbers alone, for a program
that calls them.  A line that cannot be understood, a number
out of order or twice, and an unknown status end the build.
"""

import re
import sys

STATUS = {"whole": "SYS_WHOLE", "partial": "SYS_PARTIAL",
          "refused": "SYS_REFUSED"}


def fail(path, number, why):
    sys.exit(f"{path}:{number}: {why}")


def parse_line(path, number, line):
    fields = line.split(None, 4)
    if len(fields) != 5:
        fail(path, number, "want: number name nargs handler status")
    nr, name, nargs, handler, status = fields
    if not (nr.isdigit() and nargs.isdigit() and int(nargs) <= 6):
        fail(path, number, "number or argument count is not one")
    word = status.split(":")[0].split()[0]
    if word not in STATUS:
        fail(path, number, f"unknown status {word}")
    if word == "partial" and ":" not in status:
        fail(path, number, "partial: say what is missing")
    errno = "0"
    if word == "refused":
        match = re.fullmatch(r"refused (E[A-Z0-9]+)", status.strip())
        if match is None or handler != "-":
            fail(path, number, "want: - refused ERRNO")
        errno = match.group(1)
    elif re.fullmatch(r"sys_\w+", handler) is None:
        fail(path, number, f"odd handler {handler}")
    return int(nr), name, int(nargs), handler, STATUS[word], errno


def parse(path):
    calls = []
    with open(path, encoding="ascii") as f:
        for number, line in enumerate(f, 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            call = parse_line(path, number, line)
            if calls and call[0] <= calls[-1][0]:
                fail(path, number, "numbers must rise")
            calls.append(call)
    return calls


def emit(calls, table):
    out = [f"/* Made by tools/gen_syscalls.py from {table}. */",
           "#pragma once", "#include <sys/errno.h>",
           "#include <sys/syscall.h>", ""]
    for handler in sorted({c[3] for c in calls if c[3] != "-"}):
        out.append(f"syscall_fn {handler};")
    out += ["", f"#define SYSCALL_COUNT {calls[-1][0] + 1}U", "",
            "#ifdef SYSCALL_TABLE",
            "static const struct syscall_desc "
            "syscall_table[SYSCALL_COUNT] = {"]
    for nr, name, nargs, handler, status, errno in calls:
        fn = "NULL" if handler == "-" else handler
        out.append(f'\t[{nr}] = {{ {fn}, "{name}", {nargs}, {status}, '
                   f"{errno} }},")
    out += ["};", "#endif", ""]
    return "\n".join(out)


def numbers(calls, table):
    return (f"/* Made by tools/gen_syscalls.py from {table}. */\n#pragma once\n"
            "static const short fuzz_numbers[] = {\n\t"
            + ", ".join(str(c[0]) for c in calls) + "\n};\n")


def main():
    args = sys.argv[1:]
    make = emit
    if args[:1] == ["--numbers"]:
        make = numbers
        args = args[1:]
    if len(args) != 2:
        sys.exit(__doc__)
    text = make(parse(args[0]), args[0])
    with open(args[1], "w", encoding="ascii") as f:
        f.write(text)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""programs.py LOG...: what ran, its verdict, its calls that returned ENOSYS.

A LOG is that of a boot with the option enosys=2, which prints each such call; those
before a program's line of verdict are the program's, with what it started.
"""
import re
import sys

CALL = re.compile(r"^linux: (\S+)\[\d+\]: system call (\d+) \((\S+)\) "
                  r"returned ENOSYS$")
VERDICT = re.compile(r"^(ok|not ok|skip) (?:\d+ )?([\w.+-]+)(?::? |$)")


def calls(lines):
    """{call: the programs that made it} of lines."""
    found = {}
    for line in lines:
        m = CALL.match(line)
        if m:
            name = m.group(3) if m.group(3) != "absent" else m.group(2)
            found.setdefault(name, set()).add(m.group(1))
    return found


def told(found):
    return "; ".join(f"{name} by {' '.join(sorted(by))}"
                     for name, by in sorted(found.items())) or "none"


def rows(text):
    """(program, verdict, calls) of each program in a log."""
    lines = []
    for line in text.replace("\r", "").split("\n"):
        m = VERDICT.match(line)
        if m is None:
            lines.append(line)
            continue
        skip = m.group(1) == "skip" or " # skip" in line
        yield (m.group(2), "skip" if skip else m.group(1), told(calls(lines)))
        lines = []


def main(logs):
    found = []
    for log in logs:
        with open(log, errors="replace") as f:
            found += rows(f.read())
    width = max([len(r[0]) for r in found] + [7])
    print(f"{'program':{width}}  verdict  calls that returned ENOSYS")
    for name, verdict, missing in found:
        print(f"{name:{width}}  {verdict:7}  {missing}")
    count = [sum(r[1] == v for r in found) for v in ("ok", "not ok", "skip")]
    print("programs: {} passed, {} failed, {} skipped".format(*count))


if __name__ == "__main__":
    main(sys.argv[1:])

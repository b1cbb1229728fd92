#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""coverage.py: how much of vm/ do the host tests and the laboratory reach?

Both are built with gcov's counters and run here; a line, function or branch
counts as reached if either reached it.  A branch is one way out of a condition.
The ways into a failing assertion (and into the checks that the list macros and
the lock assertions make) are left out of one figure and part of the other: no
test can take them while the invariants hold.  Functions that the
linker dropped (those of the historical bugs, which only a kernel with VMBUG=1
has) do not count at all.

Alias coverage: pairs of accesses to one field of an object, page, map entry or
map by two operations that run at once, one of them writing, seen in both
orders.  The laboratory counts them at access level (`lab alias`).  The goal is
for pairs that the life of a structure leaves both orders (tests/lab/README.md);
the figure over all of them is printed too.
"""
import argparse
import collections
import glob
import json
import os
import re
import subprocess
import sys

GOALS = {"lines": 95.0, "branches": 90.0, "functions": 100.0, "alias": 90.0}
ASSERT = re.compile(r"\b(?:KD?ASSERT|\w+_assert_\w+|(?:LIST|TAILQ)_(?:INSERT|"
                    r"REMOVE)\w*)\(")
ALIAS = re.compile(r"^alias: (\d+) pairs, (\d+) in both orders, (\d+) in one "
                   r"by life", re.M)


class Source:
    """One vm/*.c: what there is, and what was reached."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            self.text = f.read()
        self.lines = collections.Counter()
        self.branches = {}		# line: [reached, ...]
        self.functions = {}		# name: [first, last, count]
        self.asserts = set()		# lines of assertions
        for m in re.finditer(ASSERT, self.text):
            depth, i = 1, m.end()
            while depth != 0:
                depth += {"(": 1, ")": -1}.get(self.text[i], 0)
                i += 1
            first = self.text.count("\n", 0, m.start()) + 1
            last = self.text.count("\n", 0, i) + 1
            self.asserts.update(range(first, last + 1))

    def add(self, data, linked):
        gone = set()
        for fn in data["functions"]:
            if fn["name"] not in linked:
                gone.add(fn["name"])
                continue
            known = self.functions.setdefault(fn["name"], [0])
            known[0] += fn["execution_count"]
        for line in data["lines"]:
            if line.get("function_name") in gone:
                continue
            n = line["line_number"]
            self.lines[n] += line["count"]
            reached = [b["count"] > 0 for b in line["branches"]]
            if not reached:
                continue
            old = self.branches.get(n)
            if old is not None and len(old) == len(reached):
                reached = [a or b for a, b in zip(old, reached)]
            elif old is not None and sum(old) > sum(reached):
                reached = old
            self.branches[n] = reached

    def figures(self):
        plain = [b for n, bs in self.branches.items()
                 if n not in self.asserts for b in bs]
        every = [b for bs in self.branches.values() for b in bs]
        return {
            "lines": (sum(c > 0 for c in self.lines.values()),
                      len(self.lines)),
            "branches": (sum(plain), len(plain)),
            "with asserts": (sum(every), len(every)),
            "functions": (sum(f[0] > 0 for f in self.functions.values()),
                          len(self.functions)),
        }


def run(cmd, quiet):
    r = subprocess.run(cmd, capture_output=True, text=True, check=False,
                       errors="replace")
    if r.returncode != 0:
        print(r.stdout[-3000:] + r.stderr[-1000:])
        sys.exit(f"coverage: {cmd[0]} failed, status {r.returncode}")
    if not quiet:
        print("# " + r.stdout.strip().splitlines()[-1])
    return r.stdout


def collect(objs, binary, sources):
    """Add the counters under objs to sources."""
    symbols = subprocess.run(["nm", binary], capture_output=True, text=True,
                             check=True).stdout
    linked = {line.split()[-1].split(".")[0]
              for line in symbols.splitlines() if line.split()[-2] in "tT"}
    for gcda in sorted(glob.glob(os.path.join(objs, "vm", "*.gcda"))):
        out = subprocess.run(["gcov", "-b", "-j", "-t", gcda],
                             capture_output=True, text=True, check=True).stdout
        for doc in out.splitlines():
            for data in json.loads(doc)["files"]:
                path = data["file"]
                if re.fullmatch(r"vm/\w+\.c", path):
                    if path not in sources:
                        sources[path] = Source(path)
                    sources[path].add(data, linked)


def percent(pair):
    return 100.0 * pair[0] / pair[1] if pair[1] else 100.0


def table(sources):
    kinds = ["lines", "branches", "with asserts", "functions"]
    total = {k: [0, 0] for k in kinds}
    print(f"{'':20}" + "".join(f"{k:>22}" for k in kinds))
    for path in sorted(sources):
        figures = sources[path].figures()
        row = ""
        for k in kinds:
            done, n = figures[k]
            total[k][0] += done
            total[k][1] += n
            row += f"{done:8}/{n:<5}{percent((done, n)):6.1f} %"
        print(f"{path:20}{row}")
    print(f"{'total':20}" + "".join(
        f"{total[k][0]:8}/{total[k][1]:<5}{percent(total[k]):6.1f} %"
        for k in kinds))
    return total


def unreached(sources, every):
    for path in sorted(sources):
        s = sources[path]
        for name, (count,) in sorted(s.functions.items()):
            if count == 0:
                print(f"# function not reached: {path}: {name}")
        if not every:
            continue
        for n in sorted(s.lines):
            text = s.text.splitlines()[n - 1].strip()
            if s.lines[n] == 0:
                print(f"# {path}:{n}: line: {text}")
            elif n not in s.asserts and not all(s.branches.get(n, [])):
                print(f"# {path}:{n}: branch: {text}")


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--build", default="build")
    p.add_argument("--secs", type=int, default=60,
                   help="CPU time of the laboratory")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--keep", action="store_true",
                   help="take the counters that are there; run nothing")
    p.add_argument("--lines", action="store_true",
                   help="name each line and branch that was not reached")
    args = p.parse_args()
    htest = os.path.join(args.build, "host-cov", "htest")
    lab = os.path.join(args.build, "cov", "lab")
    host_objs = os.path.join(args.build, "host-cov")
    lab_objs = os.path.join(args.build, "cov", "labobj", "t")
    total_alias = None
    if not args.keep:
        for objs in (host_objs, lab_objs):
            for gcda in glob.glob(os.path.join(objs, "**", "*.gcda"),
                                  recursive=True):
                os.unlink(gcda)
        run([htest], False)
        run([lab, "gate", f"secs={args.secs}", f"seed={args.seed}"], False)
        out = run([os.path.join(args.build, "lab"), "alias",
                   f"secs={args.secs}", f"seed={args.seed}"], True)
        print("\n".join(line for line in out.splitlines()
                        if line.startswith("# alias")))
        alias = ALIAS.search(out)
        pairs, both, life = (int(n) for n in alias.groups())
        print(f"# alias, all pairs: {both} of {pairs}, "
              f"{percent((both, pairs)):.1f} %")
        total_alias = [both, pairs - life]
    sources = {}
    collect(host_objs, htest, sources)
    collect(lab_objs, lab, sources)
    total = table(sources)
    if total_alias is not None:
        total["alias"] = total_alias
    unreached(sources, args.lines)
    for kind, goal in GOALS.items():
        if kind in total:
            got = percent(total[kind])
            print(f"# {kind}: {total[kind][0]} of {total[kind][1]}, "
                  f"{got:.1f} %, goal {goal:.0f} %"
                  f"{'' if got >= goal else ': NOT REACHED'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

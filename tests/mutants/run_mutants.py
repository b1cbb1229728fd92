#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""run_mutants.py: does the race laboratory notice?

Each tests/mutants/NAME.patch makes one fault.  It is applied to a copy of the
tree under build/mutants/NAME, the laboratory is built there (only what the
patch touches), and `lab hunt` looks for a failure in a child process.  A table
says which oracle found it, after how many schedules, in how long.

A patch that says "Needs store buffers." is hunted twice: without them, when
nothing may be found, and with them (tso=1).

First the same hunt runs over the clean tree: it must find nothing, or a kill
would say nothing.  Fails when it does find something, when a patch does not
apply or does not compile, when a mutant survives that README.md does not
explain, or when one that it explains is killed.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
COPY = ["Makefile", "boot", "kern", "vm", "include", "platform", "tests",
        "tools"]
RESULT = re.compile(r"^hunt: (\w+) oracle=(\w+) schedules=(\d+) ms=(\d+)", re.M)
TOKEN = re.compile(r"^# token: (\S+)", re.M)


def parse_args():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--build", default="build", help="where build/lab is")
    p.add_argument("--secs", type=int, default=30, help="hunt each so many seconds of CPU time")
    p.add_argument("--jobs", type=int, default=2)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--compare", action="store_true", help="no hunt: search pairs "
                   "with reduction and without; both must find the same")
    p.add_argument("--keep", action="store_true", help="the built mutants")
    p.add_argument("names", nargs="*", help="mutants; default: all")
    return p.parse_args()


def explained():
    """README.md's table of survivors: why the laboratory cannot see each."""
    found = {}
    with open(os.path.join(HERE, "README.md"), encoding="utf-8") as f:
        table = f.read().split("## Survivors")[1].split("\n## ")[0]
    for line in table.splitlines():
        m = re.match(r"\| ([a-z0-9-]+) \| (.*) \|$", line)
        if m and m[1] != "mutant":
            found[m[1]] = m[2]
    return found


def overlay(args, name):
    """A copy of the tree with the mutant applied, and the objects to start from."""
    top = os.path.join(args.build, "mutants", name)
    src, obj = os.path.join(top, "src"), os.path.join(top, "build")
    shutil.rmtree(top, ignore_errors=True)
    os.makedirs(src)
    for item in COPY:
        subprocess.run(["cp", "-a", os.path.join(ROOT, item), src], check=True)
    os.makedirs(obj)
    subprocess.run(["cp", "-a", os.path.join(args.build, "labobj"), obj],
                   check=True)
    patch = os.path.join(HERE, name + ".patch")
    r = subprocess.run(["patch", "-p1", "-F0", "-s", "--no-backup-if-mismatch",
                        "-d", src, "-i", patch], capture_output=True, text=True,
                       check=False)
    if r.returncode != 0:
        return None, "does not apply: " + r.stdout.strip().replace("\n", "; ")
    with open(patch, encoding="utf-8") as f:
        if re.search(r"^\+\+\+ \S+\.h$", f.read(), re.M):
            # The dependency files name other objects: build everything.
            shutil.rmtree(os.path.join(obj, "labobj"))
    # The objects name their sources relative to the tree.
    r = subprocess.run(["make", "-C", src, "-s", "LAB_XFLAGS=-w",
                        f"B={os.path.abspath(obj)}",
                        os.path.abspath(obj) + "/lab"], capture_output=True,
                       text=True, check=False)
    if r.returncode != 0:
        return None, "does not compile: " + r.stderr.strip()[:600]
    return os.path.join(obj, "lab"), None


def look(args, lab, buffers):
    """One hunt: what it printed, and its status (0: nothing was found)."""
    cmd = [lab, "hunt", f"secs={args.secs}", f"seed={args.seed}",
           f"tso={int(buffers)}"]
    try:
        r = subprocess.run(cmd, capture_output=True, text=True, check=False,
                           errors="replace", timeout=args.secs * 20 + 30)
        return r.stdout + r.stderr, r.returncode
    except subprocess.TimeoutExpired:
        return "", -9


def hunt(args, name):
    start = time.monotonic()
    lab, error = overlay(args, name)
    if error:
        return {"name": name, "verdict": "broken", "why": error}
    built = time.monotonic() - start
    with open(os.path.join(HERE, name + ".patch"), encoding="utf-8") as f:
        buffers = "Needs store buffers." in f.read().split("---")[0]
    out, status = look(args, lab, False)
    if buffers and status != 0:
        return {"name": name, "verdict": "broken",
                "why": "no end" if status == -9 else
                       "is found without store buffers: " + out[-300:]}
    if buffers:
        out, status = look(args, lab, True)
    m, t = RESULT.search(out), TOKEN.search(out)
    if not args.keep:
        shutil.rmtree(os.path.dirname(os.path.dirname(lab)), ignore_errors=True)
    if m:
        return {"name": name, "verdict": m[1], "oracle": m[2],
                "schedules": int(m[3]), "ms": int(m[4]), "built": built,
                "token": t[1] if t else ""}
    # The laboratory itself went down: that is a kill too.
    return {"name": name, "verdict": "killed", "oracle": f"status {status}",
            "schedules": 0, "ms": 0, "built": built, "token": "",
            "why": out[-300:]}


COMPARED = re.compile(r"^compare: (\d+) finished, (\d+) differ, (\d+) failures", re.M)
COMPARE = [("pairs", "lock", 2), ("pairs", "access", 1), ("triples", "lock", 1)]


def compare(args, name):
    """Does reduction find each failure that the plain search finds?"""
    lab, error = overlay(args, name)
    if error:
        print(f"{name:34} BROKEN    {error}")
        return 1
    bad = failures = 0
    for what, level, bound in COMPARE:
        r = subprocess.run([lab, "compare", what, "set=deep", f"level={level}",
                            f"bound={bound}", f"secs={args.secs}", "seed=1"],
                           capture_output=True, text=True, check=False,
                           errors="replace")
        m = COMPARED.search(r.stdout)
        if not m or m[1] == "0" or m[2] != "0":
            bad += 1
            print("\n".join(x for x in r.stdout.splitlines()
                            if "WRONG" in x or "only with" in x[:20]) or
                  f"status {r.returncode}: {r.stdout[-300:]}")
        failures += int(m[3]) if m else 0
    if not args.keep:
        shutil.rmtree(os.path.dirname(os.path.dirname(lab)), ignore_errors=True)
    print(f"{name:34} {'DIFFERS' if bad else 'the same':9} {failures} failures",
          flush=True)
    return bad


def report(results, why):
    bad, killed, times = 0, 0, []
    print(f"{'mutant':34} {'verdict':9} {'oracle':10} {'schedules':>9}"
          f" {'s':>7}  token")
    for r in results:
        name, verdict = r["name"], r["verdict"]
        if verdict == "broken":
            print(f"{name:34} BROKEN    {r['why']}")
            bad += 1
            continue
        note = r["token"]
        if verdict == "killed":
            killed += 1
            times.append(r["ms"] / 1000)
            if name in why:
                note, bad = "killed, but README.md explains it", bad + 1
        elif name in why:
            note = "explained: " + why[name]
        else:
            note, bad = "SURVIVED", bad + 1
        print(f"{name:34} {verdict:9} {r['oracle']:10} {r['schedules']:9}"
              f" {r['ms'] / 1000:7.2f}  {note}")
    times.sort()
    expected = [r for r in results if r["name"] not in why]
    if times:
        print(f"# {killed} of {len(expected)} killed ({len(results)} mutants, "
              f"{len(results) - len(expected)} explained); median "
              f"{times[len(times) // 2]:.2f} s, slowest {times[-1]:.2f} s")
    return bad


def main():
    args = parse_args()
    names = args.names or sorted(f[:-6] for f in os.listdir(HERE)
                                 if f.endswith(".patch"))
    if args.compare:
        bad = sum(compare(args, n) for n in names)
        print(f"{'not ok' if bad else 'ok'} 1 lab: reduction and {len(names)} "
              "mutants")
        return 1 if bad else 0
    clean = subprocess.run([os.path.join(args.build, "lab"), "hunt",
                            f"secs={args.secs}", f"seed={args.seed}"],
                           capture_output=True, text=True, check=False)
    print("# clean tree: " + clean.stdout.strip().splitlines()[-1])
    if clean.returncode != 0:
        print(clean.stdout + "not ok 1 lab: a false alarm, or a true one, in "
              "the tree without mutants")
        return 1
    with ThreadPoolExecutor(args.jobs) as pool:
        results = list(pool.map(lambda n: hunt(args, n), names))
    bad = report(results, explained())
    print(f"{'not ok' if bad else 'ok'} 1 lab: {len(names)} mutants")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

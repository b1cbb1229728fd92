#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""soak.py: boots of stress, one after the other, until the time is over.

Each boot has a seed of its own, chaos delays at the schedule points, the
kernel's own chain and stress tests, the long forms of the user programs, the
audits, and must give everything back.  CPUs and memory change from boot to boot
unless --smp and --mem say them.  A line a minute says what was done so far; the
log of a boot that fails stays in build/soak-SEED.log.  Exit status 0: none did.
"""
import argparse
import os
import re
import subprocess
import sys
import time

SHAPES = [(2, "256M"), (4, "512M"), (1, "64M"), (8, "512M"), (4, "64M")]
LOADS = ["stress", "bulk", "suite"]
TESTS = "chains.*,vm.*,stress.*"
COUNTERS = {"faults": "v_vm_faults", "forks": "v_forks",
            "merges": "v_collapses", "bypasses": "v_bypasses",
            "prefaulted": "v_prefault"}
AUDITS = re.compile(r"^  (\d+) audits passed$", re.M)
LEFT = re.compile(r"^gnomon: init ended with status \S+, (\d+) counters", re.M)
RACES = re.compile(r"^v_prefault_race (\d+)$", re.M)


class Totals:
    def __init__(self):
        self.boots = self.failed = self.audits = self.left = self.races = 0
        self.done = dict.fromkeys(COUNTERS, 0)

    def add(self, status, out):
        self.boots += 1
        self.failed += status != 0
        for name, counter in COUNTERS.items():
            m = re.search(rf"^{counter} (\d+)$", out, re.M)
            self.done[name] += int(m.group(1)) if m else 0
        m = AUDITS.search(out)
        self.audits += int(m.group(1)) if m else 0
        m = RACES.search(out)
        self.races += int(m.group(1)) if m else 0
        # No line: it did not come so far, and the status says so.
        m = LEFT.search(out)
        self.left += int(m.group(1)) if m else 0

    def line(self, begin):
        # Process 1 waits for all: what was forked has exited when a boot ends.
        done = ", ".join(f"{v} {k}" for k, v in self.done.items())
        return (f"{time.monotonic() - begin:5.0f} s: {self.boots} boots, "
                f"{self.failed} failed; {done}, {self.done['forks']} exits; "
                f"{self.audits} audits passed, {self.left} counters left over, "
                f"{self.races} prefault races")


def boot(args, seed, n):
    smp, mem = SHAPES[n % len(SHAPES)]
    load = LOADS[n % len(LOADS)]
    if load == "suite" and mem == "64M":
        load = "bulk"
    cmd = [sys.executable, "tools/run_qemu.py", "--kernel", args.kernel,
           "--initrd", args.initrd, "--smp", str(args.smp or smp), "--mem",
           args.mem or mem, "--timeout", "600", "--cmdline",
           f"ktest={TESTS} init=/init initargs=/etc/{load}:{seed} "
           f"seed={seed} chaos={seed}"]
    r = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       stdin=subprocess.DEVNULL, check=False)
    out = r.stdout.decode(errors="replace").replace("\r", "")
    if r.returncode != 0:
        log = f"build/soak-{seed}.log"
        with open(log, "w") as f:
            f.write(out)
        print(f"seed {seed}, {args.smp or smp} CPUs, {args.mem or mem}, {load}: "
              f"status {r.returncode}, see {log}", flush=True)
    return r.returncode, out


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--minutes", type=float, default=10)
    ap.add_argument("--seed", type=int, default=int(time.time()))
    ap.add_argument("--smp", type=int)
    ap.add_argument("--mem")
    ap.add_argument("--kernel", default="build/gnomon.elf")
    ap.add_argument("--initrd", default="build/initrd.cpio")
    a, total = ap.parse_args(), Totals()
    begin = told = time.monotonic()
    print(f"first seed {a.seed}", flush=True)
    while total.boots == 0 or time.monotonic() - begin < a.minutes * 60:
        total.add(*boot(a, a.seed + total.boots, total.boots))
        if time.monotonic() - told >= 60:
            told = time.monotonic()
            print(total.line(begin), flush=True)
    print(total.line(begin))
    print(f"{total.boots - total.failed} passed, {total.failed} failed")
    return 1 if total.failed or total.races or total.left else 0


if __name__ == "__main__":
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    sys.exit(main())

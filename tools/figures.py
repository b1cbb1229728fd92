#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""figures.py: the figures of the chains: how deep they get in each fork pattern,
what an access costs so deep, what a merge and a bypass cost, what fault-around
saves.  Costs are instructions (-icount, assertions off) and repeat exactly.
Exit status 0: every bound was kept."""
import argparse
import os
import re
import subprocess
import sys

ICOUNT = ["--icount"]


def boot(args, kernel, cmdline, *more, smp=1):
    cmd = [sys.executable, "tools/run_qemu.py", "--kernel", kernel, "--initrd",
           args.initrd, "--smp", str(smp), "--mem", "256M", "--timeout", "300",
           "--cmdline", cmdline, *more]
    r = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       stdin=subprocess.DEVNULL, check=False)
    out = r.stdout.decode(errors="replace").replace("\r", "")
    if r.returncode != 0:
        print(f"not ok: {cmdline}: status {r.returncode}")
        print("\n".join("    | " + x for x in out.splitlines()[-20:]))
    return r.returncode == 0, out


def show(out):
    for line in re.findall(r"^figure: (.*)$", out, re.M):
        print("  " + line)


def exec_faults(args):
    """Faults of a boot whose one program has 1 MiB of code."""
    faults = []
    for on in (0, 1):
        good, out = boot(args, args.kernel, f"init=/bin/bigtext prefault={on}")
        m = re.search(r"^v_vm_faults (\d+)$", out, re.M)
        if not good or not m:
            return False
        faults.append(int(m.group(1)))
    saved = 100 - 100 * faults[1] / faults[0]
    print(f"exec of a program with 1 MiB of code: {faults[0]} faults with "
          f"prefault=0, {faults[1]} with prefault=1: {saved:.0f}% fewer")
    return saved >= 50


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--kernel", default="build/gnomon.elf")
    ap.add_argument("--plain", default="build/bench/gnomon.elf",
                    help="assertions off")
    ap.add_argument("--initrd", default="build/initrd.cpio")
    ap.add_argument("--generations", type=int, default=10000)
    a = ap.parse_args()
    print(f"chains after {a.generations} generations of forks (objects, and "
          "chains of each depth), 2 CPUs:")
    good, out = boot(a, a.kernel, "ktest=figure.depth,figure.fork_server "
                     f"figures={a.generations}", smp=2)
    show(out)
    print("costs in instructions, prefault=0:")
    ok, out = boot(a, a.plain, "ktest=figure.fault_cost,figure.collapse_cost "
                   "prefault=0", *ICOUNT)
    show(out)
    return 0 if exec_faults(a) and ok and good else 1


if __name__ == "__main__":
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    sys.exit(main())

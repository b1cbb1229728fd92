#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""run_tests.py: the host tests and the QEMU tests, one closing line.

Every result line ("ok 3 - name", "not ok 4 name", "skip 5 - name", "# SKIP") of
every stage is counted; a stage whose own status disagrees with its lines counts
as one failure more.  Ends with "N passed, N failed, N skipped".
"""
import os
import re
import subprocess
import sys
import time

LINE = re.compile(r"^(?:\[[^]]*\] *)?(ok|not ok|skip) \d+\b(.*)$")
KERNEL = "build/gnomon.elf"
INITRD = "build/initrd.cpio"
ISO = "build/gnomon.iso"

LABSECS = 120           # of CPU: over two million schedules

# CPUs, memory, and whether the user programs run after the kernel's own tests
MATRIX = [(1, "64M", True), (1, "512M", False), (2, "64M", True),
          (2, "512M", False), (4, "64M", False), (4, "512M", True),
          (8, "64M", False), (8, "512M", True)]


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def count(self, line):
        m = LINE.match(line)
        if not m:
            return None
        if m.group(1) == "not ok":
            self.failed += 1
        elif m.group(1) == "skip" or "# SKIP" in m.group(2):
            self.skipped += 1
        else:
            self.passed += 1
        return m.group(1)


def run(name, cmd, total, timeout):
    """One stage: its output goes to build/test-NAME.log, failures are shown."""
    t, start = Tally(), time.monotonic()
    log = f"build/test-{name}.log"
    with open(log, "wb") as f:
        try:
            status = subprocess.run(cmd, stdout=f, stderr=subprocess.STDOUT,
                                    stdin=subprocess.DEVNULL,
                                    timeout=timeout, check=False).returncode
        except subprocess.TimeoutExpired:
            status = "timed out"
    with open(log, errors="replace") as f:
        lines = f.read().splitlines()
    for i, line in enumerate(lines):
        if t.count(line) == "not ok":
            print("\n".join(f"    {x}" for x in lines[max(0, i - 4):i + 1]))
    if status != 0 and t.failed == 0 or t.passed + t.skipped == 0:
        t.failed += 1
        print(f"    {name}: status {status}; the end of {log}:")
        print("\n".join("    | " + x for x in lines[-40:]))
    print(f"{name}: {t.passed} passed, {t.failed} failed, {t.skipped} skipped"
          f" ({time.monotonic() - start:.0f} s)", flush=True)
    total.passed += t.passed
    total.failed += t.failed
    total.skipped += t.skipped


def qemu(name, total, smp, mem, cmdline="", iso=False, timeout=300):
    cmd = [sys.executable, "tools/run_qemu.py", "--smp", str(smp), "--mem", mem,
           "--timeout", str(timeout), "--cmdline", cmdline]
    cmd += ["--iso", ISO] if iso else ["--kernel", KERNEL, "--initrd", INITRD]
    run(name, cmd, total, timeout + 30)


def long_stages(total, seed):
    """make test-all: stress, bad boots, debugger and gdb."""
    long = f"init=/init initargs=/etc/stress:{seed} faults=1 seed={seed}"
    storm = f"init=/init initargs=/etc/storm:{seed} seed={seed}"
    qemu("stress-2cpu-512M", total, 2, "512M", long, timeout=600)
    qemu("stress-4cpu-64M", total, 4, "64M", long, timeout=900)
    qemu("storm-2cpu-24M", total, 2, "24M", storm)
    run("badboot", [sys.executable, "tools/badboot_test.py"], total, 600)
    qemu("chains-chaos-4cpu", total, 4, "256M",
         f"ktest=chains.*,vm.* chaos={seed} seed={seed}")
    run("bugs-all", [sys.executable, "tools/bug_test.py"], total, 1200)
    run("kdb", [sys.executable, "tools/kdb_test.py"], total, 300)
    run("gdb", [sys.executable, "tools/kgdb_run.py", "test"], total, 300)


def main():
    total = Tally()
    seed = os.environ.get("SEED", str(int(time.time())))
    print(f"seed {seed} (SEED={seed} make test repeats this run)", flush=True)
    run("host-asan", ["build/host-asan/htest", f"seed={seed}"], total, 600)
    run("host-tsan", ["build/host-tsan/htest", f"seed={seed}",
                      "*threads*", "*woken*", "*wait*"], total, 600)
    run("lab-self", ["build/lab", "selftest", f"seed={seed}"], total, 120)
    # Half of its stages have a fixed seed.
    run("lab", ["build/lab", "gate", f"secs={LABSECS}", f"seed={seed}"], total,
        600)
    suite = f"init=/init initargs=/etc/suite:{seed} faults=1"
    qemu("iso-2cpu-512M", total, 2, "512M", f"{suite} seed={seed}", iso=True)
    for smp, mem, users in MATRIX:
        qemu(f"ktest-{smp}cpu-{mem}", total, smp, mem,
             f"ktest=* seed={seed}" + (" " + suite if users else ""))
    # CPUs that have no time to start: those that come late must do no harm.
    qemu("late-8cpu", total, 8, "256M", "ktest=smp.* apwait=0")
    # A million system calls with random arguments.
    qemu("fuzz-4cpu", total, 4, "512M",
         f"init=/bin/fuzzsys initargs={seed}:625:400:4", timeout=900)
    run("jobs", [sys.executable, "tools/jobs_test.py"], total, 300)
    run("bomb", [sys.executable, "tools/bomb_test.py"], total, 300)
    run("strace", [sys.executable, "tools/strace_test.py"], total, 120)
    run("panic", [sys.executable, "tools/panic_test.py"], total, 900)
    run("bugs", [sys.executable, "tools/bug_test.py", "2137-link", "2137-late",
                 "nb-cache"], total, 600)
    if "all" in sys.argv:
        long_stages(total, seed)
    print(f"{total.passed} passed, {total.failed} failed, "
          f"{total.skipped} skipped")
    return 1 if total.failed or total.passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""bulk_build.py: the load of the founding report, with Debian's programs.

In the guest (4 CPUs, 128 MiB): /bin/bulk builds lua, tcc (to a fixpoint), make
and dash, all at once, each by make -j5, the compiler behind subshells and pipes,
beside a fork server.  The same script, programs and sources run on the host in a
chroot; each binary must be the same byte for byte (SHA-256).  With --hours the
boots go on, each with chaos delays of its own seed and a line a minute.

With --peer the builds alone, without fork server and tests, here and in a Linux
guest by turns, with the same initrd, memory and CPUs: the seconds of each.
"""
import argparse
import hashlib
import os
import re
import shutil
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import programs  # noqa: E402

W = "build/world"
COUNTERS = [("forks", "v_forks"), ("vforks", "v_vforks"),
            ("execs", "v_execs"), ("faults", "v_vm_faults"),
            ("COW copies", "v_cow_faults"), ("merges", "v_collapses"),
            ("bypasses", "v_bypasses"), ("prefaulted pages", "v_prefault"),
            ("deepest chain", "v_chain_max"),
            ("longest VM wait", "v_wait_max"),
            ("system calls", "v_syscalls")]
LEFT = re.compile(r"^gnomon: init ended with status \S+, (\d+) counters", re.M)
AUDITS = re.compile(r"^  (\d+) audits passed$", re.M)
WAITED = re.compile(r"^  longest VM wait: (\S+), (\d+) ns$", re.M)
TESTS = re.compile(r"^bulk: tests of (\S+): (.*)$", re.M)
TOOK = re.compile(r"^shell: the command took ([0-9.]+) s$", re.M)
SUM = re.compile(r"^bulk: sum ([0-9a-f]{64})  (\S+)$", re.M)
BADLINK = re.compile(r"^PANIC (\S+) .*Bad link elm .*\nbuild .*, up ([0-9.]+) s",
                     re.M)
FRAME = re.compile(r"^  #\d+ +(?:[0-9a-f]x?[0-9a-f]* )? *(\w+)", re.M)
ROUNDS = "export BULK_TESTS=0; while bulk 5 >/dev/null; do echo @@round; done"
# The memory file system is ramfs: tmpfs would take half of memory at most.
LINUX = "console=ttyS0 panic=-1 quiet rootfstype=ramfs"
PEER = "export BULK_SERVER=0 BULK_TESTS=0; "
# /tmp is emptied, so that what is left over at the end is the kernel's.
COMMAND = "bulk {jobs} {trees}; s=$?; rm -rf /tmp/bulk; exit $s"


def reference(jobs, trees):
    """What the same compiler makes on this host: {binary: SHA-256}, and how its
    tests end there: {name: verdict}."""
    ref = f"{W}/ref"
    shutil.rmtree(ref, ignore_errors=True)
    shutil.copytree(f"{W}/root", ref, symlinks=True)
    open(f"{ref}/dev/null", "w").close()
    become = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    # Who is not root becomes it in a namespace of their own.
    if os.getuid() != 0:
        become += ["--user", "--map-root-user"]
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    chroot = shutil.which("chroot", path=path)
    r = subprocess.run(become + [chroot, ref, "/bin/bulk", str(jobs), *trees],
                       env={"PATH": "/bin", "BULK_SERVER": "0"}, check=False,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if r.returncode != 0:
        sys.stdout.write(r.stdout.decode(errors="replace"))
        sys.exit("bulk-build: the host's own build failed")
    sums = {}
    for name in os.listdir(f"{ref}/tmp/bulk/out"):
        with open(f"{ref}/tmp/bulk/out/{name}", "rb") as f:
            sums[name] = hashlib.sha256(f.read()).hexdigest()
    return sums, dict(TESTS.findall(r.stdout.decode(errors="replace")))


class Totals:
    def __init__(self):
        self.boots = self.failed = self.audits = self.left = 0
        self.counters, self.missing = {}, {}
        self.waited = "none", 0

    def add(self, failed, out):
        self.boots += 1
        self.failed += failed
        for name, counter in COUNTERS:
            m = re.search(rf"^{counter} (\d+)$", out, re.M)
            if m:
                old = self.counters.get(name, 0)
                new = int(m.group(1))
                self.counters[name] = (max(old, new) if "max" in counter
                                       else old + new)
        m = WAITED.search(out)
        if m and int(m.group(2)) >= self.waited[1]:
            self.waited = m.group(1), int(m.group(2))
        m = AUDITS.search(out)
        self.audits += int(m.group(1)) if m else 0
        m = LEFT.search(out)
        self.left += int(m.group(1)) if m else 0
        for name, by in programs.calls(out.split("\n")).items():
            self.missing.setdefault(name, set()).update(by)

    def line(self, begin):
        special = {"deepest chain": lambda v: f"deepest chain {v}",
                   "longest VM wait": lambda v: f"longest VM wait "
                   f"{v / 1e6:.1f} ms ({self.waited[0]})"}
        done = ", ".join(special[k](v) if k in special else f"{v} {k}"
                         for k, v in self.counters.items())
        return (f"bulk-build: {time.monotonic() - begin:.0f} s, {self.boots} "
                f"boots, {self.failed} failed; {done}; {self.audits} audits "
                f"passed, {self.left} counters left over")


def shell(a, kernel, cmdline, command):
    """One boot that runs command; its status, what it said, and the log."""
    cmd = [sys.executable, "tools/shell.py", "--kernel", kernel, "--smp",
           str(a.smp), "--mem", a.mem, "--timeout", str(a.timeout), "--log",
           a.log, "--times", "--cmdline", f"enosys=1 {cmdline}", "--run", command]
    r = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       stdin=subprocess.DEVNULL, check=False)
    with open(a.log, errors="replace") as f:
        return (r.returncode, r.stdout.decode(errors="replace"),
                f.read().replace("\r", ""))


def differing(want, said):
    got = {name: s for s, name in SUM.findall(said)}
    return [n for n in sorted(want) if got.get(n) != want[n]]


def boot(a, want, verdicts, seed):
    """One boot; its complaint or None, and the log."""
    chaos = f"chaos={seed} seed={seed}" if a.hours else ""
    status, said, out = shell(a, a.kernel, f"{a.cmdline} {chaos}",
                              COMMAND.format(jobs=a.jobs,
                                             trees=" ".join(a.trees)))
    if status != 0:
        return f"status {status}\n{said}", out
    wrong = differing(want, said)
    if wrong:
        return f"differs from the host's: {' '.join(wrong)}", out
    tests = dict(TESTS.findall(said))
    if tests != verdicts:
        return f"tests: {tests}, on the host {verdicts}", out
    if "gnomon: verdict PASSED" not in out:
        return "the verdict is not PASSED", out
    return None, out


def peer(a):
    """The builds alone, by turns here and in the Linux guest."""
    want, took, failed = reference(a.jobs, a.trees)[0], {}, 0
    command = PEER + COMMAND.format(jobs=a.jobs, trees=" ".join(a.trees))
    guests = [("gnomon", a.kernel, a.cmdline),
              ("linux", a.peer, LINUX)]
    for i in range(1, a.times + 1):
        for name, kernel, cmdline in guests:
            status, said, _ = shell(a, kernel, cmdline, command)
            m, wrong = TOOK.search(said), differing(want, said)
            if status != 0 or m is None or wrong:
                failed += 1
                print(f"{name} {i}: status {status}, differs: "
                      f"{' '.join(wrong)}\n{said}", flush=True)
                continue
            took.setdefault(name, []).append(float(m.group(1)))
            print(f"{name} {i}: {m.group(1)} s, {len(want)} binaries as the "
                  "host's, byte for byte", flush=True)
    for name, v in took.items():
        print(f"{name}: median {statistics.median(v):.1f} s, least "
              f"{min(v):.1f}, most {max(v):.1f}, of {len(v)} builds with "
              f"{a.smp} CPUs, {a.mem}")
    return 1 if failed else 0


def panics(a):
    """The load on a kernel with the founding bug, until it panics; then, as the
    control, the same delays with the lock held, which must do no harm."""
    hits = others = clean = 0
    controls = max(1, a.panics // 5)
    for i in range(1, a.panics + 1):
        out = shell(a, a.kernel, f"{a.cmdline} vmbug=2137-link seed={a.seed + i}",
                    ROUNDS)[2]
        m, rounds = BADLINK.search(out), out.count("\n@@round")
        hits += m is not None
        if m is None:
            # A freed object may be found before the damaged link.
            m = re.search(r"^PANIC (\S+) ", out, re.M)
            others += m is not None
            print(f"try {i}: " + (f"{m.group(1)} in round {rounds + 1}, which is "
                                  "not the founding panic" if m else
                                  f"no panic in {rounds} rounds"), flush=True)
            continue
        who = re.search(r"^cpu\d+: thread (\S+),", out[m.end():], re.M)
        frames = FRAME.findall(out[m.end():].partition("\n\n")[0])[:40]
        exiting = "sys_exit" in frames or "exit1" in frames
        print(f"try {i}: {m.group(1)} in round {rounds + 1}, {m.group(2)} s, "
              f"in {who.group(1) if who else '?'}"
              f"{', on its way out' if exiting else ''}", flush=True)
    for i in range(1, controls + 1):
        status, said, out = shell(
            a, a.kernel, f"{a.cmdline} vmbug=2137-fixed seed={a.seed + i}",
            "export BULK_TESTS=0; " + COMMAND.format(
                jobs=a.jobs, trees=" ".join(a.trees)))
        ok = status == 0 and "gnomon: verdict PASSED" in out
        clean += ok
        print(f"control {i}: " + ("clean" if ok else f"status {status}\n{said}"),
              flush=True)
    print(f"the founding panic: {hits} of {a.panics} tries, another: {others}; "
          f"with the lock held: {clean} of {controls} rounds clean")
    return 0 if hits + others == a.panics and clean == controls else 1


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--kernel", default="build/gnomon.elf")
    ap.add_argument("--smp", type=int, default=4)
    ap.add_argument("--mem")
    ap.add_argument("--jobs", type=int, default=5)
    ap.add_argument("--hours", type=float, default=0)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--timeout", type=float, default=600)
    ap.add_argument("--cmdline", default="")
    ap.add_argument("--log", default="build/bulk-build.log")
    ap.add_argument("--panics", type=int, metavar="N",
                    help="with a VMBUG=1 kernel: N tries until it panics")
    ap.add_argument("--peer", metavar="VMLINUZ")
    ap.add_argument("--times", type=int, default=3)
    ap.add_argument("trees", nargs="*", default=["lua", "tcc", "make", "dash"])
    a, total = ap.parse_args(), Totals()
    # In steps of 16M the least with which the Linux guest is not out of memory.
    a.mem = a.mem or ("144M" if a.peer else "128M")
    if a.panics:
        return panics(a)
    if a.peer:
        return peer(a)
    want, verdicts = reference(a.jobs, a.trees)
    begin = told = time.monotonic()
    while total.boots == 0 or time.monotonic() - begin < a.hours * 3600:
        seed = a.seed + total.boots
        complaint, out = boot(a, want, verdicts, seed)
        total.add(complaint is not None, out)
        if complaint:
            log = f"build/bulk-build-{seed}.log"
            shutil.copy(a.log, log)
            print(f"bulk-build: seed {seed}: {complaint}; see {log}",
                  flush=True)
        if a.hours and time.monotonic() - told >= 60:
            told = time.monotonic()
            print(total.line(begin), flush=True)
    print(total.line(begin))
    print("bulk-build: calls that returned ENOSYS: " +
          programs.told(total.missing))
    if not total.failed:
        print("bulk-build: same as the host's, byte for byte: " +
              " ".join(sorted(want)))
        for name, verdict in sorted(verdicts.items()):
            print(f"bulk-build: tests of {name}, as on the host: {verdict}")
    print(f"{total.boots - total.failed} passed, {total.failed} failed")
    return 1 if total.failed else 0


if __name__ == "__main__":
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    sys.exit(main())

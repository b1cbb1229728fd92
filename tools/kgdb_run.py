#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""kgdb_run.py: gdb with tools/kgdb.py on a machine, or on a dump after a panic.

kgdb_run.py debug         QEMU stopped at its first instruction, gdb attached
kgdb_run.py postmortem    boot that panics, memory dumped by QEMU, gdb on it
kgdb_run.py test          both, by script; "ok N gdb: what" lines

With --ex COMMAND (repeated) gdb runs these and ends, else it is yours.
"""
import argparse
import os
import re
import socket
import subprocess
import sys
import tempfile
import time

import panic_test

HERE = os.path.dirname(os.path.abspath(__file__))


class Qemu:
    """A machine with its monitor, gdb stub and console in a folder."""

    def __init__(self, a, cmdline, folder, stopped=False):
        self.monitor = os.path.join(folder, "monitor")
        self.gdb = os.path.join(folder, "gdb")
        self.console = os.path.join(folder, "console")
        cmd = ["qemu-system-x86_64", "-machine", "q35", "-display", "none",
               "-nodefaults", "-no-reboot", "-accel", "tcg,thread=multi",
               "-cpu", "max", "-m", a.mem, "-smp", str(a.smp),
               "-kernel", a.kernel, "-initrd", a.initrd, "-append", cmdline,
               "-serial", f"file:{self.console}",
               "-monitor", f"unix:{self.monitor},server,nowait",
               "-gdb", f"unix:{self.gdb},server,nowait",
               "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
        self.p = subprocess.Popen(cmd + (["-S"] if stopped else []),
                                  stdin=subprocess.DEVNULL)
        self.wait(lambda: os.path.exists(self.gdb), 20)

    def wait(self, condition, timeout):
        until = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > until or self.p.poll() is not None:
                sys.exit(f"kgdb_run: the machine does not come so far:\n"
                         f"{self.output()[-2000:]}")
            time.sleep(0.1)

    def output(self):
        try:
            with open(self.console, errors="replace") as f:
                return f.read().replace("\r", "")
        except OSError:
            return ""

    def command(self, line, timeout=60):
        """One command of QEMU's monitor, to its next prompt."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(timeout)
            s.connect(self.monitor)
            got = b""
            while b"(qemu)" not in got:
                got += s.recv(4096)
            s.sendall(line.encode() + b"\n")
            got = b""
            while not got.rstrip().endswith(b"(qemu)"):
                more = s.recv(4096)
                if not more:
                    break
                got += more

    def end(self):
        if self.p.poll() is None:
            self.p.kill()
            self.p.wait()


def gdb(a, commands, script, capture=False):
    cmd = ["gdb", "-q", "-nx", a.kernel, "-x", os.path.join(HERE, "kgdb.py")]
    if script:
        cmd.insert(1, "-batch")
    for c in commands + script:
        cmd += ["-ex", c]
    r = subprocess.run(cmd, check=False, timeout=300 if script else None,
                       stdin=subprocess.DEVNULL if script else None,
                       stdout=subprocess.PIPE if capture else None,
                       stderr=subprocess.STDOUT if capture else None)
    return r.stdout.decode(errors="replace") if capture else r.returncode


def debug(a, script, capture=False):
    with tempfile.TemporaryDirectory() as d:
        q = Qemu(a, a.cmdline, d, stopped=True)
        try:
            return gdb(a, [f"target remote {q.gdb}"], script, capture)
        finally:
            q.end()


def postmortem(a, script, capture=False):
    kind = panic_test.KINDS[a.kind]
    with tempfile.TemporaryDirectory() as d:
        q = Qemu(a, kind.cmdline + " panic_hold=1", d)
        try:
            q.wait(lambda: "end of panic" in q.output(), 120)
            dump = a.dump or os.path.join(d, "dump")
            q.command(f"dump-guest-memory -p {dump}")
        finally:
            q.end()
        if not script:
            print(q.output()[q.output().find("\nPANIC"):][:2000])
        return gdb(a, [f"core-file {dump}"], script, capture)


# (command, what its output must match).
DUMP = [
    ("gnomon panic", r"PANIC bad-link cpu=\d \"Bad link elm"
                     r"(?s:.*)exit1 (?s:.*)Xfast_syscall"),
    ("gnomon threads", r"\d+ +running +cpu\d(?s:.*)watchdog"),
    ("gnomon cpus", r"cpu0: .*\n(?s:.*)cpu1: "),
    ("gnomon locks", r"locks held"),
    ("gnomon bt 2", r"reaper (?s:.*)thread_main"),
    ("gnomon map", r"entries [1-9].*\n  \[0xffff"),
    ("info threads", r"LWP 2"),
]
LIVE = [
    ("gnomon threads", r"(?s)reaper.* running +cpu\d"),
    ("gnomon cpus", r"cpu0: "),
    ("gnomon map", r"entries [1-9].*\n  \[0xffff"),
    ("gnomon locks", r"locks held"),
]


def check(name, out, wanted, n):
    failed = 0
    parts = re.split(r"^@@ (.*)\n", out, flags=re.M)
    outputs = dict(zip(parts[1::2], parts[2::2]))
    for command, pattern in wanted:
        n += 1
        got = outputs.get(command, "")
        good = re.search(pattern, got) is not None
        failed += not good
        print(f"{'ok' if good else 'not ok'} {n} gdb: {name}: {command}",
              flush=True)
        if not good:
            print("\n".join("    | " + x for x in got.splitlines()[-30:]))
    return n, failed


def told(commands):
    """Each command after a line that names it."""
    return [x for c in commands for x in (f'echo @@ {c}\\n', c)]


def find(regex, text):
    m = re.search(regex, text, re.M)
    return m.group(1) if m else "0"


def test_dump(a, n):
    """Each look takes its addresses from the output of the one before."""
    out = postmortem(a, told([c for c, _ in DUMP]), capture=True)
    n, failed = check("dump", out, DUMP, n)

    def look(commands):
        return gdb(a, [f"core-file {a.dump}"], told(commands), capture=True)

    tids = re.findall(r"^ *(\d+) \w+ +cpu\d .* pid 1\b", out, re.M)
    command = f"gnomon map {tids[0] if tids else 0}"
    out = look([command])
    n, bad = check("dump", out, [(command, r"  \[0x.* r-x object 0xffff")], n)
    obj = find(r"r-x object (0xffff[0-9a-f]+)", out)
    chain, pages = f"gnomon chain {obj}", f"gnomon object {obj}"
    out = look([chain, pages])
    n, bad2 = check("dump", out, [
        (chain, r"object 0xffff.* refs [1-9]"),
        (pages, r"  page \d+ at 0xffff.*, pa 0x")], n)
    # A page of a live process's text is mapped by somebody.
    commands = ["gnomon page " + p for p in re.findall(
        r"page \d+ at (0xffff[0-9a-f]+)", out)[:12]]
    out = look(commands)
    m = re.search(r"^@@ (.*)\n(?:page .*\n)  mapped at 0x", out, re.M)
    n, bad3 = check("dump", out, [
        (m.group(1) if m else (commands + ["gnomon page"])[0],
         r"page 0xffff.*: pa .* object 0xffff.*\n  mapped at 0x.* by pmap")],
        n)
    return n, failed + bad + bad2 + bad3


def test(a):
    a.kind, a.cmdline = "exit", "ktest=panic.spin watchdog=0"
    a.dump = os.path.join(tempfile.gettempdir(), f"gnomon-dump-{os.getpid()}")
    try:
        n, failed = test_dump(a, 0)
    finally:
        if os.path.exists(a.dump):
            os.unlink(a.dump)
    out = debug(a, ["hbreak ktest_panic_spin", "continue"] +
                told([c for c, _ in LIVE]), capture=True)
    n, bad = check("live", out, LIVE, n)
    print(f"1..{n}")
    return 1 if failed + bad else 0


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("mode", choices=["debug", "postmortem", "test"])
    ap.add_argument("--kernel", default="build/gnomon.elf")
    ap.add_argument("--initrd", default="build/initrd.cpio")
    ap.add_argument("--smp", type=int, default=2)
    ap.add_argument("--mem", default="128M")
    ap.add_argument("--cmdline", default="")
    ap.add_argument("--kind", default="exit", choices=panic_test.KINDS)
    ap.add_argument("--dump", help="keep the memory dump in this file")
    ap.add_argument("--ex", action="append", default=[])
    a = ap.parse_args()
    if a.mode == "test":
        return test(a)
    return (debug if a.mode == "debug" else postmortem)(a, a.ex)


if __name__ == "__main__":
    sys.exit(main())

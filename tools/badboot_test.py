#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""badboot_test.py: boots with bad input: one clear line, the right exit status?

badboot_test.py            all cases; "ok N bad boot: case" each
badboot_test.py CASE...    only these

A case passes when run_qemu.py ends with the status given here and the output
has exactly one line that matches; a refusal must not look like a crash: no
fatal trap, no second panic.
"""
import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

import mkinitrd

FAILED, NOINIT, NOMEM, NOCPU = 1, 5, 6, 7   # exit statuses of run_qemu.py
INIT = "init=build/user/hello"


class Case:
    """Exit status, a regex for the one line, and what the boot gets.  initrd:
    entries for mkinitrd, bytes, None (no module) or "suite" (the real one);
    cut: bytes to leave of it."""

    def __init__(self, status, line, initrd=(INIT,), cut=None, cmdline="",
                 **machine):
        self.status, self.line = status, line
        self.initrd, self.cut, self.cmdline = initrd, cut, cmdline
        self.mem = machine.get("mem", "64M")
        self.cpu = machine.get("cpu", "max")


CASES = {
    "unknown-option": Case(0, r'^boot: unknown option "ktset"; nearest is '
                           r'"ktest" \(.*\)$', cmdline="ktset=vm.*"),
    "unknown-flag": Case(0, r'^boot: unknown option "sead"; nearest is '
                         r'"seed" \(.*\)$', cmdline="sead"),
    "not-a-number": Case(0, r"^boot: seed=abc is not a number; 1 is used$",
                         cmdline="ktest=sched.bind seed=abc"),
    "help": Case(0, r"^boot: seed +seed of the tests' random numbers$",
                 cmdline="help=1"),
    "no-such-test": Case(FAILED, r"^ktest: no test is named nosuch\.\*$",
                         cmdline="ktest=nosuch.*"),
    "no-initrd": Case(NOINIT, r'^PANIC refused .*"no initrd: .*"$',
                      initrd=None),
    "not-cpio": Case(NOINIT, r'^PANIC refused .*"initrd: not a newc header, '
                     r'at byte 0 of 400"$', initrd=b"rubbish\n" * 50),
    "cut-in-file": Case(NOINIT, r'^PANIC refused .*"initrd: truncated in a '
                        r'file, at byte \d+ of 5000"$', cut=5000),
    "cut-in-header": Case(NOINIT, r'^PANIC refused .*"initrd: truncated.*, '
                          r'at byte 0 of 60"$', cut=60),
    "cut-at-end": Case(NOINIT, r'^PANIC refused .*"initrd: .*"$', cut=-200),
    "no-init": Case(NOINIT, r'^PANIC refused .*"init: cannot run /init: error '
                    r'2 \(no such file\)"$', initrd=("etc/motd=+nothing",)),
    "init-is-text": Case(NOINIT, r'^PANIC refused .*"init: cannot run /init: '
                         r'error 13 \(not executable\)"$',
                         initrd=("init=+just text",)),
    "init-is-directory": Case(NOINIT, r'^PANIC refused .*"init: cannot run '
                              r'/init: error 13 \(not executable\)"$',
                              initrd=("init/",)),
    "init-is-cut": Case(NOINIT, r'^PANIC refused .*"init: cannot run /init: '
                        r'error 8 .*"$', initrd=b"\x7fELF" + bytes(3000)),
    "other-init": Case(NOINIT, r'^PANIC refused .*"init: cannot run /no/such: '
                       r'error 2 \(no such file\)"$', cmdline="init=/no/such"),
    "init-fails": Case(FAILED, r"^gnomon: init ended with status 0x100, 0 "
                       r"counters", initrd=("init=build/user/forktree",),
                       cmdline="initargs=1:1:0"),
    "little-memory": Case(NOMEM, r'^PANIC refused .*"7\d+ KiB of RAM is too '
                          r'little: Gnomon needs \d+ KiB"$', mem="8M"),
    "big-initrd": Case(NOINIT, r'^PANIC refused .*"initrd: big: not enough memory"$',
                       initrd="big", mem="24M"),
    "no-nx": Case(NOCPU, r"^Gnomon cannot run: this CPU lacks NX", cpu="max,-nx"),
    "no-long-mode": Case(NOCPU, r"^Gnomon cannot run: this CPU lacks long mode",
                         cpu="qemu32"),
    "no-sse2": Case(NOCPU, r"^Gnomon cannot run: this CPU lacks SSE2",
                    cpu="max,-sse2"),
}


def make_initrd(case, folder):
    """The file for -initrd, or None."""
    path = os.path.join(folder, "initrd")
    if case.initrd is None:
        return None
    if case.initrd == "big":        # more than the memory that it leaves
        with open(os.path.join(folder, "big"), "wb") as f:
            f.write(b"big " * (3 << 20))
        mkinitrd.main(path, [INIT, f"big={f.name}"])
    elif isinstance(case.initrd, bytes):
        with open(path, "wb") as f:
            f.write(case.initrd)
    else:
        mkinitrd.main(path, case.initrd)
    if case.cut is not None:
        size = os.path.getsize(path)
        os.truncate(path, case.cut if case.cut > 0 else size + case.cut)
    return path


def problems(case, status, out):
    bad = []
    if status != case.status:
        bad.append(f"exit status {status}, not {case.status}")
    n = len(re.findall(case.line, out, re.M))
    if n != 1:
        bad.append(f"{n} lines match {case.line!r}")
    if case.status != 0 and re.search(r"^PANIC (?!refused)", out, re.M):
        bad.append("a crash, not a refusal")
    return bad


def run(name, args):
    case = CASES[name]
    with tempfile.TemporaryDirectory() as folder:
        cmd = [sys.executable, "tools/run_qemu.py", "--kernel", args.kernel,
               "--smp", "2", "--mem", case.mem, "--cpu", case.cpu,
               "--timeout", str(args.timeout), "--cmdline", case.cmdline]
        initrd = make_initrd(case, folder)
        p = subprocess.run(cmd + (["--initrd", initrd] if initrd else []),
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, check=False)
    out = p.stdout.decode(errors="replace").replace("\r", "")
    return name, problems(case, p.returncode, out), out


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--kernel", default="build/gnomon.elf")
    ap.add_argument("--timeout", type=int, default=60)
    ap.add_argument("cases", nargs="*")
    a = ap.parse_args()
    unknown = [c for c in a.cases if c not in CASES]
    if unknown:
        print("cases:", " ".join(CASES))
        return 2
    names, failed = a.cases or list(CASES), 0
    print(f"1..{len(names)}", flush=True)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(run, n, a) for n in names]
        for i, job in enumerate(jobs, 1):
            name, bad, out = job.result()
            failed += bool(bad)
            print(f"{'not ok' if bad else 'ok'} {i} bad boot: {name}"
                  + (" # " + "; ".join(bad) if bad else ""), flush=True)
            if bad:
                print("\n".join("    | " + x[:200]
                                for x in out.splitlines()[-40:]))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

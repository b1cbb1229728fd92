#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""shell.py: boots the world to a shell on the serial console.

With --run only that command's output is printed, without the kernel's own
lines, and its status is the exit status (125: the machine did not come so far).
Without, the terminal is the guest's, Ctrl-C included, until it powers off.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile
import termios
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import run_qemu  # noqa: E402
from mkinitrd import record  # noqa: E402

# What the kernel may say while programs run.
KERNEL = re.compile(rb"^(linux|oom|signal|proc|exec|lockdep|watchdog|vmlog|"
                    rb"strace|baseline|gnomon): ")


def with_command(world, command, out):
    """The archive with one more file, /etc/run."""
    with open(world, "rb") as f:
        data = f.read()
    end = data.rindex(b"070701")        # the trailer's header
    with open(out, "wb") as f:
        f.write(data[:end])
        f.write(record(1 << 20, "etc/run", 0o100755, command.encode() + b"\n",
                       1700000000))
        f.write(record(0, "TRAILER!!!", 0, b""))


def options(a, initrd, **more):
    return argparse.Namespace(
        iso=None, kernel=a.kernel, initrd=initrd, smp=a.smp, mem=a.mem,
        cpu="max", accel="auto", icount=False, cmdline=a.cmdline, qemu_arg=[],
        **more)


def lines_until(p, deadline, log):
    """The machine's lines until it ends or the time is over."""
    os.set_blocking(p.stdout.fileno(), False)
    rest = b""
    while time.monotonic() < deadline:
        data = p.stdout.read(65536)
        if data == b"":
            break
        if data is None:
            time.sleep(0.02)
            continue
        log.write(data)
        log.flush()
        *whole, rest = (rest + data.replace(b"\r", b"")).split(b"\n")
        yield from whole


def run_command(a):
    """The status of a.run and, when it has none, why."""
    status, inside, since = None, False, 0.0
    with tempfile.TemporaryDirectory() as d, open(a.log, "wb") as log:
        with_command(a.initrd, a.run, f"{d}/run.cpio")
        o = options(a, f"{d}/run.cpio", serial="stdio")
        p = subprocess.Popen(run_qemu.command(o, f"{d}/mon"),
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        try:
            for line in lines_until(p, time.monotonic() + a.timeout, log):
                if line == b"@@run":
                    inside, since = True, time.monotonic()
                elif inside and line.startswith(b"@@status "):
                    status, inside = int(line.split()[1]), False
                    if a.times:
                        print(f"shell: the command took "
                              f"{time.monotonic() - since:.1f} s",
                              file=sys.stderr)
                elif line.startswith(b"PANIC"):
                    inside = False
                    print(line.decode(errors="replace"), file=sys.stderr)
                elif inside and not KERNEL.match(line):
                    sys.stdout.buffer.write(line + b"\n")
                    sys.stdout.buffer.flush()
        finally:
            if p.poll() is None:
                try:
                    p.wait(2)
                except subprocess.TimeoutExpired:
                    p.kill()
    if status is None:
        print(f"shell: no status; see {a.log}", file=sys.stderr)
        return 125
    return status


def interactive(a):
    tty = termios.tcgetattr(0) if os.isatty(0) else None
    with tempfile.TemporaryDirectory() as d:
        o = options(a, a.initrd, serial="chardev:con")
        cmd = run_qemu.command(o, f"{d}/mon")
        # Without signal=off Ctrl-C would end QEMU.
        cmd += ["-chardev", f"stdio,id=con,signal=off,logfile={a.log}"]
        try:
            # The kernel's exit codes are those of isa-debug-exit: odd.
            status = subprocess.call(cmd)
        finally:
            if tty is not None:
                termios.tcsetattr(0, termios.TCSADRAIN, tty)
    return 0 if status == 0 else run_qemu.CODES.get(status >> 1, (9, ""))[0]


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--kernel", default="build/gnomon.elf")
    ap.add_argument("--initrd", default="build/world/world.cpio")
    ap.add_argument("--smp", type=int, default=2)
    ap.add_argument("--mem", default="512M")
    ap.add_argument("--cmdline", default="")
    ap.add_argument("--timeout", type=float, default=600)
    ap.add_argument("--log", default="build/shell.log")
    ap.add_argument("--run")
    ap.add_argument("--times", action="store_true",
                    help="say how long --run took on this machine")
    a = ap.parse_args()
    return run_command(a) if a.run else interactive(a)


if __name__ == "__main__":
    sys.exit(main())

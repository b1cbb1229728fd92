#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""run_qemu.py: one bounded boot of Gnomon in QEMU; its status is the verdict.

The serial console goes to stdout and, with --log, to a file.  The QEMU started
here is the only process ended here, by its own pid.  When the time is up the
machine gets an NMI first, so that a hang shows where it hung.

Exit status: 0 passed; 1 verdict failed; 2 usage; 3 panic; 4 fatal trap;
5 no init; 6 too little memory; 7 CPU refused; 8 timed out; 9 anything else;
10 bad boot information; 20 and up a panic of a known kind (KINDS).
"""
import argparse
import os
import re
import select
import socket
import subprocess
import sys
import tempfile
import time

# isa-debug-exit codes of include/sys/panic.h -> our exit status
CODES = {0x10: (0, "passed"), 0x11: (1, "failed"), 0x12: (3, "panic"),
         0x13: (4, "fatal trap"), 0x14: (5, "no init"),
         0x15: (6, "too little memory"), 0x16: (7, "CPU refused"),
         0x17: (10, "bad boot information")}
KINDS = ["assertion", "damaged links", "page state", "lock order",
         "sleep with a spinlock", "lock checker", "lock", "deadlock",
         "no timer tick", "no switch", "stack overflow", "double fault",
         "wild read", "wild write", "wild jump", "SMEP", "SMAP", "NX", "zone",
         "NMI", "machine check", "panic in a panic"]    # from 0x20 on
CODES.update({0x20 + i: (20 + i, f"panic: {kind}")
              for i, kind in enumerate(KINDS)})


def has_kvm():
    """KVM only where the CPU itself offers vmx or svm to us."""
    with open("/proc/cpuinfo") as f:
        flags = re.search(r"^flags\s*:(.*)$", f.read(), re.M)
    words = flags.group(1).split() if flags else []
    return os.access("/dev/kvm", os.W_OK) and ("vmx" in words or "svm" in words)


def command(a, monitor):
    cmd = ["qemu-system-x86_64", "-machine", "q35", "-display", "none",
           "-nodefaults", "-no-reboot", "-serial", a.serial,
           "-m", a.mem, "-smp", str(a.smp),
           "-monitor", f"unix:{monitor},server,nowait",
           "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
    if a.icount:
        cmd += ["-accel", "tcg,thread=single", "-cpu", a.cpu,
                "-icount", "shift=0,sleep=off", "-rtc",
                "base=2026-01-01,clock=vm"]
    elif a.accel == "kvm" or (a.accel == "auto" and has_kvm()):
        cmd += ["-accel", "kvm", "-cpu", "host"]
    else:
        cmd += ["-accel", "tcg,thread=multi", "-cpu", a.cpu]
    if a.iso:
        cmd += ["-cdrom", a.iso, "-boot", "d"]
        if a.cmdline:
            cmd += ["-fw_cfg",
                    "name=opt/gnomon/cmdline,string=" +
                    a.cmdline.replace(",", ",,")]
    else:
        cmd += ["-kernel", a.kernel]
        if a.initrd:
            cmd += ["-initrd", a.initrd]
        if a.cmdline:
            cmd += ["-append", a.cmdline]
    return cmd + a.qemu_arg


def send_nmi(monitor):
    try:
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(2)
        s.connect(monitor)
        s.recv(4096)
        s.sendall(b"nmi\n")
        time.sleep(0.2)
        s.close()
    except OSError as e:
        print(f"run_qemu: no NMI: {e}", file=sys.stderr)


class Run:
    def __init__(self, a):
        self.a = a
        self.tail = b""
        self.log = open(a.log, "wb") if a.log else None

    def take(self, data):
        if self.log:
            self.log.write(data)
            self.log.flush()
        if not self.a.quiet:
            sys.stdout.buffer.write(data.replace(b"\r", b""))
            sys.stdout.buffer.flush()
        self.tail = (self.tail + data)[-65536:]

    def pump(self, p, until):
        """Copy output until EOF or the deadline; True at EOF."""
        fd = p.stdout.fileno()
        while True:
            left = until - time.monotonic()
            if left <= 0:
                return False
            r, _, _ = select.select([fd], [], [], min(left, 1))
            if not r:
                if p.poll() is not None:
                    return True
                continue
            data = os.read(fd, 65536)
            if not data:
                return True
            self.take(data)

    def run(self):
        with tempfile.TemporaryDirectory() as d:
            monitor = os.path.join(d, "mon")
            stdin = None if self.a.interactive else subprocess.DEVNULL
            p = subprocess.Popen(command(self.a, monitor), stdin=stdin,
                                 stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT)
            try:
                if not self.pump(p, time.monotonic() + self.a.timeout):
                    send_nmi(monitor)
                    self.pump(p, time.monotonic() + 5)
                    return 8, f"timed out after {self.a.timeout} s"
                status = p.wait(10)
            finally:
                if p.poll() is None:
                    p.kill()
                    p.wait()
        return self.verdict(status)

    def verdict(self, status):
        if status & 1 and status >> 1 in CODES:
            return CODES[status >> 1]
        # ACPI power-off and a triple fault both end QEMU with 0: only the
        # kernel's own last word tells them apart.
        if status == 0 and b"gnomon: verdict PASSED" in self.tail:
            return 0, "passed, powered off"
        return 9, f"QEMU ended with status {status} and no verdict"


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--iso")
    ap.add_argument("--kernel")
    ap.add_argument("--initrd")
    ap.add_argument("--smp", type=int, default=2)
    ap.add_argument("--mem", default="512M")
    ap.add_argument("--cpu", default="max")
    ap.add_argument("--accel", choices=["auto", "tcg", "kvm"], default="auto")
    ap.add_argument("--icount", action="store_true",
                    help="deterministic: one instruction is one nanosecond")
    ap.add_argument("--cmdline", default="")
    ap.add_argument("--timeout", type=float, default=600)
    ap.add_argument("--log")
    ap.add_argument("--quiet", action="store_true")
    ap.add_argument("--interactive", action="store_true")
    ap.add_argument("--serial", default="stdio", help="as QEMU's -serial")
    ap.add_argument("--qemu-arg", action="append", default=[])
    a = ap.parse_args()
    if bool(a.iso) == bool(a.kernel):
        ap.error("exactly one of --iso and --kernel")
    status, words = Run(a).run()
    print(f"run_qemu: {words}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())

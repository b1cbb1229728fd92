#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""kdb_test.py: drives the kernel's debugger over the serial line.

One boot with user processes: entered by Ctrl-] and by Break, every command, a
command that faults, continue, reboot; one boot that panics with the option kdb.
Prints "ok N kdb: what" lines; the console goes to build/kdb-test.log.
"""
import argparse
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from xml.etree import ElementTree

import chains

PROMPT = b"kdb> "
CTRL_BRACKET, BREAK = b"\x1d", b"\x01b"     # QEMU's mux: C-a b is a break


class Machine:
    """A QEMU whose serial line is a socket of ours."""

    def __init__(self, a, cmdline, log):
        self.log, self.seen = log, b""
        self.dir = tempfile.TemporaryDirectory()
        path = os.path.join(self.dir.name, "serial")
        cmd = [sys.executable, "tools/run_qemu.py", "--kernel", a.kernel,
               "--initrd", a.initrd, "--smp", "2", "--mem", "256M",
               "--timeout", str(a.timeout), "--serial", "chardev:s0",
               "--qemu-arg=-chardev",
               f"--qemu-arg=socket,id=s0,path={path},server=on,wait=on,mux=on",
               "--cmdline", cmdline]
        self.p = subprocess.Popen(cmd, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL)
        self.s = socket.socket(socket.AF_UNIX)
        until = time.monotonic() + 20
        while True:
            try:
                self.s.connect(path)
                break
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def expect(self, pattern, timeout=60):
        """Output up to and with pattern; None when it does not come."""
        until, regex = time.monotonic() + timeout, re.compile(pattern)
        while True:
            m = regex.search(self.seen)
            if m:
                out, self.seen = self.seen[:m.end()], self.seen[m.end():]
                return out.decode(errors="replace").replace("\r", "")
            left = until - time.monotonic()
            if left <= 0:
                return None
            self.s.settimeout(left)
            try:
                data = self.s.recv(65536)
            except socket.timeout:
                return None
            if not data:
                return None
            self.log.write(data)
            self.seen += data

    def send(self, data):
        self.s.sendall(data)

    def command(self, line):
        self.send(line.encode() + b"\r")
        return self.expect(re.escape(PROMPT), 30)

    def end(self):
        self.expect(rb"(?!)", 20)               # all that still comes
        self.s.close()
        try:
            return self.p.wait(20)
        except subprocess.TimeoutExpired:
            self.p.terminate()
            return "did not end"


class Checks:
    def __init__(self):
        self.n = self.failed = 0

    def check(self, what, good, out=""):
        self.n += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.n} kdb: {what}", flush=True)
        if not good:
            print("\n".join("    | " + x for x in (out or "").splitlines()))


# Each command and what its output must match; {name}: a word that an earlier
# command's output gave (see LEARN).
COMMANDS = [
    ("help", r"(?s)bt .*show .*reboot"),
    ("bt", r"#0 .*\n(.*\n)*.*#1 "),
    ("ps", r"\d+ running .*cpu\d(?s:.*)watchdog +"),
    ("threads", r"pid \d+"),
    ("cpus", r"(?s)cpu0: .*#0 .*cpu1: .*#0 "),
    ("regs", r"(?s)rip [0-9a-f]{16}.*cr2 .*rflags"),
    ("locks", r"\d+ locks held"),
    ("show thread 2", r"(?s)reaper.*struct 0xffff"),
    ("bt 2", r"reaper\+.*\n.*thread_main"),
    ("show map kernel", r"(?s)map 0xffff.*system\n  \[0xffff"),
    ("show map {tid}", r"map 0xffff.*\n  \[0x.*r.x.* object 0xffff"),
    ("show pmap {tid}", r"pmap 0xffff.*: [1-9]\d* mappings"
                        r".*\n  0x[0-9a-f]+ -> 0x[0-9a-f]+ r"),
    ("show object {object}", r"object {object}: .* refs [1-9]"),
    ("show chain {object}", r"object {object}: "),
    ("show chain {tid}", r"  \[0x.*r.x.* object 0xffff.*\nobject 0xffff"),
    ("show chains", r"(?s)object {object}: .*\d+ objects"),
    ("show page {pa}", r"page 0xffff.*: pa {pa} object 0x(.*\n)*  mapped [1-9]"),
    ("show zone", r"(?s)name +size.*vm_object .*vmspace "),
    ("show address {object}", r"0x{object0} is at 0x0 of the live vm_object"),
    ("show", r"show what\?"),
    ("x {object} 4", r"(0x[0-9a-f]{16}: [0-9a-f]{16}.*\n){4}"),
    ("x 1000", r"nothing is mapped there"),
    ("vmstat", r"(?s)v_vm_faults [1-9].*pages \d+ free \d+"),
    ("trace 4", r"init mp"),
    ("show object 1234", r"is no vm_object"),
    ("selftest", r"the command ended: kernel reads through a null pointer"),
    ("nonsense", r"no command is named nonsense"),
]
LEARN = {
    "tid": (r"\n +(\d+) \w+ +cpu\d.* pid \d+", "threads"),
    "object": (r" object (0xffff[0-9a-f]+)", "show map {tid}"),
    "pa": (r" -> (0x[0-9a-f]+) r", "show pmap {tid}"),
}


def fill(text, known):
    for name, value in known.items():
        text = text.replace("{" + name + "}", value)
    return text


def enter(m, key, what, c):
    m.send(key)
    out = m.expect(re.escape(PROMPT), 20)
    c.check(what, out is not None and "entered by the console" in out, out)
    return out is not None


def picture(c, text):
    """Is what show chains prints a picture (chains.py) with every link?"""
    objects, locked = chains.parse(text.splitlines())
    linked = [o for o in objects.values() if o.backing in objects]
    shape = ElementTree.fromstring(chains.svg(objects, locked))
    c.check("show chains as a picture", len(objects) > 5 and all(
        o.pages <= set(range(o.size)) for o in objects.values()) and
            len(shape) > 5 and all(objects[o.backing].shadows > 0 or
                                   objects[o.backing].type == "file"
                                   for o in linked), text)


def user_session(a, log, c):
    m = Machine(a, "init=/init", log)
    c.check("boot", m.expect(rb"ok 2 - ") is not None)
    if not enter(m, CTRL_BRACKET, "Ctrl-] enters", c):
        m.end()
        return
    known = {}
    for line, pattern in COMMANDS:
        out = m.command(fill(line, known))
        c.check(line, out is not None and
                re.search(fill(pattern, known), out), out)
        if line == "show chains":
            picture(c, out or "")
        for name, (regex, source) in LEARN.items():
            found = re.search(regex, out or "") if source == line else None
            if found:
                known[name] = found.group(1)
                if name == "object":
                    known["object0"] = found.group(1)[2:]
    m.send(b"continue\r")
    c.check("continue", m.expect(rb"kdb: continued\r\n") is not None and
            m.expect(rb"ok \d+ - ") is not None)
    if enter(m, BREAK, "Break enters", c):
        m.send(b"c\r")
        c.check("c", m.expect(rb"kdb: continued\r\n") is not None and
                m.expect(rb"ok \d+ - ") is not None)
    if enter(m, CTRL_BRACKET, "Ctrl-] enters again", c):
        m.send(b"reboot\r")
    status = m.end()
    c.check("reboot", status == 9, f"status {status}")


def panic_session(a, log, c):
    m = Machine(a, "kdb ktest=panic.kassert", log)
    out = m.expect(re.escape(PROMPT))
    c.check("a panic enters", out is not None and "PANIC assert" in out, out)
    if out is not None:
        out = m.command("bt")
        c.check("bt after a panic", "ktest_panic_kassert+" in out, out)
        out = m.command("locks")
        c.check("locks after a panic", "kt_low" in out, out)
        m.send(b"continue\r")
    status = m.end()
    c.check("continue after a panic ends with its code", status == 20,
            f"status {status}")


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--kernel", default="build/gnomon.elf")
    ap.add_argument("--initrd", default="build/initrd.cpio")
    ap.add_argument("--timeout", type=int, default=120)
    ap.add_argument("--log", default="build/kdb-test.log")
    a, c = ap.parse_args(), Checks()
    with open(a.log, "wb") as log:
        user_session(a, log, c)
        panic_session(a, log, c)
    print(f"1..{c.n}")
    return 1 if c.failed else 0


if __name__ == "__main__":
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    sys.exit(main())

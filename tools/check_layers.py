#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""check_layers.py: includes and symbols respect tools/layers.txt.

Without arguments: every tracked .c, .h and .S by its includes, and every built
vm object by its undefined symbols.  Prints one line a violation.
"""
import fnmatch
import os
import re
import subprocess
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^">]+)[">]', re.M)
COMPILER = {"stdarg.h", "stdbool.h", "stddef.h", "stdint.h"}


class Layers:
    def __init__(self, path):
        self.places, self.uses, self.allow = [], {}, []
        self.machine_for_vm = set()
        with open(path) as f:
            for line in f:
                self.parse(line.split("#")[0].strip())

    def parse(self, line):
        if not line:
            return
        head, _, rest = line.partition(":")
        words = rest.split()
        kind, _, name = head.partition(" ")
        if kind == "layer":
            self.places += [(w, name) for w in words]
        elif kind == "uses":
            self.uses[name] = set(words)
        elif kind == "allow":
            self.allow.append((name, words))
        elif kind == "machine-for-vm":
            self.machine_for_vm = set(words)

    def of_path(self, path):
        best = max((p for p, _ in self.places
                    if path == p or path.startswith(p + "/")),
                   key=len, default=None)
        return dict(self.places).get(best)

    def of_header(self, header):
        if header.startswith("machine/"):
            return "machine"
        if header.split("/")[0] in ("lib", "sys", "vm", "linux"):
            return self.of_path("include/" + header)
        return None             # own folder: same layer

    def allowed(self, path, header):
        return any((path == where or path.startswith(where + "/")) and
                   any(fnmatch.fnmatch(header, h) for h in headers)
                   for where, headers in self.allow)

    def check(self, path, text):
        layer = self.of_path(path)
        if layer is None or layer == "test":
            return
        for m in INCLUDE.finditer(text):
            header = m.group(1)
            to = self.of_header(header)
            if header in COMPILER or to is None or self.allowed(path, header):
                continue
            line = text.count("\n", 0, m.start()) + 1
            if to not in self.uses[layer]:
                yield (f"{path}:{line}: layer {layer} may not include "
                       f"<{header}> of layer {to}")
            elif (layer == "vm" and to == "machine" and
                  header not in self.machine_for_vm):
                yield (f"{path}:{line}: vm may not see the platform's "
                       f"<{header}>")
        if layer == "vm" and re.search(
                r"^\s*#\s*if.*(__x86_64__|__amd64__|HOST|TESTING)", text, re.M):
            yield f"{path}:1: vm has no #if on machine or test"


def defined(objects):
    out = subprocess.run(["nm", "-g", "--defined-only", *objects], check=True,
                         capture_output=True, text=True).stdout
    return {w[2] for w in map(str.split, out.splitlines()) if len(w) == 3}


def check_symbols(build, layers):
    """Undefined symbols of vm objects come from lib, kern, vm or the contract."""
    objects = []
    for top, _, files in os.walk(build):
        objects += [os.path.join(top, f) for f in files if f.endswith(".c.o")]
    by = {}
    for o in objects:
        by.setdefault(layers.of_path(os.path.relpath(o, build)[:-2]), []).append(o)
    if "vm" not in by:
        return
    contract = ""
    for h in ("include/vm/pmap.h", "include/sys/md.h", "include/lib/string.h"):
        with open(h) as f:
            contract += f.read()
    known = defined(by["vm"] + by.get("lib", []) + by.get("kern", []))
    known |= set(re.findall(r"\b(\w+)\(", contract)) | {"kernel_pmap"}
    for o in sorted(by["vm"]):
        out = subprocess.run(["nm", "-u", o], check=True, capture_output=True,
                             text=True).stdout
        for sym in (w.split()[-1] for w in out.splitlines()):
            if sym not in known and not sym.startswith("__st"):
                yield f"{o}: uses {sym}, which no layer below vm offers"


def tracked():
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard",
                          "*.c", "*.h", "*.S"], check=True,
                         capture_output=True, text=True).stdout
    return [p for p in out.splitlines()
            if not p.startswith("tests/rules/") and os.path.exists(p)]


def main():
    layers = Layers("tools/layers.txt")
    bad = []
    for path in tracked():
        with open(path) as f:
            bad += layers.check(path, f.read())
    if len(sys.argv) > 1:
        bad += check_symbols(sys.argv[1], layers)
    print("\n".join(bad) if bad else "layers: clean")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

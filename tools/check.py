#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""check.py: every static gate, one result line each; and the proof that each
gate fires: every snippet in tests/rules must be refused by the gate it names.

A snippet's third line is "rule: GATE: WORDS [as PATH]": the gate must answer
with a message that holds WORDS when the file is taken for PATH.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import check_layers     # noqa: E402
import style_check      # noqa: E402

RULES = "tests/rules"


def make_var(name):
    """The value that the Makefile gives to a variable."""
    out = subprocess.run(["make", "-s", "--no-print-directory",
                          "--eval", f"print-{name}:;@echo $({name})",
                          f"print-{name}"],
                         check=True, capture_output=True, text=True)
    return out.stdout.strip().splitlines()[-1].split()


def compile_with(cc, flags, path):
    r = subprocess.run([cc, *flags, "-S", "-o", "/dev/null", path],
                       capture_output=True, text=True)
    return [] if r.returncode == 0 else [r.stderr]


# Who may write which fields of struct vm_object; const to everybody else.
EDITORS = {"VM_OBJECT_LINK_EDITOR": "vm/vm_shadow.c",
           "VM_OBJECT_PIN_EDITOR": "vm/vm_object.c"}
EDITED = {"__vm_link": ("shadow_count", "shadow_head", "shadow_list",
                        "backing_object", "backing_object_offset"),
          "__vm_pin": ("paging_in_progress",)}
OBJECT_H = "include/vm/vm_object.h"


def link_editors(path, text):
    """A file that takes a right to edit which is another's."""
    return [f"{path}: {key} is {owner}'s alone" for key, owner in
            EDITORS.items()
            if path not in (owner, OBJECT_H) and re.search(rf"\b{key}\b",
                                                           text)]


class Gates:
    def __init__(self):
        self.layers = check_layers.Layers("tools/layers.txt")
        self.flags = make_var("KFLAGS")
        plain = [f for f in self.flags if not f.startswith(
            ("-Wframe-larger", "-isystem", "/usr/lib/gcc", "-nostdinc",
             "-Wimplicit-fallthrough", "-fno-delete-null",
             "-fno-tree-loop"))]
        self.clang = plain + ["-Wno-unknown-warning-option",
                              "-Wno-gnu-zero-variadic-macro-arguments"]
        self.tsa = self.clang + ["-DGNOMON_TSA", "-Wthread-safety"]

    def one(self, gate, path, real):
        """The messages of one gate about one file."""
        if gate == "layers":
            with open(real) as f:
                return list(self.layers.check(path, f.read()))
        if gate == "style":
            return list(style_check.check_file(path, real))
        if gate == "gcc":
            return compile_with("gcc", self.flags, real)
        if gate == "link":
            with open(real) as f:
                return link_editors(path, f.read())
        if gate == "clang":
            return compile_with("clang", self.clang, real)
        if gate == "tsa":
            return compile_with("clang-19", self.tsa, real)
        return [f"no such gate: {gate}"]


def kernel_sources():
    return [p for p in make_var("KSRCS") if p.endswith(".c")]


def gate_layers(_):
    return run(["tools/check_layers.py", "build/d1"])


def gate_style(_):
    return run(["tools/style_check.py"])


def run(cmd):
    r = subprocess.run([sys.executable, *cmd], capture_output=True, text=True)
    return [] if r.returncode == 0 else [r.stdout + r.stderr]


def gate_headers(g):
    """Each header compiles alone."""
    bad = []
    paths = [p for p in check_layers.tracked() if p.endswith(".h") and
             p.startswith(("include/", "platform/pc64/include/"))]
    with tempfile.TemporaryDirectory() as d:
        src = os.path.join(d, "header.c")
        for p in paths:
            name = re.sub(r"^(platform/pc64/)?include/", "", p)
            with open(src, "w") as f:
                f.write(f"#include <{name}>\n")
            bad += compile_with("gcc", g.flags, src)
    return bad


def gate_link_editor(g):
    """The link and pin fields are const but to one file each, so the compiler
    refuses every other writer (and the assignment of whole objects); here:
    they are marked so, and nobody else asks for the right."""
    bad = []
    with open(OBJECT_H) as f:
        header = f.read()
    for mark, fields in EDITED.items():
        for name in fields:
            if not re.search(rf"{mark}\b[^;]*\b{name};", header):
                bad.append(f"{OBJECT_H}: {name} does not bear {mark}")
    for p in kernel_sources() + check_layers.tracked():
        if not p.endswith((".c", ".h")) or p.startswith("tests/"):
            continue
        with open(p) as f:
            bad += link_editors(p, f.read())
    return bad


def gate_clang(g):
    return [m for p in kernel_sources() for m in g.one("clang", p, p)]


def gate_tsa(g):
    return [m for p in kernel_sources()
            if p.startswith(("vm/", "kern/proc/", "kern/zone"))
            for m in g.one("tsa", p, p)]


def gate_reproducible(_):
    """Two builds from nothing give the same bytes."""
    sums = []
    with tempfile.TemporaryDirectory() as d:
        for n in "ab":
            b = os.path.join(d, n)
            r = subprocess.run(["make", "-s", "-j2", f"B={b}",
                                f"{b}/gnomon.elf"],
                               capture_output=True, text=True)
            if r.returncode:
                return [r.stdout + r.stderr]
            with open(f"{b}/gnomon.elf", "rb") as f:
                sums.append(f.read())
    return [] if sums[0] == sums[1] else ["the two images differ"]


def gate_mutants(_):
    """Each mutant still applies to the tree, without fuzz."""
    bad = []
    for name in sorted(os.listdir("tests/mutants")):
        if not name.endswith(".patch"):
            continue
        r = subprocess.run(["patch", "-p1", "-F0", "-s", "-f", "--dry-run",
                            "-i", "tests/mutants/" + name],
                           capture_output=True, text=True)
        if r.returncode:
            bad.append(f"tests/mutants/{name} does not apply: {r.stdout}")
    return bad


def gate_rules(g):
    bad = []
    for name in sorted(os.listdir(RULES)):
        real = os.path.join(RULES, name)
        with open(real) as f:
            head = "".join(f.readlines()[:4])
        m = re.search(r"rule: (\w+): (.*?)(?: as (\S+?))?\s*(?:\*/)?$", head,
                      re.M)
        if m is None:
            bad.append(f"{real}: no rule line")
            continue
        gate, words, path = m.groups()
        said = "\n".join(g.one(gate, path or real, real))
        if words.lower() not in said.lower():
            bad.append(f"{real}: gate {gate} did not say '{words}', but: "
                       f"{said or 'nothing'}")
    return bad


GATES = [("layers", gate_layers), ("style", gate_style),
         ("one link editor", gate_link_editor),
         ("headers alone", gate_headers), ("clang", gate_clang),
         ("thread-safety analysis", gate_tsa), ("rules fire", gate_rules),
         ("mutants apply", gate_mutants),
         ("reproducible image", gate_reproducible)]


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--cc", default="gcc")
    ap.add_argument("--only", help="one gate by name")
    a = ap.parse_args()
    g, failed, done = Gates(), 0, 0
    for name, fn in GATES:
        if a.only and a.only != name:
            continue
        bad = fn(g)
        done += 1
        failed += bool(bad)
        print(f"{'not ok' if bad else 'ok'} {done} check: {name}", flush=True)
        for m in bad:
            print("    " + m.replace("\n", "\n    "))
    return 1 if failed or not done else 0


if __name__ == "__main__":
    sys.exit(main())

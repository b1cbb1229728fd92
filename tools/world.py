#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""world.py: an initrd of programs that nobody here wrote, made from Debian.

busybox as packaged; make, tcc, dash, bmake and lua5.4 built as static musl
programs from Debian's source packages; musl's headers and libraries for tcc;
the source trees that the bulk build builds.  Everything lies under build/world:

  apt/   sources list derived from the system's, with lists and cache of its own
  src/   unpacked packages       host/  the same, built
  root/  the tree that becomes world.cpio, also fit for chroot on the host
"""
import glob
import os
import re
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from debsrc import Sources, installed, sh  # noqa: E402

W = os.path.abspath("build/world")
PACKAGES = ["make-dfsg", "tcc", "dash", "bmake", "lua5.4"]
TREES = {"make-dfsg": "make", "lua5.4": "lua"}
SHELL = "CONFIG_SHELL=/bin/sh /bin/sh"
TRIPLET = "x86_64-linux-musl"
SRC = Sources(W, PACKAGES, TREES)
# What a bulk build has no use for, in the trees of the initrd.
LEAVE_OUT = ["debian", "po", "doc", "win32", "examples", "autom4te.cache", "*.o",
             "*.a", "*.log", "*.html", "*.texi", "ChangeLog*", "w32"]
# Whose tests run in the guest: make's are perl, dash and lua have none.
TESTED = ["tcc"]


def build_make():
    return (f"autoreconf -fi && {SHELL} ./configure CC=musl-gcc CFLAGS=-O2 "
            "LDFLAGS=-static --disable-nls --without-guile --disable-load "
            "--disable-dependency-tracking && make -j2", "make")


def build_dash():
    return (f"{SHELL} ./configure CC=musl-gcc CFLAGS=-O2 LDFLAGS=-static "
            "--disable-dependency-tracking && make -j2", "src/dash")


def build_tcc():
    inc, lib = f"/usr/include/{TRIPLET}", f"/usr/lib/{TRIPLET}"
    return ("./configure --prefix=/usr --tccdir=/usr/lib/tcc --cc=musl-gcc "
            f"--config-musl --crtprefix={lib} --libpaths=/usr/lib/tcc:{lib} "
            f"--sysincludepaths=/usr/lib/tcc/include:{inc} "
            "--extra-cflags=-O2 --extra-ldflags=-static && "
            "make tcc libtcc1.a", "tcc")


def build_bmake():
    v = SRC.version("bmake").partition("-")[0]
    defs = {"_PATH_DEFSYSPATH": '"/usr/share/mk"', "MACHINE": '"linux"',
            "MACHINE_ARCH": '"x86_64"', "MAKE_VERSION": f'"{v}"',
            "MACHINE_MULTIARCH": '"x86_64-linux-musl"',
            "__COPYRIGHT(x)": "", "__RCSID(x)": ""}
    flags = " ".join(f"'-D{k}={v}'" for k, v in defs.items())
    flags = flags.replace('"', '\\"')
    return ("./configure CC=musl-gcc LDFLAGS=-static && make -j2 "
            "-f Makefile.boot CC='musl-gcc -static' CFLAGS=\"-O2 -w -I. "
            f"-DHAVE_CONFIG_H -DMAKE_NATIVE {flags}\"", "bmake")


def build_lua():
    # Debian's build makes shared libraries by libtool and writes this header.
    return ("patch -R -p1 -s <debian/patches/0001-build-system.patch && "
            "echo '#define DEB_HOST_MULTIARCH \"x86_64-linux-musl\"' "
            ">src/lua5.4-deb-multiarch.h && make -C src -j2 all "
            "CC='musl-gcc -static' SYSCFLAGS=-DLUA_USE_POSIX", "src/lua")


BUILDS = {"make": build_make, "dash": build_dash, "tcc": build_tcc,
          "bmake": build_bmake, "lua": build_lua}


def build(name):
    cmd, binary = BUILDS[name]()
    return f"{SRC.build(name, cmd)}/{binary}"


# ---- the tree ----

def put_source(name):
    """The configured tree without what was built in it."""
    to = f"{W}/root/src/{name}"
    shutil.copytree(f"{W}/host/{name}", to, symlinks=True,
                    ignore=shutil.ignore_patterns(
                        *LEAVE_OUT, *([] if name in TESTED else ["tests"])))
    built = {"make": ["make"], "tcc": ["tcc"], "lua": ["src/lua", "src/luac"],
             "dash": ["src/dash", "src/mkinit", "src/mknodes", "src/mksyntax",
                      "src/mksignames", "src/builtins.[ch]", "src/init.c",
                      "src/nodes.[ch]", "src/syntax.[ch]", "src/signames.c",
                      "src/token.h", "src/token_vars.h", "src/builtins.def"]}
    for pattern in built[name] + ["build.*", "*.bat", "*.com", "*.W32",
                                  "*.DOS", "*.ami", "README*"]:
        for f in glob.glob(f"{to}/{pattern}"):
            os.remove(f)


def no_alias():
    """tcc does not make the alias that dash's configure found gcc to make."""
    conf = f"{W}/root/src/dash/config.h"
    with open(conf) as f:
        text = f.read()
    with open(conf, "w") as f:
        f.write(re.sub("#define (HAVE_ALIAS_ATTRIBUTE) 1",
                       r"/* #undef \1 */", text))


def populate(user):
    root = f"{W}/root"
    SRC.base()
    for name in BUILDS:
        if os.path.lexists(f"{root}/bin/{name}"):
            os.remove(f"{root}/bin/{name}")
        SRC.put(f"bin/{name}", build(name))
        sh(["strip", f"{root}/bin/{name}"])
    SRC.put("usr/lib/tcc/libtcc1.a", f"{W}/host/tcc/libtcc1.a")
    SRC.put("usr/lib/tcc/include", f"{W}/host/tcc/include")
    SRC.put(f"usr/include/{TRIPLET}", f"/usr/include/{TRIPLET}")
    for f in ("libc.a", "crt1.o", "crti.o", "crtn.o", "libm.a", "libdl.a",
              "libpthread.a"):
        SRC.put(f"usr/lib/{TRIPLET}/{f}", f"/usr/lib/{TRIPLET}/{f}")
    for name in ("lua", "tcc", "make", "dash"):
        put_source(name)
    no_alias()
    for path in ("init", "bin/cc", "bin/bulk", "bin/programs", "etc/inittab",
                 "etc/profile"):
        SRC.put(path, f"tests/world/{os.path.basename(path)}")
    for path in glob.glob("tests/world/suite*"):
        SRC.put(f"usr/lib/suites/{os.path.basename(path)}", path)
    for prog in ("cowstorm", "forktree"):
        SRC.put(f"bin/{prog}", f"{user}/{prog}")


def contents():
    yield (f"world: {installed('busybox-static')} as packaged, "
           f"{installed('musl-dev')} headers and libraries")
    for p in PACKAGES:
        name = TREES.get(p, p)
        size = os.path.getsize(f"{W}/root/bin/{name}")
        tree = ", source tree" if os.path.isdir(f"{W}/root/src/{name}") else ""
        yield f"world: {p} {SRC.version(p)}, static, {size >> 10} KiB{tree}"
    size = os.path.getsize(f"{W}/world.cpio")
    yield f"world: build/world/world.cpio, {size >> 10} KiB"


def main(user):
    os.makedirs(f"{W}/host", exist_ok=True)
    SRC.fetch()
    populate(user)
    SRC.archive(f"{W}/world.cpio")
    with open(f"{W}/contents", "w") as f:
        f.write("".join(line + "\n" for line in contents()))


if __name__ == "__main__":
    main(sys.argv[1])

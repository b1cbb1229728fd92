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
import stat
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from mkinitrd import record  # noqa: E402

W = os.path.abspath("build/world")
PACKAGES = ["make-dfsg", "tcc", "dash", "bmake", "lua5.4"]
TREES = {"make-dfsg": "make", "lua5.4": "lua"}
SHELL = "CONFIG_SHELL=/bin/sh /bin/sh"
TRIPLET = "x86_64-linux-musl"
# A constant, so that the archive is the same every time; not 0, which make
# takes for unknown.
MTIME = 1700000000
# What a bulk build has no use for, in the trees of the initrd.
LEAVE_OUT = ["debian", "po", "doc", "win32", "examples", "autom4te.cache", "*.o",
             "*.a", "*.log", "*.html", "*.texi", "ChangeLog*", "w32"]
# Whose tests run in the guest: make's are perl, dash and lua have none.
TESTED = ["tcc"]


def sh(cmd, cwd=None, log=None):
    """Run cmd; its output goes to a log, which is shown when it fails."""
    # Our own make's flags (no built-in rules) are not for these makefiles.
    env = {k: v for k, v in os.environ.items()
           if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "RUN")}
    r = subprocess.run(cmd, cwd=cwd, shell=isinstance(cmd, str), check=False,
                       env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if log:
        with open(log, "ab") as f:
            f.write(r.stdout)
    if r.returncode != 0:
        sys.stdout.write(r.stdout.decode(errors="replace")[-4000:])
        sys.exit(f"world: failed: {cmd}")
    return r.stdout.decode(errors="replace")


# ---- sources: the system's own archives, by a list of their own ----

def derive(text, deb822):
    if deb822:
        return re.sub(r"(?m)^Types:.*$", "Types: deb-src", text)
    lines = [re.sub(r"^\s*deb(-src)?\s", "deb-src ", line)
             for line in text.splitlines() if re.match(r"\s*deb(-src)?\s", line)]
    return "\n".join(lines) + "\n"


def apt_options():
    a = f"{W}/apt"
    for d in ("parts", "lists/partial", "cache/archives/partial"):
        os.makedirs(f"{a}/{d}", exist_ok=True)
    conf = dict(re.findall(r'^(Dir\S*) "(.*)";$', sh(["apt-config", "dump"]),
                           re.M))
    etc = os.path.join("/", conf["Dir::Etc"])
    files = [os.path.join(etc, conf["Dir::Etc::sourcelist"])]
    parts = os.path.join(etc, conf["Dir::Etc::sourceparts"])
    files += sorted(glob.glob(f"{parts}/*.list") +
                    glob.glob(f"{parts}/*.sources"))
    for f in files:
        if not os.path.exists(f):
            continue
        with open(f) as src:
            text = derive(src.read(), f.endswith(".sources"))
        with open(f"{a}/parts/{os.path.basename(f)}", "w") as out:
            out.write(text)
    opts = []
    for key, value in (("Dir::Etc::sourcelist", f"{a}/none"),
                       ("Dir::Etc::sourceparts", f"{a}/parts"),
                       ("Dir::State::lists", f"{a}/lists"),
                       ("Dir::Cache", f"{a}/cache"),
                       ("APT::Sandbox::User", "")):
        opts += ["-o", f"{key}={value}"]
    return opts


def fetch():
    src = f"{W}/src"
    if os.path.exists(f"{src}/done"):
        return
    shutil.rmtree(src, ignore_errors=True)
    os.makedirs(src)
    opts = apt_options()
    sh(["apt-get", *opts, "-q", "update"])
    sh(["apt-get", *opts, "-q", "source", "--download-only", *PACKAGES], src)
    for dsc in sorted(glob.glob(f"{src}/*.dsc")):
        name = os.path.basename(dsc).partition("_")[0]
        sh(["dpkg-source", "--no-check", "-x", dsc,
            f"{src}/{TREES.get(name, name)}"])
    open(f"{src}/done", "w").close()


def version(name):
    dsc = glob.glob(f"{W}/src/{name}_*.dsc")[0]
    with open(dsc) as f:
        return re.search(r"^Version: (\S+)", f.read(), re.M).group(1)


# ---- building on the host ----

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
    v = version("bmake").partition("-")[0]
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
    tree = f"{W}/host/{name}"
    if not os.path.exists(f"{tree}/.built"):
        print(f"world: building {name}", flush=True)
        shutil.rmtree(tree, ignore_errors=True)
        shutil.copytree(f"{W}/src/{name}", tree, symlinks=True)
        sh(cmd, tree, f"{tree}/world.log")
        open(f"{tree}/.built", "w").close()
    return f"{tree}/{binary}"


# ---- the tree ----

def put(path, src):
    to = f"{W}/root/{path}"
    os.makedirs(os.path.dirname(to), exist_ok=True)
    if os.path.isdir(src):
        shutil.copytree(src, to, dirs_exist_ok=True, symlinks=True)
    else:
        shutil.copy(src, to)


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
    shutil.rmtree(root, ignore_errors=True)
    for d in ("bin", "dev", "proc", "tmp", "etc", "root", "src", "mnt"):
        os.makedirs(f"{root}/{d}")
    put("bin/busybox", "/bin/busybox")
    for applet in sh(["/bin/busybox", "--list"]).split():
        if applet != "busybox":
            os.symlink("busybox", f"{root}/bin/{applet}")
    for name in BUILDS:
        if os.path.lexists(f"{root}/bin/{name}"):
            os.remove(f"{root}/bin/{name}")
        put(f"bin/{name}", build(name))
        sh(["strip", f"{root}/bin/{name}"])
    put("usr/lib/tcc/libtcc1.a", f"{W}/host/tcc/libtcc1.a")
    put("usr/lib/tcc/include", f"{W}/host/tcc/include")
    put(f"usr/include/{TRIPLET}", f"/usr/include/{TRIPLET}")
    for f in ("libc.a", "crt1.o", "crti.o", "crtn.o", "libm.a", "libdl.a",
              "libpthread.a"):
        put(f"usr/lib/{TRIPLET}/{f}", f"/usr/lib/{TRIPLET}/{f}")
    for name in ("lua", "tcc", "make", "dash"):
        put_source(name)
    no_alias()
    for name, line in (("passwd", "root:x:0:0:root:/root:/bin/sh"),
                       ("group", "root:x:0:")):
        with open(f"{W}/root/etc/{name}", "w") as f:
            f.write(line + "\n")
    for path in ("init", "bin/cc", "bin/bulk", "bin/programs", "etc/inittab",
                 "etc/profile"):
        put(path, f"tests/world/{os.path.basename(path)}")
    for path in glob.glob("tests/world/suite*"):
        put(f"usr/lib/suites/{os.path.basename(path)}", path)
    for prog in ("cowstorm", "forktree"):
        put(f"bin/{prog}", f"{user}/{prog}")


def archive(out):
    root, data, ino = f"{W}/root", [], 0
    names = []
    for d, dirs, files in os.walk(root):
        names += [os.path.relpath(os.path.join(d, n), root)
                  for n in dirs + files]
    for name in sorted(names):
        st = os.lstat(f"{root}/{name}")
        ino += 1
        if stat.S_ISLNK(st.st_mode):
            body = os.readlink(f"{root}/{name}").encode()
        elif stat.S_ISREG(st.st_mode):
            with open(f"{root}/{name}", "rb") as f:
                body = f.read()
        else:
            body = b""
        data.append(record(ino, name, st.st_mode, body, MTIME))
    with open(out, "wb") as f:
        f.write(b"".join(data))
        f.write(record(0, "TRAILER!!!", 0, b""))


def contents():
    def installed(p):
        return sh(["dpkg-query", "-W", "-f=${Package} ${Version}", p])

    yield (f"world: {installed('busybox-static')} as packaged, "
           f"{installed('musl-dev')} headers and libraries")
    for p in PACKAGES:
        name = TREES.get(p, p)
        size = os.path.getsize(f"{W}/root/bin/{name}")
        tree = ", source tree" if os.path.isdir(f"{W}/root/src/{name}") else ""
        yield f"world: {p} {version(p)}, static, {size >> 10} KiB{tree}"
    size = os.path.getsize(f"{W}/world.cpio")
    yield f"world: build/world/world.cpio, {size >> 10} KiB"


def main(user):
    os.makedirs(f"{W}/host", exist_ok=True)
    fetch()
    populate(user)
    archive(f"{W}/world.cpio")
    with open(f"{W}/contents", "w") as f:
        f.write("".join(line + "\n" for line in contents()))


if __name__ == "__main__":
    main(sys.argv[1])

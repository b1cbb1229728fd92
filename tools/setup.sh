#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# setup.sh: install the Debian packages that the build, the runs and the tests
# need and that are not there yet.  "setup.sh world": what make world and make
# others need too.
set -eu

packages="gcc make binutils libc6-dev python3 qemu-system-x86
    grub-pc-bin grub-common xorriso mtools busybox-static universal-ctags
    clang clang-19 clang-format sparse git patch spin gdb"

if [ "${1:-}" = world ]; then
	packages="$packages musl-tools dpkg-dev autoconf automake autopoint
	    gettext pkg-config tcl"
fi
missing=
for p in $packages; do
	dpkg-query -W -f='${Status}' "$p" 2>/dev/null |
	    grep -q 'install ok installed' || missing="$missing $p"
done
if [ -z "$missing" ]; then
	echo "setup: nothing missing"
	exit 0
fi
echo "setup: installing$missing"
if [ "$(id -u)" -ne 0 ]; then
	sudo=sudo
else
	sudo=
fi
$sudo apt-get update -qq
# shellcheck disable=SC2086
$sudo env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends $missing

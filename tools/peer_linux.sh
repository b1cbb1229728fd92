#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# peer_linux.sh DIR: fetch Debian's cloud kernel package and leave its image as
# DIR/vmlinuz, the peer of make bench.  Nothing is installed on this machine.
set -eu
dir=$1
[ -f "$dir/vmlinuz" ] && exit 0
mkdir -p "$dir/pkg"
pkg=$(apt-cache depends linux-image-cloud-amd64 |
    awk '/Depends:/ { print $2; exit }')
[ -n "$pkg" ] || { echo "peer_linux: apt-get update first" >&2; exit 1; }
(cd "$dir/pkg" && apt-get download -qq "$pkg")
dpkg -x "$dir"/pkg/"$pkg"_*.deb "$dir/pkg/x"
cp "$dir"/pkg/x/boot/vmlinuz-* "$dir/vmlinuz"
rm -rf "$dir/pkg"
echo "peer_linux: $pkg"

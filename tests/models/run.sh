#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# run.sh                      every model: the protocol must hold, each
#                             historical variant must fail
# run.sh MODEL.pml [-DFLAG]   one exhaustive search: verdict and state count
# Needs the packages spin and gcc.
set -u
here=$(cd "$(dirname "$0")" && pwd)

search() { # search MODEL FLAGS...
	local work; work=$(mktemp -d)
	cp "$here/$1" "$work/model.pml"
	(cd "$work" && spin -a "${@:2}" model.pml >spin.log 2>&1 ||
	    cat spin.log
	 gcc -O2 -DSAFETY -DCOLLAPSE -DMEMLIM=4000 -o search pan.c 2>/dev/null &&
	    ./search -m2000000 -w26) 2>&1 | grep -E \
	    'assertion viol.*at depth|invalid end state.*at depth|errors:|states, stored|not completed|max search|syntax error'
	rm -rf "$work"
}

if (($# > 0)); then
	search "$@"
	exit
fi

bad=0 n=0
expect() { # expect PASS|FAIL MODEL FLAGS...
	local want=$1 got said states; shift
	said=$(search "$@")
	states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' <<<"$said")
	case $said in
	*"errors: 0"*) got=PASS ;;
	*"errors:"*) got=FAIL ;;
	*) got=BROKEN ;;
	esac
	n=$((n + 1))
	if [[ $got == "$want" ]]; then
		echo "ok $n model: $* $got, $states states"
	else
		echo "not ok $n model: $* $got, expected $want"
		bad=1
	fi
}

expect PASS shadowlist.pml
expect FAIL shadowlist.pml -DHIST
expect FAIL shadowlist.pml -DHIST -DLINKSONLY
for m in chain siblings; do
	expect PASS $m.pml
	for v in UP WALK ORDER; do expect FAIL $m.pml -DHIST_$v; done
done
expect PASS cachelock.pml
for v in HOLD ABBA; do expect FAIL cachelock.pml -DHIST_$v; done
expect PASS pip.pml
for v in BARE WAKEONE; do expect FAIL pip.pml -DHIST_$v; done
expect PASS swap.pml
for v in LEAK RESONLY NOSTORE; do expect FAIL swap.pml -DHIST_$v; done
expect PASS shadow.pml
for v in FLAGS COUNT; do expect FAIL shadow.pml -DHIST_$v; done
expect PASS split.pml
for v in RA PART; do expect FAIL split.pml -DHIST_$v; done
expect PASS objcache.pml
for v in REVIVE HASH; do expect FAIL objcache.pml -DHIST_$v; done
exit $bad

# SPDX-License-Identifier: BSD-2-Clause
# What of vm/ do the host tests and the laboratory reach?  Both are built anew
# without optimisation, so that the branches are those of the source.
# COVARGS=--lines names each line and branch that neither reaches.
COVSECS	?= 60

$(B)/cov/lab: FORCE
	$(Q)$(MAKE) -s B=$(B)/cov LAB_XFLAGS="$(COVFLAGS) -UDEBUG \
	    -DDEBUG=2 -w" LAB_XLINK="$(COVFLAGS)" $@
.PHONY: FORCE
FORCE:

.PHONY: coverage
coverage: $(B)/host-cov/htest $(B)/cov/lab $(B)/lab
	$(PYTHON) tests/coverage.py --build $(B) --secs $(COVSECS) $(COVARGS)

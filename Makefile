# make demo and make test do all the set-up themselves, on a fresh Debian or Ubuntu machine.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
# Each process has a lab of its own. A few tests at a time: they take from a millisecond to two minutes.
BESIDE := --numprocesses=auto --maxprocesses=4 --dist=load --maxschedchunk=4
SHELL_SCRIPTS = $(shell find cgctl drivers tests -name '*.sh' | sort)
PERL_SCRIPTS = $(shell find cgctl drivers tests -name '*.pl' | sort)

.PHONY: help demo test quick soak bench debian-packages machine-image lint lint-types lint-shell lint-perl lock clean

help:
	@echo 'make demo    the life of a group on this machine: no root, under a minute after the installation'
	@echo 'make test    everything; as root with the lab of real servers (tests/lab installs its Debian packages)'
	@echo 'make quick   what needs neither root nor the lab'
	@echo 'make soak    the long form of the tests: hundreds of group snapshots under load'
	@echo 'make bench   how long commands take'
	@echo 'make lint    ruff, mypy --strict, shellcheck, perl -c'
	@echo 'make lock    write requirements.lock anew, with the newest versions'
	@echo 'make clean   remove what the targets above made'

demo: $(VENV)/.installed
	@$(BIN)/cgctl demo

test: $(VENV)/.installed debian-packages machine-image
	$(PYTEST) $(BESIDE)

quick: $(VENV)/.installed
	$(PYTEST) $(BESIDE) -m 'not lab'

# Holds once more where udevd looks at every device, as on users' servers.
UNDER_SYSTEMD := tests/contract/test_lvm.py tests/e2e/test_write_order.py tests/e2e/test_hold.py

soak: $(VENV)/.installed debian-packages machine-image
	CGCTL_SOAK=1 $(PYTEST) $(BESIDE) --timeout=7200
	CGCTL_SOAK=1 CGCTL_VM_SYSTEMD=1 $(PYTEST) --timeout=7200 -m vm $(UNDER_SYSTEMD)

bench: $(VENV)/.installed debian-packages
	$(BIN)/python -m tests.bench

# What the lab and the tests of login shells need; without root those parts say why they are left out.
debian-packages: $(VENV)/.installed
	@[ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || \
		$(BIN)/python -c 'from tests.lab import packages; packages.install_missing()'

# One to three minutes, once. Here and not when a test asks for it: the lab has then moved the tests to where no mirror is.
# What it cannot build, the tests say.
machine-image: $(VENV)/.installed debian-packages
	-@[ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || $(BIN)/python -m tests.lab vm build

lint: $(VENV)/.installed lint-types lint-shell lint-perl
	$(BIN)/ruff check
	$(BIN)/ruff format --check

lint-types: $(VENV)/.installed
	$(BIN)/mypy --strict cgctl drivers tests

lint-shell: $(VENV)/.installed
	$(BIN)/shellcheck -s sh $(SHELL_SCRIPTS)
	$(BIN)/shellcheck .ci/run

# The files of an export server, of a backup, or of replication, are one program when they run: the others have their `use strict` from
# the first.
lint-perl:
	set -e; for script in $(PERL_SCRIPTS); do perl -c "$$script"; done
	cd drivers/backups && for script in send.pl read.pl; do cat crew.pl $$script | perl -c -; done
	cd drivers/backends/scripted && cat ship.pl take.pl | perl -c -
	cd drivers/exports && cat server.pl iscsi_tgt/tgtd.pl iscsi_tgt/exports.pl | perl -c -
	cd drivers/exports && cat server.pl nfs_kernel/volume.pl nfs_kernel/nfsd.pl nfs_kernel/exports.pl | perl -c -

# The state of the virtual environment: made anew when the dependencies change.
$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
		[ "$$(id -u)" = 0 ] || { echo 'python3-venv is missing: apt-get install python3-venv' >&2; exit 1; }; \
		{ apt-get install -y python3-venv || { apt-get update && apt-get install -y python3-venv; }; } >&2; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# From an empty environment. Versions only: wheels, so hashes, differ by machine.
lock:
	rm -rf $(VENV)-lock
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet '.[dev,postgresql]'
	$(VENV)-lock/bin/python -m pip list --format=freeze --exclude pip --exclude cgctl > requirements.lock
	rm -rf $(VENV)-lock

clean:
	rm -rf $(VENV) $(VENV)-lock build cgctl.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis tests/bench/out
	find cgctl drivers tests -name __pycache__ -type d -prune -exec rm -rf {} +

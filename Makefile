# parkedge. `make demo` shows it, `make check` is what CI runs; each sets up what it needs.
#   ARGS="..." goes to what is run:  make test ARGS="-k demand"    make bench ARGS=--json
#   PY=...     another Python, 3.11 or newer:  make setup PY=python3.12

PY   ?= python3
BIN  := .venv/bin
ARGS ?=
export PATH := $(CURDIR)/.cache/bin:$(PATH)

# MicroPython's standard library for the type checker, exact: what judges the code must not drift.
STUBS := micropython-rp2-stubs==1.29.0.post1 micropython-stdlib-stubs==1.29.0.post2

.DELETE_ON_ERROR:
.PHONY: help setup demo test lint types types-host types-core check bench toolchain clean

help:
	@echo "make demo | test | lint | types | check | bench | setup | clean   (see the Makefile)"

setup: .venv/dev.stamp

demo: .venv/demo.stamp
	@$(BIN)/python -m hil demo $(ARGS)

test: .venv/dev.stamp toolchain
	$(BIN)/python -m pytest $(ARGS)

lint: .venv/dev.stamp
	$(BIN)/ruff check .

types: types-host types-core

types-host: .venv/dev.stamp
	$(BIN)/mypy

types-core: .venv/dev.stamp .cache/typings.stamp
	$(BIN)/pyright --warnings

check: lint types test

bench: .venv/dev.stamp toolchain
	@$(BIN)/python -m hil bench $(ARGS)

# Without a tool the tests that need it are skipped, and say so; in CI that is a failure.
toolchain: .venv/dev.stamp
	@$(BIN)/python tools/toolchain.py || test "$$CI" != true

clean:
	rm -rf .venv .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	find . -name __pycache__ -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	{ echo "parkedge needs Python 3.11 or newer; name one: make $(MAKECMDGOALS) PY=python3.12" >&2; exit 1; }
	@$(PY) -c 'import ensurepip, venv' 2>/dev/null || \
	{ echo "$(PY) cannot make a .venv; install it: sudo apt-get install python3-venv" >&2; exit 1; }
	@echo "making .venv ..."
	@$(PY) -m venv .venv

# Each stamp is newer than the list of packages it stands for. Order-only: Python itself may be old.
.venv/demo.stamp: pyproject.toml | $(BIN)/python
	@echo "installing what the demo needs ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[demo]'
	@touch $@

.venv/dev.stamp: pyproject.toml | $(BIN)/python
	@echo "installing the development tools (a minute or two the first time) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,cloud,demo]'
	@touch .venv/demo.stamp $@

.cache/typings.stamp: Makefile | .venv/dev.stamp
	@rm -rf .cache/typings && mkdir -p .cache
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --target .cache/typings $(STUBS)
	@touch $@

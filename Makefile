# What a contributor does. `make help` lists it; everything works from a clean clone with only
# Python 3.10+ (PYTHON=...) and a C compiler.

PYTHON ?= python3
PORT ?= 8080
VENV ?= .venv
# More arguments for pytest: make test ARGS="-k echo -x"
ARGS ?=
# Further Python versions that `make test-all` tests, each in an environment of its own.
VERSIONS ?= 3.10 3.12 3.13
# The tests' event loop: asyncio, uvloop, eager or pytasks (tests/loops.py tells).
export LOOP ?= asyncio
# The tests start many interpreters, which are slow to start without bytecode.
unexport PYTHONDONTWRITEBYTECODE
# How many times the usual number of examples `make fuzz` tries.
FUZZ ?= 50
# How many connections each part of `make soak` opens, uses and closes.
SOAK ?= 100000

PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check
JOBS := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
EDITABLE := AIOHTTP_WS_ONLY=- PYTHONWARNINGS=ignore $(PIP) --no-build-isolation --editable
BUILD_REQUIRES := "setuptools>=77" "Cython>=3.1,<4"
NODE_PEER := tests/interop/node

PYX := $(shell find aiohttp_ws -name '*.pyx')
GENERATED := $(PYX:.pyx=.c)
COMPILED_FROM := setup.py $(PYX) $(shell find aiohttp_ws -name '*.pxd' -o -name '*.h') \
	$(filter-out $(GENERATED),$(shell find aiohttp_ws -name '*.c'))
# What a stub leaves out is internal: mypy fails where another module imports it.
STUBS := $(PYX:.pyx=.pyi)
STUBTEST := --ignore-missing-stub --ignore-disjoint-bases --allowlist tests/stubtest_allowlist.txt

.DEFAULT_GOAL := help
.PHONY: help run test test-all lint format bench docs conformance libraries fuzz sanitize soak build clean
.DELETE_ON_ERROR:

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

run: $(VENV)/.built ## build, start the chat and print its address (PORT=8080)
	@PORT=$(PORT) $(PY) examples/chat/server.py

build: $(VENV)/.built ## compile the extension modules in place

test: $(VENV)/.built $(VENV)/.test-deps $(NODE_PEER)/node_modules/.installed ## run the tests (ARGS="-k name", LOOP=uvloop)
	$(PY) -m pytest $(ARGS)

test-all: ## run the tests on every other Python that is here (VERSIONS="3.10 3.12 3.13")
	@tested=0; for version in $(VERSIONS); do \
	  if python=$$(.ci/find-python $$version); then \
	    echo "== Python $$version"; \
	    $(MAKE) --no-print-directory test VENV=.venv-$$version PYTHON="$$python" || exit 1; \
	    tested=$$((tested + 1)); \
	  else echo "== Python $$version is not installed here: not tested"; fi; \
	done; \
	if [ $$tested = 0 ]; then echo "none of Python $(VERSIONS) found"; exit 1; fi

lint: $(VENV)/.built $(VENV)/.test-deps $(VENV)/.lint-deps ## ruff (lint and format), mypy --strict, and the stubs against what is compiled
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy --strict aiohttp_ws
	$(PY) -m mypy.stubtest --concise $(STUBTEST) $(subst /,.,$(STUBS:.pyi=))

format: $(VENV)/.lint-deps ## let ruff sort imports and format
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

docs: $(VENV)/.built $(VENV)/.test-deps $(VENV)/.docs-deps ## build the documentation; a warning is an error
	$(PY) -m sphinx -q -W --keep-going -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

conformance: $(VENV)/.built ## the Autobahn test suite, both ends of each API (FULL=1: every case, and docs/conformance.rst)
	$(PY) -m tests.conformance $(if $(FULL),--full)

libraries: $(VENV)/.built ## suites of packages that need aiohttp or websockets, on those and on this (FULL=1: all, and docs/guide/libraries.rst)
	$(PY) -m tests.libraries $(if $(FULL),--full) $(ARGS)

fuzz: $(VENV)/.built $(VENV)/.test-deps ## the property tests, with FUZZ=50 times the examples
	FUZZ=$(FUZZ) $(PY) -m pytest -m hypothesis $(ARGS)

sanitize: ## the compiled modules' tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) --silent --no-print-directory .venv-sanitize/.test-deps VENV=.venv-sanitize
	@.venv-sanitize/bin/python .ci/sanitize.py $(ARGS)

soak: $(VENV)/.built $(VENV)/.test-deps ## SOAK=100000 connections in each API; no process may grow
	$(PY) -m tests.soak $(SOAK) $(ARGS)

bench: ## the side-by-side benchmark against a C floor and the peers (see benchmarks/README.rst)
	@$(MAKE) --no-print-directory .venv-bench/.bench-deps VENV=.venv-bench
	@benchmarks/run .venv-bench/bin/python

clean: ## remove environments, builds and reports
	rm -rf .venv .venv-* build dist *.egg-info docs/_build tests/conformance/reports $(NODE_PEER)/node_modules
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find aiohttp_ws -name '*.so' -delete
	rm -f $(GENERATED)
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- stamps: a second `make test` installs and compiles nothing ----

$(VENV)/.created:
	@echo "creating $(VENV) with $(PYTHON)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "aiohttp_ws needs Python 3.10 or later: set PYTHON=")'
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --upgrade pip $(BUILD_REQUIRES)
	@touch $@

# The metadata, the dependencies and a link to this folder; AIOHTTP_WS_ONLY=- compiles nothing yet.
# The warning that is silenced tells of folders named as the package: there is one, on purpose.
$(VENV)/.installed: $(VENV)/.created pyproject.toml
	@echo "installing aiohttp_ws (editable)"
	@$(EDITABLE) .
	@touch $@

$(VENV)/.built: $(VENV)/.installed $(COMPILED_FROM)
	@echo "compiling the extension modules"
	@$(PY) setup.py -q build_ext --inplace --parallel $(JOBS)
	@touch $@

$(VENV)/.%-deps: $(VENV)/.installed
	@echo "installing what $* needs"
	@$(EDITABLE) ".[$*]"
	@touch $@

$(VENV)/.bench-deps: $(VENV)/.built benchmarks/requirements.txt
	@echo "installing the peers to measure against"
	@$(PIP) -r benchmarks/requirements.txt
	@touch $@

# Node's ws is a peer of the interop tests; without npm those tests are skipped and say why.
$(NODE_PEER)/node_modules/.installed: $(NODE_PEER)/package.json
	@mkdir -p $(@D)
	@if command -v npm >/dev/null 2>&1; then \
	  npm install --prefix $(NODE_PEER) --no-audit --no-fund --no-package-lock --loglevel=error \
	    && touch $@ || echo "npm could not install ws: its tests are skipped"; \
	fi

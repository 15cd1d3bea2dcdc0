# The two commands are `make serve` and `make test`; the rest is for work on Kerma itself.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
JOBS ?= 2
FUZZ ?= 3600

.PHONY: help serve test venv compiled peers shape lint unit plain corpus interop fuzz format tables bench bench-quick soak-crash soak-fuzz clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

# -- set-up ------------------------------------------------------------------------------------------------------------

TWIN := hatch_build.py tools/twin.py src/kerma/encoding/loops.py src/kerma/encoding/rows.py src/kerma/encoding/raw.pxd

$(BIN)/kerma: pyproject.toml constraints.txt $(TWIN)
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install Python 3.11 or newer, or call make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Kerma needs Python 3.11 or newer; make PYTHON=python3.12 takes another one" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Setting up $(VENV) ..."
	@$(INSTALL) --editable '.[pixels,video]' || { \
	  echo "What makes pictures (numpy, imagecodecs, pillow, av) cannot be installed here: going on without rendering" >&2; \
	  $(INSTALL) --editable .; }
	@touch $(BIN)/kerma

$(VENV)/.test: $(BIN)/kerma
	@echo "Adding what the tests need ..."
	@$(INSTALL) --editable '.[test,lint,bench]'
	@touch $@

venv: $(VENV)/.test ## set up .venv with everything that tests need

compiled: venv ## build the compiled scan and say why where that fails (make does it quietly where it can)
	@$(BIN)/python tools/twin.py && $(BIN)/kerma --version

peers: ## install the real peers that interop tests talk to (root on Debian), or say which are missing
	@bash tools/peers.sh $(PEERS)

# -- run ---------------------------------------------------------------------------------------------------------------

serve: $(BIN)/kerma ## run the archive on loopback (ARGS="--data DIR ..." for more)
	@exec $(BIN)/kerma serve $(ARGS)

# -- test --------------------------------------------------------------------------------------------------------------

test: venv peers ## the whole suite: shape, lint and types, unit, corpus, interop, a short fuzz
	@$(MAKE) --no-print-directory shape lint unit plain corpus interop fuzz

shape: venv ## import matrix, circles, sizes
	@$(PYTEST) tests/shape -q

lint: venv ## ruff, mypy --strict, and pyright --strict on what users see
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/basedpyright

unit: venv ## unit and property tests
	@$(PYTEST) tests -q -n $(JOBS) --ignore tests/shape --ignore tests/corpus --ignore tests/interop --ignore tests/fuzz -m "not soak"

plain: venv ## what reads and writes bytes, once more without the compiled scan
	@KERMA_PLAIN=1 $(PYTEST) tests/encoding tests/dataset tests/formats tests/bugs tests/fuzz/test_fuzz_scan.py -q -n $(JOBS) -m "not soak"

corpus: venv ## every public file of the corpus (KERMA_CORPUS)
	@$(PYTEST) tests/corpus -q -n $(JOBS) -m "not soak"

interop: venv ## real peers as processes on loopback
	@$(PYTEST) tests/interop -q -n $(JOBS) -m "not soak"

fuzz: venv ## a minute of fuzzing: files, JSON, DICOMDIR, PDUs, command sets
	@$(PYTEST) tests/fuzz -q -n $(JOBS) -m "not soak"
	@KERMA_FUZZ_JOBS=$(JOBS) $(BIN)/python -m tests.fuzz.atheris_all 60

soak-fuzz: venv ## the same for an hour (FUZZ=seconds), what is learnt kept in fuzz-work
	@KERMA_FUZZ_JOBS=$(JOBS) KERMA_FUZZ_WORK=fuzz-work $(BIN)/python -m tests.fuzz.atheris_all $(FUZZ)

soak-crash: venv ## 200 kills while four associations store (long)
	@$(PYTEST) tests/interop -q -m soak -k crash

# -- work --------------------------------------------------------------------------------------------------------------

format: venv ## let ruff mend what it can
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

bench: venv ## Kerma and its peers side by side: tables and plots in bench/out
	@bash tools/peers.sh bench
	@$(BIN)/python -m bench.run

bench-quick: venv ## the same in about a minute
	@bash tools/peers.sh bench
	@$(BIN)/python -m bench.run --quick

clean: ## remove what make made
	@rm -rf $(VENV) bench/out .mypy_cache .ruff_cache .hypothesis

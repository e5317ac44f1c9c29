# Needs Python 3.11 or newer and make; everything else goes into .venv. Another Python: make PYTHON=python3.13 demo

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
JOBS ?= auto
MARKETS ?= 3000

VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
# Rooms are named one by one: ruff follows no links, and finds their package only below src/.
CODE := src $(wildcard src/jointbid/*/) tests tools benchmarks

# Without the compiled files each of hundreds of processes would compile every module, and pytest every test.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test test-all test-browser test-cluster lint format types unit long wheel docs snippets notebooks curves blocks sweep golden bench bench-study findings clean

# Tests of the long half; `make test` runs the others. The cluster's have a target of their own.
LONG := slow or coverage

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.installed  ## set up, then answer the main question for the default scenario
	$(BIN)/jointbid value

test: lint  ## the quick half: format, lint, types, and all tests but the long ones
	$(MAKE) --jobs 2 types unit
	@echo "make test: all passed"

test-all: long docs $(VENV)/.installed-browser  ## the long half: slow tests, docs and their site, walks, wheel, browser, cluster
	$(MAKE) --jobs 2 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target) wheel test-browser
	$(MAKE) test-cluster
	@echo "make test-all: all passed"

lint: $(VENV)/.installed-dev  ## formatting and ruff's rules
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)

format: $(VENV)/.installed-dev  ## put the formatting right
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

types: $(VENV)/.installed-dev  ## mypy, strict
	$(BIN)/mypy

unit: $(VENV)/.installed-dev  ## the quick tests, on all cores
	$(BIN)/pytest -n $(JOBS) --dist worksteal -m "not ($(LONG) or cluster)"

long: $(VENV)/.installed-dev  ## the long tests, on all cores; README and docs/ among them
	$(BIN)/pytest -n $(JOBS) --dist worksteal -m "($(LONG)) and not cluster"

notebooks: $(VENV)/.installed-dev  ## run docs/notebooks again and keep what they show; read the diff
	$(BIN)/python -m tools.notebooks

curves: $(VENV)/.installed-dev  ## draw the policies' curves in docs/strategies again
	$(BIN)/python -m tools.bid_curves docs/strategies

wheel: $(VENV)/.installed-dev  ## build the wheel and use it in a clean environment, outside the checkout
	.ci/wheel $(BIN)/python

test-browser: $(VENV)/.installed-browser  ## the pages in Chromium, from disk, without a network
	.ci/browser $(BIN)/python

test-cluster: $(VENV)/.installed-ray  ## a Ray cluster of two nodes on this machine, one of which is killed in mid-study
	$(BIN)/pytest -m cluster tests/cluster

docs: $(VENV)/.installed-docs  ## build the docs site into site/, strictly; needs no network
	NO_MKDOCS_2_WARNING=1 PYTHONPATH=. $(BIN)/mkdocs build --quiet

snippets: $(VENV)/.installed-dev  ## run every snippet of README and docs/
	$(BIN)/pytest tests/docs

blocks: $(VENV)/.installed-dev  ## 3,000 drawn markets, bit for bit, for all block sizes (make MARKETS=... blocks)
	JOINTBID_MARKETS=$(MARKETS) $(BIN)/pytest -n $(JOBS) -o faulthandler_timeout=7200 tests/sim/test_blocks.py

sweep: $(VENV)/.installed-dev  ## 10,000 cells of a sweep, killed and resumed, against an uninterrupted run
	JOINTBID_SWEEP_POINTS=460 $(BIN)/pytest tests/experiments/test_scale.py -k goes_on_after

golden: $(VENV)/.installed-dev  ## write the traces in tests/golden again; read the diff
	PYTHONPATH=. $(BIN)/python tests/golden/test_golden.py

bench: $(VENV)/.installed-dev  ## auctions per second and memory
	$(BIN)/pytest benchmarks --benchmark-enable -s

bench-study: $(VENV)/.installed-dev  ## time and memory of the driver beside the cells, two cores against one
	$(BIN)/python benchmarks/bench_study.py

findings: $(VENV)/.installed  ## run the studies of docs/findings.md and write it again; read the diff
	$(BIN)/python -m tools.findings

clean:  ## remove caches and builds; keeps .venv and results
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps, so that a second run installs nothing.
$(VENV)/bin/python:
	@$(or $(PYTHON),false) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "jointbid needs Python 3.11 or newer. Install it, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) --editable .
	touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) --editable '.[dev]'
	touch $(VENV)/.installed $@

$(VENV)/.installed-browser: $(VENV)/.installed-dev
	$(INSTALL) --editable '.[dev,browser]'
	touch $@

$(VENV)/.installed-docs: $(VENV)/.installed-dev
	$(INSTALL) --editable '.[dev,docs]'
	touch $@

$(VENV)/.installed-ray: $(VENV)/.installed-dev
	$(INSTALL) --editable '.[dev,ray]'
	touch $@

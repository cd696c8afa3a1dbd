# Every command of the repository; `make help` lists them. Only Python 3.11 or later is needed:
# the first command makes .venv and installs everything into it, later ones find it there.

PYTHON ?= python3
VENV ?= .venv
PEERS ?= .venv-peers
LOWEST ?= .venv-lowest
NEWEST ?= .venv-newest
SCALE ?= .venv-scale

RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip --quiet --disable-pip-version-check --require-virtualenv
READY := $(VENV)/.installed
# Two more than there are processors: many tests wait for a clock, a socket or another process.
WORKERS := $(shell $(PYTHON) -c 'import os; print(min(os.cpu_count() or 1, 8) + 2)')
TESTS := -m pytest --quiet -n $(WORKERS) --dist worksteal
PYTEST := $(RUN) $(TESTS)
RECORD := $(RUN) -m pytest --quiet -m vcr --record-mode=rewrite --force-enable-socket \
	-W 'ignore:Benchmark fixture was not used'
COMPILED := .pytest_cache/compiled
TYPES := .pytest_cache/types.txt
SUITES := build/cassettes
# What depends on the versions of what is installed, so what runs on both ends of the bounds.
SUITE_FOLDERS := tests/unit tests/conformance tests/promises

# Every process of the tests would compile anew what the first one has compiled.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test lint types mypy pyright ty unit conformance attack bench compare fault-matrix load scale contract lowest newest dist dist-check record docs notebooks \
  sandbox format

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## see NanoGPT work in LangChain and LlamaIndex (offline, or with NANOGPT_API_KEY)
	@$(RUN) -m cookbook.demo

test: $(READY) lint ## lint, types and all tests, with coverage
	@$(RUN) -m coverage erase
	@mkdir -p $(dir $(TYPES))
	@# Types are checked beside the tests, many of which wait; what is found is shown after them.
	@$(MAKE) --no-print-directory types > $(TYPES) 2>&1 & checker=$$!; \
	$(MAKE) --no-print-directory $(COMPILED); \
	$(RUN) -m coverage run $(TESTS) --durations=25 --durations-min=5; failed=$$?; \
	wait $$checker || failed=1; cat $(TYPES); exit $$failed
	@$(RUN) -m coverage combine --quiet
	@$(RUN) -m coverage report

lint: $(READY) ## style and format, by ruff
	@$(RUN) -m ruff check --quiet
	@$(RUN) -m ruff format --check --quiet --output-format concise || { echo "Unformatted files: run make format"; exit 1; }
	@echo "lint: clean"

types: $(READY) ## types, by mypy --strict; what users write, by pyright and ty as well
	@$(MAKE) --no-print-directory --jobs 2 mypy pyright ty

mypy: $(READY)
	@$(RUN) -m mypy

pyright: $(READY)
	@$(RUN) -m pyright --pythonpath $(RUN)

ty: $(READY)
	@$(RUN) -m tests.support.ty

# pytest compiles tests itself, which takes longer than to load them. One process does so before the
# workers start; otherwise each of them would.
$(COMPILED): $(READY) $(shell find tests -name '*.py')
	@$(RUN) -m pytest --collect-only -qq > /dev/null || true # the tests will say what is wrong
	@mkdir -p "$(@D)" && touch "$@"

unit: $(READY) ## all tests without coverage; one folder: make unit ARGS=tests/sandbox
	@$(PYTEST) $(ARGS)

conformance: $(READY) ## run LangChain's own suites, against the sandbox and from cassettes, and count
	@$(PYTEST) -rsx tests/conformance/langchain/test_standard_*.py
	@rm -rf $(SUITES)
	@$(RECORD) --cassette-dir=$(SUITES) tests/conformance/langchain/test_standard_cassettes.py
	@$(PYTEST) --cassette-dir=$(SUITES) tests/conformance/langchain/test_standard_cassettes.py

bench: $(READY) $(PEERS)/.installed ## measure ours and other integrations side by side (some minutes)
	@$(RUN) -m tests.benchmarks --peers $(PEERS)/bin/python $(ARGS)

compare: $(READY) $(PEERS)/.installed ## write the tables that compare ours with other integrations
	@$(RUN) -m tests.peers $(PEERS)/bin/python

load: $(READY) ## many calls at once: rate limits, few file descriptors, thousands of streams (minutes)
	@$(RUN) -m tests.faults.load $(ARGS)

scale: $(SCALE)/.installed ## jobs on a local Ray: throughput, memory, killed workers (minutes; installs 1 GB)
	@$(SCALE)/bin/python -m tests.scale $(ARGS)

attack: $(READY) ## hostile servers, full disks, closing connections: each row with its figures (minutes)
	@$(RUN) -m tests.faults.attack $(ARGS)

fault-matrix: $(READY) ## run every caller against every fault; fails on a double send or silent success
	@$(RUN) -m tests.faults.matrix

contract: $(READY) ## check every example of NanoGPT's documentation, and count: sent, read, left out
	@$(RUN) -m tests.conformance.contract

lowest: $(LOWEST)/.installed ## run the suites with the lowest versions that pyproject.toml allows
	@$(LOWEST)/bin/python $(TESTS) $(SUITE_FOLDERS)

newest: $(NEWEST)/.installed ## run the suites with the newest versions that pyproject.toml allows
	@$(NEWEST)/bin/python $(TESTS) $(SUITE_FOLDERS)

dist: $(READY) ## build what a release publishes into dist/, a folder for each project
	@$(RUN) -m tests.packaging.release dist $(ARGS)

dist-check: $(READY) ## build, install with each extra into empty environments, and try each (minutes, network)
	@$(RUN) -m tests.packaging $(ARGS)

record: $(READY) ## record the cassettes anew: from the sandbox, and from NanoGPT if NANOGPT_API_KEY is set
	@rm -rf tests/cassettes/sandbox
	@$(RECORD) --cassettes=sandbox
	@if [ -n "$$NANOGPT_API_KEY" ]; then $(RECORD) --cassettes=live; fi

docs: $(READY) ## build the documentation site in build/site; dead links are errors
	@$(RUN) -m cookbook.build_site

notebooks: $(READY) ## run the cookbook's notebooks anew in the sandbox, and keep what they show
	@$(RUN) -m cookbook.execute $(ARGS)

sandbox: $(READY) ## run the offline NanoGPT emulator on this machine
	@$(RUN) -m nanogpt_client.sandbox

format: $(READY) ## let ruff format the code and fix what it can
	@$(RUN) -m ruff check --quiet --fix-only
	@$(RUN) -m ruff format --quiet

# The integrations that ours is measured beside; only what compares needs them.
$(PEERS)/.installed: tests/peers/requirements.txt
	@echo "Installing the other integrations into $(PEERS) (once, about a minute) ..."
	@$(PYTHON) -m venv "$(PEERS)"
	@$(PEERS)/bin/python -m pip --quiet --disable-pip-version-check install --requirement tests/peers/requirements.txt
	@touch "$@"

# Both ends of the bounds. uv resolves, because pip knows no lowest versions. The tools of the tests
# are the lowest as well; of what we ask for, they raise only httpx (langchain-tests), so ours counts.
$(LOWEST)/.installed: pyproject.toml
	@echo "Installing the lowest versions into $(LOWEST) (once, about a minute) ..."
	@$(PYTHON) -m venv --clear "$(LOWEST)"
	@$(LOWEST)/bin/python -m pip --quiet --disable-pip-version-check install uv
	@sed -n 's/^    "\(httpx\)>=\([0-9.]*\),.*/\1==\2/p' pyproject.toml > "$(LOWEST)/httpx.txt"
	@$(LOWEST)/bin/uv pip compile --quiet pyproject.toml --extra all --group pyproject.toml:dev \
	  --resolution lowest-direct --override "$(LOWEST)/httpx.txt" --python $(LOWEST)/bin/python \
	  --output-file "$(LOWEST)/lowest.txt"
	@$(LOWEST)/bin/uv pip install --quiet --python $(LOWEST)/bin/python \
	  --override "$(LOWEST)/httpx.txt" --requirement "$(LOWEST)/lowest.txt" --editable .
	@touch "$@"

$(NEWEST)/.installed: pyproject.toml
	@echo "Installing the newest versions into $(NEWEST) (once, about a minute) ..."
	@$(PYTHON) -m venv --clear "$(NEWEST)"
	@$(NEWEST)/bin/python -m pip --quiet --disable-pip-version-check install uv
	@$(NEWEST)/bin/uv pip install --quiet --python $(NEWEST)/bin/python \
	  --editable '.[all]' --group dev
	@touch "$@"

# Ray, which is large; only what shows jobs at scale needs it.
$(SCALE)/.installed: tests/scale/requirements.txt pyproject.toml
	@echo "Installing Ray and this package into $(SCALE) (once, some minutes) ..."
	@$(PYTHON) -m venv "$(SCALE)"
	@$(SCALE)/bin/python -m pip --quiet --disable-pip-version-check install \
	  --editable '.[langchain,llama-index,redis]' --requirement tests/scale/requirements.txt
	@touch "$@"

# A stamp, so that a second command installs nothing. pip comes first: the one that a fresh
# environment brings may be too old for dependency groups. pip compiles what it installs, but not what
# an editable install points to.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or later is needed; name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3"; exit 1; }
	@echo "Installing into $(VENV) (once, about a minute) ..."
	@$(PYTHON) -m venv "$(VENV)"
	@$(PIP) install --constraint constraints.txt --upgrade pip
	@$(PIP) install --constraint constraints.txt --build-constraint constraints.txt \
	  --editable '.[all]' --group dev
	@$(RUN) -m compileall -q nanogpt_client langchain_nanogpt llama_index_nanogpt
	@touch "$(READY)"

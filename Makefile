# Everything is made in .venv, with the versions of constraints.txt. `make help` lists what there is.
# ARGS goes to the program that a target starts: make run ARGS="play gossip", make test ARGS="-k gossip".

VENV := .venv
PY := $(VENV)/bin/python
ARGS ?=
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# The first Python of 3.11 or newer that is found; PYTHON says which one to take instead.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

.DEFAULT_GOAL := help
.PHONY: help setup run test test-all test-slow fidelity test-terminal lint format types contracts check bench pictures wheel clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | awk -F ':.*## ' '{ printf "make %-15s %s\n", $$1, $$2 }'

setup: $(VENV)/.dev ## .venv with all that developing needs

run: $(VENV)/.run ## open Swarmscope; ARGS="play gossip" goes straight in
	@$(VENV)/bin/swarmscope $(ARGS)

test: $(VENV)/.dev ## the quick tests
	$(PY) -m pytest -n auto --benchmark-disable $(ARGS)

test-all: $(VENV)/.dev ## all tests: the quick, the slow, those of fidelity, those in a terminal
	$(PY) -m pytest -n auto --benchmark-disable -m "" $(ARGS)

test-slow: $(VENV)/.dev ## the slow tests, and those that compare with published figures
	$(PY) -m pytest -n auto --benchmark-disable -m "slow or fidelity" $(ARGS)

fidelity: $(VENV)/.dev ## hold every figure against the published one; the table comes into docs/fidelity.md
	$(PY) -m pytest -q -n auto --benchmark-disable -m fidelity --fidelity-page=docs/fidelity.md $(ARGS)

test-terminal: $(VENV)/.dev ## the program in a real pseudo-terminal
	$(PY) -m pytest -m terminal $(ARGS)

lint: $(VENV)/.dev ## ruff: rules and format
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

format: $(VENV)/.dev ## let ruff mend what it can
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

types: $(VENV)/.dev ## mypy
	$(PY) -m mypy

contracts: $(VENV)/.dev ## who may import whom
	$(VENV)/bin/lint-imports

check: lint types contracts test ## all that a change has to pass before it is committed

bench: $(VENV)/.dev ## the benchmarks; ARGS="--json" for scripts
	@$(PY) -m tests.benchmarks $(ARGS)

pictures: $(VENV)/.dev ## the pictures of the README, from the real screen
	$(PY) docs/make_pictures.py $(ARGS)

wheel: $(VENV)/.dev ## a wheel in dist/
	$(PY) -m build --wheel

clean: ## remove .venv and all that was made
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# .run marks an environment that can run the program, .dev one that can also test it.
$(VENV)/.run: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing what Swarmscope needs into $(VENV) (only this time)"
	@$(PY) -m pip install -qq -c constraints.txt -e . || { echo "$(SORRY)" >&2; exit 1; }
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing what Swarmscope and its tests need into $(VENV) (only this time)"
	@$(PY) -m pip install -qq -c constraints.txt -e '.[dev]' || { echo "$(SORRY)" >&2; exit 1; }
	@touch $(VENV)/.run $@

SORRY = Swarmscope: the packages above could not be installed; once the cause is mended, the same make goes on.

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Swarmscope needs Python 3.11 or newer, and finds none; \
	install one, or say where it is: make setup PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "Swarmscope needs Python 3.11 \
	or newer, and $(PYTHON) is not; say where one is: make setup PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Swarmscope needs Python's venv module, \
	which $(PYTHON) lacks; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); exit 1; }

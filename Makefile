# Every target sets up what it needs. On a new machine: Python 3.11, git and make are enough.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
unexport VIRTUAL_ENV
# Without stored byte code a worker takes three times as long to start, and the tests start many.
unexport PYTHONDONTWRITEBYTECODE

UV_VERSION := 0.13.9
PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' >/dev/null 2>&1 && command -v $$p && break; done)

# A uv on PATH is used when it is new enough, else one of our own from PyPI; never an interpreter from elsewhere.
OWN_UV := .tools/venv/bin/uv
UV ?= $(or $(shell uv --version 2>/dev/null | grep -qE '^uv (0\.([89]|[1-9][0-9])|[1-9][0-9]*)\.' && command -v uv),$(OWN_UV))
export UV_PYTHON_DOWNLOADS := never

BIN := .venv/bin
READY := .venv/.set-up
# Most tests wait for brokers, leases and processes: one more than the cores of a small machine.
WORKERS ?= 3
ARGS ?=

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: $(READY) ## A sample month through the whole pipeline, with simulators (ARGS=--exit ends with the proof)
	$(BIN)/koppeling demo $(ARGS)

.PHONY: test
test: lint pytest ## Lint and all tests (what CI runs)

.PHONY: up
up: $(READY) ## Everything in one terminal: services, streams, worker (ARGS=--simulators adds packages)
	$(BIN)/koppeling up $(ARGS)

.PHONY: pytest
pytest: $(READY) ## Tests alone (ARGS="tests/sinks -k king" chooses, WORKERS=4 uses more cores)
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

.PHONY: lint
lint: $(READY) ## Formatting, lint, types, import rules, dependencies
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/deptry .

.PHONY: format
format: $(READY) ## Format and repair what can be repaired
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: bench
bench: $(READY) ## Speed, as ratios within one run (ARGS=--json prints JSON)
	$(BIN)/python -m bench $(ARGS)

.PHONY: bench-peers
bench-peers: $(READY) ## The same work by what one would take instead, with their missing and double
	$(BIN)/python -m bench.peers $(ARGS)

.PHONY: chaos
chaos: $(READY) ## Everything that can break does, for 30 minutes, and the proof (ARGS="--minutes 2" is shorter)
	$(BIN)/koppeling chaos $(or $(ARGS),--minutes 30 --administrations 54 --documents 20000 --naive --json chaos.json)

.PHONY: schemas
schemas: $(READY) ## Export the contract with ENK to docs/contract
	$(BIN)/koppeling schemas export docs/contract

.PHONY: setup
setup: $(READY) ## The environment in .venv, exactly as uv.lock says

.PHONY: lock
lock: $(UV) ## Write uv.lock anew after a change of dependencies
	$(UV) lock

.PHONY: clean
clean: ## Remove caches and what was built
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist
	find . -path ./.venv -prune -o -path ./.tools -prune -o -name __pycache__ -type d -exec rm -rf {} +

.PHONY: distclean
distclean: clean ## Remove the environment, the tools and the data of `make up` as well
	rm -rf .venv .tools .koppeling

$(OWN_UV):
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed." >&2; exit 1; }
	$(PYTHON) -m venv .tools/venv
	.tools/venv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(READY): pyproject.toml uv.lock $(UV)
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed." >&2; exit 1; }
	$(UV) sync --all-extras --locked --python "$(PYTHON)"
	@touch $@

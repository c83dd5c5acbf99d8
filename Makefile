# Omni. `make help` lists the targets; each one installs what it needs into this folder by itself.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo up test test-long check bench e2e-bluesky lock clean

# The first Python that runs and is new enough: a name on the PATH alone may be an empty shim.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
UV := $(or $(shell command -v uv),.tools/bin/uv)
BIN := .venv/bin
STAMP := .venv/.installed
export UV_PYTHON_DOWNLOADS := never

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.tools/bin/uv:
	@test -n "$(PYTHON)" || { echo "Omni needs Python 3.11 or newer: install it, or say 'make PYTHON=/path/to/python3.12 …'"; exit 1; }
	@echo "Installing uv into .tools …"
	@$(PYTHON) -m venv .tools 2>/dev/null && .tools/bin/python -m pip install --quiet 'uv>=0.9' || \
		{ rm -rf .tools; echo "Could not make a virtual environment: install Python's venv module (Debian: python3-venv), or uv"; exit 1; }

$(STAMP): pyproject.toml requirements.lock | $(UV)
	@test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) .venv
	@echo "Installing the locked dependencies into .venv …"
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

demo: $(STAMP) ## Run the whole product on a synthetic network (ARGS=--exit ends after the script)
	@$(BIN)/omni demo $(ARGS)

up: $(STAMP) ## Run the product: API, crawler, workers, scheduler and UI, until Ctrl-C
	@$(BIN)/omni up $(ARGS)

test: $(STAMP) ## Run the tests (ARGS="-k name" picks some)
	@$(BIN)/pytest $(ARGS)

test-long: $(STAMP) ## Run the long campaigns in full
	@OMNI_TEST_LONG=1 $(BIN)/pytest -m long --timeout 7200 $(ARGS)

check: $(STAMP) ## Lint, types, import contracts, architecture
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/pyright
	@$(BIN)/lint-imports
	@$(BIN)/pytest tests/architecture

bench: $(STAMP) ## Run a benchmark, one JSON object a line (NAME=api or NAME=jobs)
	@$(BIN)/python -m benchmarks.$(or $(NAME),$(error say which: make bench NAME=api))

e2e-bluesky: $(STAMP) ## The five-step script against a real AT Protocol network (needs Node.js 20)
	@$(BIN)/pytest tests/e2e/test_bluesky.py $(ARGS)

lock: $(UV) ## Resolve the dependencies again
	@$(UV) pip compile --quiet --universal --generate-hashes --no-header --all-extras --python-version 3.11 \
		pyproject.toml -o requirements.lock

clean: ## Remove the environment and the caches (data in .omni stays)
	@rm -rf .venv .tools .pytest_cache .ruff_cache .hypothesis

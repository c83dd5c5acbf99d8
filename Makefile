# Omni. `make help` lists the targets; each one installs what it needs into this folder by itself.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo up test test-long check format bench e2e-bluesky e2e-platforms lock clean

# The first Python that runs and is new enough: a name on the PATH alone may be an empty shim.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
UV := $(or $(shell command -v uv),.tools/bin/uv)
BIN := .venv/bin
# What the product needs, and what working on it needs besides.
RUN := .venv/.installed
DEV := .venv/.installed-dev
COMPILE := pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11
export UV_PYTHON_DOWNLOADS := never
# A benchmark is a module that prints lines under its own name.
BENCHES = $(shell for file in benchmarks/*.py; do name=$$(basename $$file .py); \
	grep -q "\"bench\": \"$$name\"" $$file && echo $$name; done)

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/@BENCHES@/$(BENCHES)/' | \
		awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.tools/bin/uv:
	@test -n "$(PYTHON)" || { echo "Omni needs Python 3.11 or newer: install it, or say 'make PYTHON=/path/to/python3.12 …'"; exit 1; }
	@echo "Installing uv into .tools …" >&2
	@$(PYTHON) -m venv .tools 2>/dev/null && .tools/bin/python -m pip install --quiet 'uv>=0.9' || \
		{ rm -rf .tools; echo "Could not install uv: see above, or install Python's venv module (Debian: python3-venv)"; exit 1; }

$(BIN)/python: | $(UV)
	@test -n "$(PYTHON)" || { echo "Omni needs Python 3.11 or newer: install it, or say 'make PYTHON=/path/to/python3.12 …'"; exit 1; }
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv

$(RUN): pyproject.toml requirements.lock | $(BIN)/python
	@echo "Installing what Omni needs into .venv …" >&2
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

$(DEV): pyproject.toml requirements-dev.lock | $(BIN)/python
	@echo "Installing what Omni and its checks need into .venv …" >&2
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements-dev.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $(RUN) $@

demo: $(RUN) ## Run the whole product on a synthetic network (ARGS=--exit ends after the script)
	@$(BIN)/omni demo $(ARGS)

up: $(RUN) ## Run the product: API, crawler, workers, scheduler and UI, until Ctrl-C
	@$(BIN)/omni up $(ARGS)

test: $(DEV) ## Run the tests (ARGS="-k name" picks some)
	@$(BIN)/pytest -n auto --maxprocesses 4 --dist loadgroup $(ARGS)

test-long: $(DEV) ## Run the long campaigns in full
	@OMNI_TEST_LONG=1 $(BIN)/pytest -m long --timeout 7200 $(ARGS)

check: $(DEV) ## Lint, types, import contracts, architecture
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/pyright
	@$(BIN)/lint-imports
	@$(BIN)/pytest tests/architecture

format: $(DEV) ## Lay out the code and mend what the linter can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(DEV) ## Run a benchmark, one JSON object a line: NAME=@BENCHES@
	@$(BIN)/python -m benchmarks.$(or $(NAME),$(error say which: make bench NAME=, and one of: $(BENCHES)))

e2e-bluesky: $(DEV) ## The five-step script against a real AT Protocol network (needs Node.js 20)
	@$(BIN)/pytest tests/e2e/test_bluesky.py $(ARGS)

e2e-platforms: $(DEV) ## Every connector against its platform's real server
	@$(BIN)/pytest -n auto --maxprocesses 4 --dist loadgroup tests/e2e/test_platform_*.py $(ARGS)

lock: $(UV) ## Resolve the dependencies again (ARGS=--upgrade takes newer ones)
	@$(UV) $(COMPILE) --all-extras $(ARGS) pyproject.toml -o requirements-dev.lock
	@$(UV) $(COMPILE) --constraints requirements-dev.lock pyproject.toml -o requirements.lock

clean: ## Remove the environment and the caches (data in .omni stays)
	@rm -rf .venv .tools .pytest_cache .ruff_cache .hypothesis .import_linter_cache .grimp_cache

# Everything a person does with this project. `make help` lists it.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help run test chaos bench lint lock
.DEFAULT_GOAL := help

help: ## Say what there is to do
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST)

run: .venv/installed-sandbox ## Run everything on this machine: http://127.0.0.1:8000 (PORT=…)
	@exec $(BIN)/onboarding sandbox

test: .venv/installed-test lint ## Lint, types and every test, in a real browser too
	@$(BIN)/python tests/chromium.py
	$(BIN)/python -m pytest -n 4

chaos: .venv/installed-test ## 1,000 installs while everything fails around them (CHAOS="--seed 7")
	$(BIN)/python -m tests.chaos $(CHAOS)

bench: .venv/installed-test ## Measure this service beside Slack Bolt, about 6 minutes (BENCH="--quick")
	$(BIN)/python -m bench $(BENCH)

lint: .venv/installed-test ## Style and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

lock: .venv/created ## Write the lock files anew from pyproject.toml
	$(PIP) install uv
	$(BIN)/uv pip compile $(LOCK) -o requirements.txt
	$(BIN)/uv pip compile $(LOCK) --extra tracing -o requirements-tracing.txt
	$(BIN)/uv pip compile $(LOCK) --extra sandbox -o requirements-sandbox.txt
	$(BIN)/uv pip compile $(LOCK) --extra sandbox --extra tracing --extra test -o requirements-test.txt

LOCK := pyproject.toml --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

.venv/installed-%: requirements-%.txt pyproject.toml | .venv/created
	$(PIP) install --require-hashes -r $<
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

.venv/created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one with PYTHON=…"; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

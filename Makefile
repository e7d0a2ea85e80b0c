# `make help` lists the targets. Each sets up a virtual environment of its own first; only
# Python 3.11 or newer is needed. ARGS="..." is passed on: make bench ARGS="--seeds 3".

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
PINS := .ci/constraints.txt
ARGS ?=

.PHONY: help setup bench smoke test faults check format readme pins

help: ## list the targets
	@awk -F ': .*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.ready ## install the suite and its tools into .venv

$(VENV)/.ready: pyproject.toml $(PINS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' \
	  || { echo "this Python lacks venv: install python3-venv, or choose another with PYTHON="; exit 2; }
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) (2 GB; one to three minutes the first time) ..."
	@$(PY) -m pip install --disable-pip-version-check -c $(PINS) -e '.[fast,cluster,dev]'
	@touch $@

bench: setup ## train, measure and report every model
	@$(PY) -m bench run --all $(ARGS)

smoke: setup ## try the whole suite on few images, in a few minutes
	@$(PY) -m bench run --all --config smoke --results build/smoke $(ARGS)

test: setup ## run the tests
	$(PY) -m pytest -n auto $(ARGS)

faults: setup ## cause every fault that the suite survives, and print what each cost
	$(PY) -m tests.faults $(ARGS)

check: setup ## lint, format, types and import contracts
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports

format: setup ## format the code and fix what the linter can
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

readme: setup ## regenerate every marked table and both pictures from the records in results/
	@for file in README.md docs/results.md docs/explanations.md docs/grid.md; do \
	  $(PY) -m bench table --write $$file || exit; \
	done
	$(PY) -m bench.reporting.svg results results/report.svg
	@$(PY) -m bench.reporting.html.screenshot results docs/report.png

pins: setup ## rewrite the pins from the installed versions
	@echo "# Versions that the suite is tested with; made by \`make pins\`." > $(PINS)
	$(PY) -m pip freeze --all --exclude-editable --exclude pip >> $(PINS)

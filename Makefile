# make bench   trains and measures everything, and reports
# make test    runs the tests
# Both set up a virtual environment of their own first; only Python 3.11+ is needed.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
PINS := .ci/constraints.txt
ARGS ?=

.PHONY: setup bench smoke test faults check format readme pins

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml $(PINS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' \
	  || { echo "this Python lacks venv: install python3-venv, or choose another with PYTHON="; exit 2; }
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) (about a minute the first time) ..."
	@$(PY) -m pip install --quiet --disable-pip-version-check -c $(PINS) -e '.[fast,cluster,dev]'
	@touch $@

bench: setup
	@$(PY) -m bench run --all $(ARGS)

smoke: setup
	@$(PY) -m bench run --all --config smoke --results build/smoke $(ARGS)

test: setup
	$(PY) -m pytest -n auto $(ARGS)

# Causes every fault that the suite is to survive, and prints what each cost.
faults: setup
	$(PY) -m tests.faults $(ARGS)

check: setup
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports

format: setup
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

# Regenerates the README's table and picture from the committed records.
readme: setup
	$(PY) -m bench table --write README.md
	$(PY) -m bench.reporting.svg results results/report.svg

# Rewrites the pins from what is installed.
pins: setup
	@echo "# Versions that the suite is tested with; made by \`make pins\`." > $(PINS)
	$(PY) -m pip freeze --all --exclude-editable --exclude pip >> $(PINS)

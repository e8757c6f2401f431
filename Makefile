# The commands a newcomer needs, `make bench` and `make test`; `make gate` tells whether the work tree is slower than
# BASE, a git revision. Each sets up .venv first if it has to.

PYTHON ?= python3
BIN := .venv/bin

BASE ?= origin/main

.PHONY: bench test lint gate

bench: .venv/ready
	$(BIN)/pytest --benchmark --benchmark-columns=median,iqr,rounds,iterations

test: .venv/ready
	$(BIN)/pytest

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

gate: .venv/ready
	$(BIN)/backprop-bench gate --against $(BASE) $(GATE_OPTIONS)

.venv/ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	|| { echo "Python 3.11 or newer is needed: name one with make PYTHON=python3.12" >&2; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

# The commands a newcomer needs, `make bench` and `make test`; `make gate` tells whether the work tree is slower than
# BASE, a git revision. Each sets up .venv first if it has to, with the extras of pyproject.toml that EXTRAS names.

PYTHON ?= python3
BIN := .venv/bin

BASE ?= origin/main
EXTRAS ?= dev
READY := .venv/ready-$(EXTRAS)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: bench test lint gate

bench: $(READY)
	$(BIN)/pytest --benchmark --benchmark-quiet

# Compiled code is kept: hundreds of processes load it. Files as they come: those of few tests take longest.
test: $(READY)
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.figures --check

gate: $(READY)
	$(BIN)/backprop-bench gate --against $(BASE) $(GATE_OPTIONS)

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	|| { echo "Python 3.11 or newer is needed: name one with make PYTHON=python3.12" >&2; exit 2; }
	$(PYTHON) -m venv .venv
	$(PIP) --only-binary numba,llvmlite --editable '.[$(EXTRAS),numba]' \
	|| { $(PIP) --editable '.[$(EXTRAS)]' && echo "Numba has no wheel for this Python, or what is said above: numba_jit is left out." >&2; }
	touch $@

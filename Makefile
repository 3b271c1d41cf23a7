# Two commands: `make run` shows the product, `make test` checks it. Both set up .venv first.

PYTHON ?= python3
VENV   ?= .venv
TORCH  ?= torch==2.13.0
# Where pip finds CPU builds of torch on Linux: TORCH_INDEX='--extra-index-url URL' with the URL of the CPU wheels on
# PyTorch's installation page. They are 0.2 GB; without it pip takes the build for CUDA, 0.5 GB and 2.3 GB of its packages.
TORCH_INDEX ?=
# Options for twin train and twin evaluate: `make run ARGS=--smoke` is a short trial of the whole path.
ARGS   ?=

# Tests that are quick enough as plain Python: they give the coverage that compiled code cannot.
UNCOMPILED := tests/conformance $(patsubst %,tests/core/test_%.py,desk ladder links rng world)

BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# Two q: errors are shown, warnings about index locations without a package are not.
PIP    := $(BIN)/python -m pip install -qq --disable-pip-version-check

.PHONY: help run test test-slow lint types compat wheel bench table board clean
.DEFAULT_GOAL := help

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(STAMP)  ## train a policy, then evaluate it against the rules and print the report
	$(BIN)/twin train --config quickstart $(ARGS)
	$(BIN)/twin evaluate --latest $(ARGS)

test: lint types  ## lint, check types, run the fast tests
	$(BIN)/pytest -q -n 2

test-slow: $(STAMP)  ## the slow tests, bounds checks in compiled code, and coverage of uncompiled code
	NUMBA_DISABLE_JIT=1 $(BIN)/coverage run -m pytest -q -m "not slow and not jit" $(UNCOMPILED)
	$(BIN)/coverage report --skip-covered
	NUMBA_BOUNDSCHECK=1 $(BIN)/pytest -q -n 2 tests/core tests/conformance
	$(BIN)/pytest -q -n 2 --dist worksteal -m slow

lint: $(STAMP)  ## check style, formatting, and which room imports which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

types: $(STAMP)  ## check types
	$(BIN)/mypy

compat: $(STAMP)  ## the environments on the oldest and newest Gymnasium, and under RLlib
	.ci/compat $(BIN)/python

wheel: $(STAMP)  ## build the wheel, and try every command of it outside the repository
	.ci/wheel $(BIN)/python

bench: $(STAMP)  ## measure speed, write benchmarks/results.json
	$(BIN)/twin bench --json benchmarks/results.json $(ARGS)

table: $(STAMP)  ## play the rules of the README's table again, and pack benchmarks/quickstart_rules.bundle
	rm -rf build/table
	$(BIN)/twin evaluate --config quickstart --policies immediate twap twap_passive pov random --out build/table
	$(BIN)/twin bundle pack build/table/evaluation_1 --out benchmarks/quickstart_rules.bundle

board: $(STAMP)  ## open TensorBoard on all runs
	$(BIN)/twin board

clean:  ## remove what tools left behind; .venv and runs stay
	rm -rf build dist htmlcov .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# torch goes first and alone, so that the extra index serves nothing else. One that fits is left as it is.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=...")'
	@echo "Installing into $(VENV) (a few minutes the first time) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c 'from importlib.metadata import version as v; import sys; \
	  sys.exit(tuple(map(int, v("torch").split(".")[:2])) < (2, 8))' 2>/dev/null || $(PIP) $(TORCH_INDEX) "$(TORCH)"
	@$(PIP) -c constraints.txt -e '.[dev]'
	@touch $@

# edgeRec: everything that a developer runs. `make` alone prints the targets.
#
# Needed: Python 3.11 or later with venv and pip, and make. Another Python: make test PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

# ONNX Runtime 1.16, the oldest that must read a bundle, exists for Python 3.11 and earlier.
PYTHON_OLDEST ?= $(shell command -v python3.11 || echo $(PYTHON))
VENV_OLDEST := .venv-oldest
INSTALLED_OLDEST := $(VENV_OLDEST)/.installed

# ONNX Runtime for Node and for browsers, and what drives a browser in the tests.
INSTALLED_JAVASCRIPT := node_modules/.installed

# Where the demo puts its database and its model.
DEMO_FOLDER ?= models

# How many processes the tests are spread over, four at most: one more than there are cores, since
# some wait for a server.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(1 + (os.cpu_count() or 1))')

# Not compiled: a module is when it is first imported, and most never are. So that it is kept then,
# whatever the environment says: every process would compile it again, which takes ten seconds.
export PYTHONDONTWRITEBYTECODE :=
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --no-compile

.DEFAULT_GOAL := help
.PHONY: help install test demo models benchmarks quality requests bodies soak aarch64 oldest javascript web clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

install: $(INSTALLED) ## make .venv with both packages and the tools of the tests

$(INSTALLED): pyproject.toml device_runtime/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "error: edgeRec needs Python 3.11 or later, and '$(PYTHON)' is not that." \
	       "Install one and name it: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "error: '$(PYTHON)' cannot make virtual environments." \
	       "On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP_INSTALL) -e ./device_runtime -e ".[test]"
	@touch $@

test: $(INSTALLED) ## style, types, import contracts, doctests and tests: what CI runs
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	@# A file's tests stay in one process, so that what they share is made once. Each process
	@# computes with one thread: more than cores only wait for each other. tests/conftest.py says
	@# which files come first.
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 \
	  $(BIN)/pytest --numprocesses=$(WORKERS) --maxprocesses=4 --dist=loadfile \
	  --no-loadscope-reorder

demo: $(INSTALLED) ## train on MovieLens (or generated data), export, evaluate, ask over HTTP
	$(BIN)/edgerec demo --folder $(DEMO_FOLDER)

models: $(INSTALLED) ## make models/demo.onnx again
	$(BIN)/python -m models.make_demo

benchmarks: $(INSTALLED) ## measure speed against bounds; takes long
	@for name in training scorer graph catalogue http reading; do \
	  echo "== $$name"; $(BIN)/python -m benchmarks.$$name || exit 1; \
	done

quality: $(INSTALLED) ## train four splits of MovieLens three times each, beside the peers; takes long
	$(BIN)/python -m benchmarks.quality

requests: $(INSTALLED) ## 10,000 random requests of each kind, graph against reference: before a release
	EDGEREC_N_REQUESTS=10000 $(BIN)/pytest tests/graph/test_contract.py -k any_request

bodies: $(INSTALLED) ## 100,000 made-up requests to the device's server, by its own description
	EDGEREC_N_BODIES=10000 $(BIN)/pytest tests/device_runtime/test_openapi.py -k described

soak: $(INSTALLED) ## five minutes of requests and model swaps: nothing dropped, memory flat (SECONDS=60: shorter)
	$(BIN)/python -m benchmarks.soak --seconds $(or $(SECONDS),300)

aarch64: $(INSTALLED) ## the runtime's wheel on an emulated 64-bit ARM board: answers, update (needs qemu-user-static)
	$(BIN)/python -m benchmarks.aarch64

oldest: $(INSTALLED_OLDEST) ## make .venv-oldest with ONNX Runtime 1.16, for the contract tests

$(INSTALLED_OLDEST): Makefile
	@$(PYTHON_OLDEST) -c 'import sys; sys.exit(not (3, 8) <= sys.version_info < (3, 12))' 2>/dev/null || { \
	  echo "error: ONNX Runtime 1.16 needs Python 3.8 to 3.11, and '$(PYTHON_OLDEST)' is not that." \
	       "Install one and name it: make oldest PYTHON_OLDEST=python3.11" >&2; exit 1; }
	$(PYTHON_OLDEST) -m venv $(VENV_OLDEST)
	$(VENV_OLDEST)/bin/python $(PIP_INSTALL) "onnxruntime==1.16.3" "numpy<2"
	@touch $@

javascript: $(INSTALLED_JAVASCRIPT) ## make node_modules, for the tests in Node and in Chromium

# No package may run a script of its own: what is needed is inside the packages.
$(INSTALLED_JAVASCRIPT): package.json package-lock.json
	@command -v node >/dev/null && command -v npm >/dev/null || { \
	  echo "error: there is no node or no npm (Node 18 or later is needed)." \
	       "On Debian and Ubuntu: apt-get install nodejs npm chromium" >&2; exit 1; }
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

web: $(INSTALLED) $(INSTALLED_JAVASCRIPT) ## train and prepare examples/web, a page that ranks in the browser
	$(BIN)/python -m examples.web.prepare

clean: ## delete the environments, caches and trained models; keep models/demo.onnx
	rm -rf $(VENV) $(VENV_OLDEST) node_modules build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -rf .import_linter_cache models/movielens.* models/*.training
	rm -rf examples/web/model examples/web/vendor
	find edgerec device_runtime tests examples models benchmarks -name __pycache__ -prune -exec rm -rf {} +

# Everything that a person or CI does here. `make` alone lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ARGS ?=
BROWSERS := chromium chromium-browser google-chrome

.DEFAULT_GOAL := help
.PHONY: help setup demo check test browser bench docs lock clean

help: ## list what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(READY) ## make .venv from requirements.lock

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; say which with: make PYTHON=python3.12 ..." >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $(READY)

demo: $(READY) ## run the main job on the sandbox and a local Prefect server (ARGS="--json --no-wait")
	@$(BIN)/python -m studies.demo $(ARGS)

check: $(READY) ## lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: $(READY) browser ## all tests
	$(BIN)/pytest -n 3 --dist worksteal $(ARGS)

browser: ## have a Chromium, in which the sandbox's pages are tested
	@for name in $(BROWSERS); do command -v $$name >/dev/null && exit 0; done; \
	  if test "$$(id -u)" = 0 && command -v apt-get >/dev/null; then \
	    export DEBIAN_FRONTEND=noninteractive; apt-get update -qq && \
	    apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	  else \
	    echo "The pages are tested in Chromium; install it first (on Debian: sudo apt-get install chromium)." >&2; \
	    exit 2; \
	  fi

bench: $(READY) ## benchmarks, as ratios
	@set -e; for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script; done

docs: $(READY) ## write the parts of the documents that the code knows
	@$(BIN)/python -m docs.generate

lock: $(READY) ## renew requirements.lock from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
	  --extra dev --extra scale pyproject.toml --output-file requirements.lock

clean: ## remove what setup and runs made
	rm -rf $(VENV) .capstan .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

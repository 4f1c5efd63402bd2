# Everything a developer types. `make` alone lists it. Nothing is fetched that the lock files do not name with its hash.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PACKAGES := broker providers verifier/src
# Three workers for two cores, as tests often wait; a worker with nothing left takes over another's tests.
PYTEST := $(BIN)/pytest -n $(shell echo $$(( ($$(nproc) * 3 + 1) / 2 ))) --dist worksteal
LOCK   := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
          --no-emit-index-url --no-emit-find-links --annotation-style line $(UPGRADE)

# Bytecode is kept, whatever the shell says: every process that a test starts would compile all of it anew.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo serve test check coverage format bench lock clean

help: ## list these targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  make %-10s %s\n' "$$name" "$$text"; done

# ── what runs ────────────────────────────────────────────────────────────────────────────────────────

install: $(VENV)/.installed ## prepare .venv, and nothing else

demo: install ## the broker, a stand-in for Google and a demo Application, on http://localhost:8000 to 8002
	@trap : INT; $(BIN)/broker demo || [ $$? -eq 130 ]

serve: install ## the broker alone; ARGS="--config broker.toml --port 8000"
	@trap : INT; $(BIN)/broker serve $(ARGS) || [ $$? -eq 130 ]

# ── what proves ──────────────────────────────────────────────────────────────────────────────────────

test: $(VENV)/.tested ## every test, with the real servers they need; ARGS="-k sign_in"
	@tests/install
	@$(PYTEST) $(ARGS)

check: $(VENV)/.tested ## style, types, layers, docs and rules: everything that needs no server
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict $(PACKAGES) tests benchmarks docs/examples
	$(BIN)/lint-imports
	@if [ -x $(BIN)/hadolint ]; then set -x; $(BIN)/hadolint Dockerfile; fi
	$(BIN)/pytest -q $(wildcard tests/rules tests/docs)

coverage: $(VENV)/.tested ## branches of broker/domain and broker/flows which no test of theirs takes
	$(BIN)/coverage run -m pytest -q tests/domain tests/flows
	$(BIN)/coverage report

format: $(VENV)/.tested ## let ruff put the layout right
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.tested ## performance, against peers; ARGS="--quick"
	@benchmarks/install
ifneq ($(findstring --only ledger,$(ARGS)),)
	@$(BIN)/python -m benchmarks.ledger $(filter --quick,$(ARGS))
else
	@$(BIN)/python -m benchmarks $(ARGS)
endif
ifeq ($(findstring --only,$(ARGS)),)
	@$(BIN)/python -m benchmarks.ledger $(filter --quick,$(ARGS))
	@$(BIN)/python -m benchmarks.vault $(filter --quick,$(ARGS))
	@$(BIN)/python -m benchmarks.verifier $(filter --quick,$(ARGS))
	@$(BIN)/python -m benchmarks.endurance $(filter --quick,$(ARGS))
endif

# ── what prepares ────────────────────────────────────────────────────────────────────────────────────

# The stamps are newer than what they were made from, so that a second call has nothing to do.
$(VENV)/.uv: requirements-build.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "Preparing $(VENV), once"
	@[ -x $(BIN)/pip ] || $(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "Python's venv is missing: apt-get install python3-venv"; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-build.lock
	@touch $@

$(VENV)/.installed: $(VENV)/.uv requirements.lock pyproject.toml
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.tested: $(VENV)/.installed requirements-test.lock verifier/pyproject.toml
	@echo "Installing what the tests need, once"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-test.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable verifier
	@touch $@

# The test lock comes first, so that all three agree; `make lock UPGRADE=--upgrade` takes what is newest.
lock: $(VENV)/.uv ## write the three lock files anew from pyproject.toml
	$(LOCK) pyproject.toml --group build --group test --group check --output-file requirements-test.lock
	$(LOCK) pyproject.toml --constraint requirements-test.lock --output-file requirements.lock
	$(LOCK) --group build --constraint requirements-test.lock --output-file requirements-build.lock

clean: ## remove what was installed, built or left behind
	rm -rf $(VENV) tests/peers/node_modules benchmarks/peers/node_modules artefacts dist .coverage .hypothesis
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

# Everything that can be done here; `make` alone lists it.
SHELL := /bin/sh
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore $(BIN)/python -m pip install -q
# More than a small machine has cores: for half of its time a test waits for the processes that it started.
TESTS_AT_ONCE ?= 3
LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --no-header -q pyproject.toml

.PHONY: help setup demo serve test test-s3 check fuzz docs bench lock clean

help: ## List what can be done
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

setup: $(READY) ## Install everything into .venv (Python 3.11 or newer; nothing else is needed)

$(READY): pyproject.toml infra/locks/dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=python3.11")'
	@echo "Setting up $(VENV) (a minute or two, only when the locks change)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) --require-hashes --no-deps -r infra/locks/dev.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

demo: setup ## Turn photos into videos, all of it on this machine: PHOTOS="a.jpg b.heic" for your own
	@$(BIN)/revela demo $(PHOTOS)

serve: setup ## Run the orchestrator with one local worker on http://127.0.0.1:3000
	@$(BIN)/revela serve --workers 1

test: check ## Run every check and every test
	$(BIN)/python -m pytest -n $(TESTS_AT_ONCE) --dist loadfile --no-loadscope-reorder

test-s3: setup ## Test storage on a real S3 server, Ceph RGW; installs it from Debian's packages (as root) if need be
	$(BIN)/python -m tests.ceph -n 2 --dist loadfile tests/contracts tests/e2e/test_bucket.py tests/e2e/test_uploads.py

check: setup ## Check format, lint, types, borders, Dockerfiles and the project's own rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint --config .hadolint.yaml Dockerfile.orchestrator Dockerfile.worker
	$(BIN)/python -m pytest -m "not slow" tests/project

fuzz: setup ## Ask the API much of what was made up from its description, for some minutes
	FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-150} FUZZ_LONGEST_S=1800 $(BIN)/python -m pytest tests/fuzz

docs: setup ## Bring up to date what is made from the code: operations, errors, settings; the fonts' characters
	$(BIN)/python -m tests.project.pages

bench: setup ## Measure the claims: each figure beside its baseline
	@missed=0; for claim in img2vid img2vid_quality orchestrator cancel transfer media; do \
	  echo "$(BIN)/python -m bench.$$claim"; $(BIN)/python -m bench.$$claim || missed=1; \
	done; exit $$missed

lock: ## Resolve the locks again from pyproject.toml (needs uv; UPGRADE=--upgrade for newer versions)
	$(LOCK:pyproject.toml=) $(UPGRADE) --group build -o infra/locks/build.lock
	$(LOCK) $(UPGRADE) --extra orchestrator -o infra/locks/orchestrator.lock
	$(LOCK) $(UPGRADE) --extra worker -o infra/locks/worker.lock
	$(LOCK) $(UPGRADE) --extra orchestrator --extra worker --group dev -o infra/locks/dev.lock

clean: ## Remove what was installed, built or cached
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# `make demo` and `make test` set up what they need: an environment in .venv, the locked packages, a Pulumi CLI,
# and for the tests a browser.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
READY := .venv/.ready
PULUMI = PATH="$$($(BIN)/python tools/pulumi/ensure.py):$(CURDIR)/$(BIN):$$PATH"
BROWSER = YSPARTNER_BROWSER="$$($(BIN)/python tools/browser/ensure.py)"
JOBS ?= $(shell expr $$(nproc 2>/dev/null || echo 2) '*' 2)

.PHONY: help setup demo docs test test-deep test-matrix dist lint bench screenshots lock clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

setup: $(READY) ## Make the environment
$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer, with its venv module, is needed (set PYTHON=...)"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY) ## Show the main job on a sandbox: review, buy once, raise, refuse, destroy
	@$(PULUMI) $(BIN)/python tools/demo.py

docs: $(READY) ## Build the documentation's site, build/docs/index.html
	$(BIN)/sphinx-build -E -W --keep-going -q -b html -d build/doctrees docs build/docs

test: lint ## Run every check; the slowest variants only in test-deep
	$(PULUMI) $(BROWSER) $(BIN)/pytest -q -n $(JOBS) --dist worksteal -m "not deep"

test-deep: lint ## Run everything: all variants, thousands of examples, each guard removed in turn
	$(PULUMI) $(BROWSER) HYPOTHESIS_PROFILE=deep $(BIN)/pytest -q -n $(JOBS) --dist worksteal --timeout 3600
	$(BIN)/python tools/guards.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test-matrix: $(READY) ## Engine and protocol tests on each Python that is here, lowest and newest Pulumi SDK
	$(PULUMI) $(BIN)/python tools/matrix.py

dist: $(READY) ## Build the wheel and the source distribution, the same bytes each time
	$(BIN)/python -m build --no-isolation --outdir dist

bench: $(READY) ## Measure against a no-op stack of the same size
	@$(PULUMI) $(BIN)/python -m benchmarks

screenshots: $(READY) ## Take the pictures of docs/images anew
	$(BIN)/python tools/screenshots.py

lock: ## Renew requirements.lock (needs uv)
	uv pip compile pyproject.toml --extra doctor --extra sandbox --extra review --group dev --universal --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-annotate --python-version 3.11 --custom-compile-command "make lock" \
		--upgrade -o requirements.lock

clean: ## Remove what was made here
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis dist build

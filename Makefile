# syncd's one door for tools. `make` prints this help.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: help setup serve demo compiled test test-browser test-deep check bench lint fmt types alerts schemas lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(STAMP) ## a virtual environment in .venv with everything that is needed

$(STAMP): pyproject.toml requirements.lock
	@tools/setup "$(PYTHON)"
	@touch $(STAMP)

serve: $(STAMP) ## start everything on embedded defaults and print what to open
	@exec $(BIN)/syncd serve

demo: $(STAMP) ## three devices in a terminal, agreeing (needs `make serve` in another one)
	@exec $(BIN)/syncd demo

compiled: $(STAMP) ## the hot path as machine code, into .compiled; used while its sources stay as they are
	@$(BIN)/python -m syncd.compiled.build

test: $(STAMP) ## all tests; lists at the end what the machine lacked
	@tools/test

test-deep: $(STAMP) ## the same with long searches: minutes to hours
	@HYPOTHESIS_PROFILE=deep tools/test

test-browser: $(STAMP) ## the pages in a real Chromium (SYNCD_CHROMIUM names another); pictures go to .artefacts/browser
	@tools/test -q -n "$${SYNCD_TEST_WORKERS:-auto}" tests/browser

check: lint types ## what CI runs: lint, types, tests; a skipped test is a failure
	@SYNCD_NO_SKIPS=1 HYPOTHESIS_PROFILE=ci tools/test

bench: $(STAMP) ## syncd beside its peers, alternately, in one run; writes load/report/latest.json
	@$(BIN)/python -m syncd.compiled.build || echo "so syncd is measured as the interpreter runs it"
	@exec $(BIN)/python -m load.bench $(BENCH)

lint: $(STAMP) ## ruff: rules and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

fmt: $(STAMP) ## ruff: mend what can be mended
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(STAMP) ## mypy --strict; tsc, for the pages' modules as well, where Node's packages are installed
	@$(BIN)/mypy
	@[ ! -x clients/typescript/node_modules/.bin/tsc ] || npm --silent --prefix clients/typescript run types

alerts: ## whether every alert fires when it should, by Prometheus' own engine (needs Go)
	@cd tools/alerts && go run . ../../docs/operations/alerts.yml ../../docs/operations/alerts_test.yml

schemas: $(STAMP) ## write schemas/ and docs/reference/ anew
	@$(BIN)/syncd schemas

LOCK := $(BIN)/pip-compile --quiet --strip-extras --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --allow-unsafe

lock: $(STAMP) ## choose versions anew: requirements.lock, and its part that goes into the image
	@$(LOCK) --extra kafka --extra traces --extra test --extra dev --extra bench --output-file requirements.lock pyproject.toml
	@$(LOCK) --extra kafka --extra traces --build-deps-for wheel --constraint requirements.lock --output-file tools/image.lock pyproject.toml

clean: ## remove what was built; data stays
	rm -rf .venv .compiled build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Köprü: everything you can do here. `make` lists it; two targets are the gate: test and check.
# Needs Python 3.11 or newer and make, nothing else; after the first install, no network.

.DEFAULT_GOAL := help
.PHONY: help run demo test test-quick test-deep test-313 acceptance bench check fmt lint types arch \
	validate audit answers pictures requirements generate assets build clean

VENV := .venv
PY := $(VENV)/bin/python
BUILD_VENV := .venv-build
BUILD_PY := $(BUILD_VENV)/bin/python
VENV_313 := .venv-3.13
# The roots that tests, tools and the local stack import from; Lambda has its own.
export PYTHONPATH := $(CURDIR)/functions:$(CURDIR)/layers/common:$(CURDIR)
export SAM_CLI_TELEMETRY := 0
INSTALL := sh infra/tools/install.sh

help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---------------------------------------------------------------- run

run: $(VENV)/.installed assets $(if $(BUILT),build) ## Start everything on this machine (PORT=…, KOPRU_LOCAL_DIR=…; BUILT=1 runs what Lambda would)
	@exec $(PY) -m infra.local up $(if $(BUILT),--built)

demo: $(VENV)/.installed assets ## Play the whole path on a real-looking payroll: file to bank order
	@exec $(PY) -m infra.local demo

# ---------------------------------------------------------------- test

# One hash seed for all worker processes: they must collect the cases of a set in the same order.
PYTEST := PYTHONHASHSEED=0 $(PY) -m pytest
# One process more than there are processors, because some tests wait for a stack that they started;
# TESTS=tests/unit narrows them.
TESTS ?= tests
PYTEST_ARGS ?= -q -n $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1) --dist worksteal

test: $(VENV)/.installed assets test-313 ## All tests (TESTS=path narrows, PYTEST_ARGS=… adds)
	$(PYTEST) $(TESTS) -m "not deep and not e2e" $(PYTEST_ARGS)

test-quick: $(VENV)/.installed ## The tests of a quick loop: rules and use cases
	$(PYTEST) tests/unit -q -m "not slow and not browser and not deep and not e2e"

test-deep: $(VENV)/.installed assets ## Double faults and long random runs; nightly
	KOPRU_EXAMPLES=new $(PYTEST) tests -m deep -q -n auto

test-313: $(VENV)/.installed # Unit and packaging tests on the version of Lambda, where it is found
	@sh infra/tools/test_on_lambda_python.sh $(PY) $(VENV_313)

acceptance: $(VENV)/.installed ## Acceptance cases (ACCEPTANCE_DIR=dir, AREA=name); exit 0 only if all hold
	@$(PY) -m tests.acceptance $(if $(ACCEPTANCE_DIR),--dir "$(ACCEPTANCE_DIR)") $(if $(AREA),--area "$(AREA)")

bench: $(VENV)/.installed ## Figures beside their goals and peers (AREA=cold, warm, soap, … or several)
	@$(PY) -m bench $(AREA)

# ---------------------------------------------------------------- check

check: lint types arch validate ## Format, lint, types, architecture, templates
	@echo "check: all good"

fmt: $(VENV)/.installed ## Format the code
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix-only --quiet .

lint: $(VENV)/.installed ## Format check and lint
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .

types: $(VENV)/.installed ## Types
	$(VENV)/bin/mypy functions layers infra tests bench

arch: $(VENV)/.installed ## Directions of imports
	$(VENV)/bin/lint-imports
	$(PYTEST) tests/architecture -q

validate: $(VENV)/.installed ## Templates: cfn-lint, SAM transform, every rule about them
	$(VENV)/bin/cfn-lint template.yaml infra/*.yaml
	$(PYTEST) tests/infra -q

# Asks what is known today about the locked packages, so it needs the network and is no test.
AUDIT := $(BUILD_VENV)/bin/uv tool run pip-audit==2.10.1 --disable-pip --require-hashes

audit: $(BUILD_VENV)/.installed ## Known weaknesses of the locked packages (network; AUDIT_ARGS=--dry-run)
	$(AUDIT) $(AUDIT_ARGS) -r requirements/runtime.txt
	$(AUDIT) $(AUDIT_ARGS) -r requirements/dev.txt
	$(AUDIT) $(AUDIT_ARGS) -r requirements/build.txt
	cd infra/assets && npm audit --package-lock-only --omit=dev

# ---------------------------------------------------------------- make things

requirements: $(BUILD_VENV)/.installed ## Lock requirements/*.in anew (UPGRADE=1 takes newer versions)
	$(BUILD_PY) infra/tools/lock_requirements.py --uv $(BUILD_VENV)/bin/uv $(if $(UPGRADE),--upgrade)

generate: $(VENV)/.installed ## Write the generated templates and pages anew
	$(PY) -m infra.tools.insurer_queues
	$(PY) -m infra.tools.observability
	$(PY) -m infra.tools.openapi
	$(PY) -m bench.costs

pictures: $(VENV)/.installed assets ## The pictures of the README anew, from a stack with demo data
	$(PY) -m infra.tools.pictures

answers: $(VENV)/.installed ## Record what the API answers in the integration tests (events/answers)
	KOPRU_ANSWERS=record $(PYTEST) tests/integration --ignore=tests/integration/local -q -m "not deep"
	$(PY) -m infra.tools.openapi

assets: $(VENV)/.installed ## Front-end files of the pages, into build/assets
	@$(PY) infra/assets/build.py

build: $(VENV)/.installed $(BUILD_VENV)/.installed assets ## Artifacts for Lambda (arm64, Python 3.13), sizes printed
	KOPRU_BUILD_PYTHON="$(CURDIR)/$(BUILD_PY)" $(BUILD_VENV)/bin/sam build
	$(PY) -m infra.tools.finish_build .aws-sam/build $(FINISH_ARGS)

clean: ## Remove what was built; environments and the state of the local stack stay
	rm -rf .aws-sam build .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find functions layers infra tests -name __pycache__ -type d -prune -exec rm -rf {} +

# ---------------------------------------------------------------- environments

# Installed again only when the lock changed.
$(VENV)/.installed: requirements/dev.txt
	@$(INSTALL) $(VENV) requirements/dev.txt

$(BUILD_VENV)/.installed: requirements/build.txt
	@$(INSTALL) $(BUILD_VENV) requirements/build.txt

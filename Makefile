# Everything starts here. Needs make and Python >= 3.11; the rest goes into .venv.
PYTHON ?= python3
KEEP ?=
STAGE ?= dev

SHELL := /bin/sh
BIN := .venv/bin
STAMP := .venv/.synced
LOCK := --universal --python-version 3.11 --generate-hashes --no-annotate --no-header
SETTINGS = $(if $(VENUES),--venues $(VENUES)) $(if $(COPIES),--copies $(COPIES)) \
  $(if $(ORIGINS),--origins $(ORIGINS)) \
  $(if $(INTERNAL_ACCESS),--internal-access $(INTERNAL_ACCESS)) $(if $(WEB_ACL),--web-acl $(WEB_ACL)) \
  $(if $(RESERVED),--reserved-concurrency $(RESERVED)) \
  $(if $(VAULT_LOCK),--vault-lock $(VAULT_LOCK)) \
  $(if $(TRANSFER_APPROVAL_ABOVE),--transfer-approval-above $(TRANSFER_APPROVAL_ABOVE)) \
  $(if $(LIMIT_APPROVAL_ABOVE),--limit-approval-above $(LIMIT_APPROVAL_ABOVE))
CORES := $(shell getconf _NPROCESSORS_ONLN)
# pytest on all cores. A worker that has nothing left to do takes tests from another.
PYTEST = $(BIN)/pytest -n $(CORES) --dist worksteal
STAGES := lint types imports openapi docs audit infra unit
PAIRED := --no-print-directory --jobs=2 --output-sync=recurse
HEADING = @printf '\n\033[1m== %s ==\033[0m\n' 
LAYERS := layers/trading/python/trading layers/simulators/python/simulators

.DEFAULT_GOAL := help
.PHONY: help run ops deploy seed-aws destroy synth stop status deploy-local seed session smoke test
.PHONY: check lint types imports openapi docs docs-serve audit audit-online unit infra integration
.PHONY: computing simulation simulate night replay system load conformance bench capacity lock clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | \
		awk -F'|' '{ printf "  make %-14s %s\n", $$1, $$2 }'

run: $(STAMP) ## Start clean: local AWS, deployment, session (KEEP=1 keeps the state; TRADING_PORT)
	@$(BIN)/python -m local run $(if $(KEEP),--keep)

stop: $(STAMP) ## Stop the local AWS and keep its state for `make run KEEP=1`
	@$(BIN)/python -m local stop

status: $(STAMP) ## Show the parts of the local system and their addresses
	@$(BIN)/python -m local status

deploy-local: $(STAMP) ## Deploy the code of this directory to the local system and keep its state
	@$(BIN)/python -m local deploy

seed: $(STAMP) ## Write the reference data and the demo clients (may be repeated)
	@$(BIN)/python -m local seed

session: $(STAMP) ## Play one more trading session on the running system
	@$(BIN)/python -m local session

deploy: $(STAMP) ## Deploy to AWS with the environment's credentials (STAGE=prod VENUES=file COPIES=region INTERNAL_ACCESS=networks)
	@$(BIN)/python -m local.remote deploy --stage $(STAGE) $(SETTINGS)

seed-aws: $(STAMP) ## Write reference data and demo clients on AWS; in prod, no clients (REFERENCE=file OPERATOR=name)
	@$(BIN)/python -m local.remote seed --stage $(STAGE) \
	  $(if $(REFERENCE),--reference $(REFERENCE)) $(if $(OPERATOR),--operator $(OPERATOR))

destroy: $(STAMP) ## Delete the deployment on AWS; in prod, what cannot be rebuilt stays
	@$(BIN)/python -m local.remote destroy --stage $(STAGE) $(SETTINGS)

synth: $(STAMP) ## Write the templates to cdk.out, for `sam local invoke` and for readers
	@$(BIN)/python -m local.remote synth --stage $(STAGE) $(SETTINGS)

# Two stages run at a time: most of the first ones use one core, and the system tests wait most of
# the time. A stage prints its output when it ends. A failure ends the run.
test: $(STAMP) ## Run everything that CI runs, in half an hour at most
	@$(MAKE) $(PAIRED) $(addprefix timed-,$(STAGES))
	@$(MAKE) $(PAIRED) timed-system timed-computing
	$(HEADING) 'all stages passed'

timed-%: $(STAMP)
	@began=$$(date +%s); \
	$(MAKE) --no-print-directory $* || { \
		printf '\n%s failed. Run it alone: make %s\n' $* $*; exit 1; }; \
	printf '%s took %s s\n' $* $$(( $$(date +%s) - began ))

computing: $(STAMP) ## Run the integration tests, then the simulation
	@for stage in integration simulation; do \
		$(MAKE) --no-print-directory timed-$$stage || exit 1; \
	done

# The checks run in parallel, because mypy uses one core only. Each output stays in one piece.
check: $(STAMP) ## Run lint, types, imports, openapi and unit, in a minute, before a commit
	@$(MAKE) --no-print-directory --jobs --output-sync=target lint types imports openapi unit
	$(HEADING) 'all checks passed'

lint: $(STAMP) ## Check lint and format with ruff
	$(HEADING) 'ruff check'
	@$(BIN)/ruff check || { echo 'Fix it by hand, or try: $(BIN)/ruff check --fix'; exit 1; }
	$(HEADING) 'ruff format'
	@$(BIN)/ruff format --check || { echo 'Run: $(BIN)/ruff format'; exit 1; }

types: $(STAMP) ## Check types with mypy --strict
	$(HEADING) 'mypy'
	@$(BIN)/mypy $(LAYERS) functions infra workstation local ops cli documentation supply_chain \
		tests/benchmarks tests/capacity tests/load tests/simulation tests/conformance

imports: $(STAMP) ## Check the import contracts
	$(HEADING) 'import contracts'
	@PYTHONPATH=layers/trading/python:layers/simulators/python $(BIN)/lint-imports

openapi: $(STAMP) ## Check the committed OpenAPI documents against the code
	$(HEADING) 'OpenAPI document'
	@$(BIN)/python -m local.openapi --check || { echo 'Run: $(BIN)/python -m local.openapi'; exit 1; }

docs: $(STAMP) ## Build the site in build/docs; fail on a dead link or anchor, or another host
	$(HEADING) 'documentation'
	@$(BIN)/python -m documentation build

docs-serve: $(STAMP) ## Show the documentation on http://127.0.0.1:8000 while you write it
	@$(BIN)/python -m documentation serve

audit: $(STAMP) ## Check known vulnerabilities, licenses, NOTICE; write the bill of materials
	$(HEADING) 'audit of the packages'
	@$(BIN)/python -m supply_chain audit

audit-online: $(STAMP) ## Ask PyPI for vulnerabilities that were published until now
	@$(BIN)/pip-audit --strict --disable-pip --require-hashes \
		-r layers/dependencies/requirements.lock -r requirements/dev.lock

unit: $(STAMP) ## Test rules and handlers without AWS and without sockets
	$(HEADING) 'unit tests'
	@$(PYTEST) --disable-socket tests/unit

infra: $(STAMP) ## Test the synthesized templates
	$(HEADING) 'infrastructure tests'
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pytest tests/infra

integration: $(STAMP) ## Test tables, queues and use cases on moto
	$(HEADING) 'integration tests'
	@$(PYTEST) tests/integration tests/benchmarks tests/load

simulation: $(STAMP) ## Test the whole system in one process, with seeded faults
	$(HEADING) 'simulation'
	@$(PYTEST) tests/simulation
	@$(BIN)/python -m tests.simulation run --seeds 100 --orders 50 --jobs $(CORES)

simulate: $(STAMP) ## Simulate seeds (SEEDS=200 ORDERS=50 FIRST=1 JOBS=1 RESUME=file)
	@$(BIN)/python -m tests.simulation run --seeds $(or $(SEEDS),200) \
		--orders $(or $(ORDERS),50) --first $(or $(FIRST),1) --jobs $(or $(JOBS),1) \
		$(if $(RESUME),--resume $(RESUME))

night: $(STAMP) ## Simulate 10,000 seeds on all cores; a repetition continues
	@$(BIN)/python -m tests.simulation run --seeds 10000 --orders $(or $(ORDERS),50) \
		--jobs $$(nproc) --resume build/night.jsonl

replay: $(STAMP) ## Replay a seed, shrunk if it fails (SEED=17 ORDERS=50; LOG=1 shows all output)
	@$(BIN)/python -m tests.simulation replay $(SEED) --orders $(or $(ORDERS),50) $(if $(LOG),--log)

system: $(STAMP) ## Test the deployed system on a local AWS of its own (port 4630)
	$(HEADING) 'system tests'
	@$(BIN)/pytest tests/system

load: $(STAMP) ## Run clients while workers die (CLIENTS=20 ORDERS=300 SEED=1 PORT JSON WRITE=1)
	@$(if $(PORT),TRADING_PORT=$(PORT)) $(BIN)/python -m tests.load \
		--clients $(or $(CLIENTS),20) --orders $(or $(ORDERS),300) --seed $(or $(SEED),1) \
		$(if $(JSON),--json $(JSON)) $(if $(WRITE),--write)

conformance: $(STAMP) ## Check our APIs against their documents with schemathesis (CASES=50)
	@$(BIN)/python -m tests.conformance --cases $(or $(CASES),50)

bench: $(STAMP) ## Measure costs, imports, latency and a flood at the open (WRITE=1 updates docs)
	@$(BIN)/python -m tests.benchmarks $(if $(WRITE),--write)

capacity: $(STAMP) ## Model the orders a second that production takes (WRITE=1 updates docs)
	@$(BIN)/python -m tests.capacity $(if $(WRITE),--write)

ops: $(STAMP) ## Run the operator's command line (ARGS="orders stuck"; ARGS=--help lists all)
	@$(BIN)/python -m ops $(if $(ARGS),$(ARGS),--help)

smoke: $(STAMP) ## Trade with a synthetic client on the local system (ops --aws smoke: on AWS)
	@$(BIN)/python -m ops --local smoke

lock: $(STAMP) ## Compile both locks from pyproject.toml (UPGRADE=--upgrade takes new versions)
	$(BIN)/uv pip compile $(UPGRADE) $(LOCK) pyproject.toml --group dev -o requirements/dev.lock
	$(BIN)/uv pip compile $(UPGRADE) $(LOCK) pyproject.toml -c requirements/dev.lock \
		-o layers/dependencies/requirements.lock

clean: ## Delete .venv, build and cdk.out; the local system's state in .local stays
	rm -rf .venv build cdk.out .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

# The stamp holds the lock's checksum. A checkout that changes only the file's date installs
# nothing.
$(STAMP): requirements/dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo 'Needs Python 3.11 or newer as "$(PYTHON)". Install one, then:' \
			'make $(MAKECMDGOALS) PYTHON=/path/to/python3.11'; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { rm -rf .venv; \
		echo 'Could not create .venv. On Debian or Ubuntu: sudo apt install python3-venv'; exit 1; }
	@test "$$(cksum < requirements/dev.lock)" = "$$(cat $@ 2>/dev/null)" || { \
		echo 'Installing the tools into .venv (once, a few minutes at most) ...' && \
		{ test -x $(BIN)/uv || { \
			sed -n '/^uv==/,/[^\\]$$/p' requirements/dev.lock > .venv/uv.lock && \
			$(BIN)/python -m pip install --quiet --disable-pip-version-check \
				--require-hashes -r .venv/uv.lock; }; } && \
		$(BIN)/uv pip sync --quiet --require-hashes --python $(BIN)/python requirements/dev.lock && \
		cksum < requirements/dev.lock > $@; } || { \
		echo 'Could not install requirements/dev.lock.' \
			'Is the package index reachable? Then try again.'; exit 1; }
	@touch $@

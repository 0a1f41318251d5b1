# Each target sets up its environment first. `make` lists the targets. Requires Python 3.11, 3.12 or 3.13.
#
#   make run            run the whole service on this machine with a demo, until Ctrl-C
#   make run ONCE=1     the same, but exit after the demo's table: 0 if every figure is as expected
#                       RESET=1 begins afresh; PORT=, ODOO_PORT= and RECEIVER_PORT= choose other ports
#   make test           run every test; TESTS=tests/unit runs some, WORKERS=2 in two processes
#   make test-clients   check and test the Python client, and install it into an empty environment
#   make coverage       run the unit and contract tests; fail if they cover less than the floor in pyproject.toml
#   make lint           check formatting, lint, types and the template
#   make policies       check the template against checkov, cfn-lint's serverless rules and policies of our own
#   make audit          look for known vulnerabilities in what the functions run on; asks the network
#   make release        build the artifacts bit for bit, with their bill of materials and hashes, into build/release
#   make lives          play random lives of subscriptions; LIVES= (20000), SEED= (random)
#   make campaign       play stories full of faults; SEEDS= (1-20), FAULTS= (all of docs/campaign.md, or names)
#   make schema         send requests that Schemathesis makes of the OpenAPI document; EXAMPLES= (100) of each kind
#   make mutants        mutate the code that decides amounts, and count the mutants that unit tests kill; PACKAGES=, WORKERS=
#   make bench          measure what a counter, an hour and a cold start cost
#   make scale          rate an hour of 100,000 changed pairs with eight workers on DynamoDB Local; 15 to 30 minutes
#   make sam-local      invoke every function in a container by `sam local`; needs Docker or podman, else it is skipped
#   make odoo-check     check an Odoo, asking for its key; ODOO_URL=, ODOO_DATABASE=, CATALOG_TABLE=, ODOO_WRITE_TEST=1
#   make docs           generate docs/errors.md, docs/events/ and the tables of docs/cost.md
#   make lock           update the pinned requirements
#   make clean          delete build output and the state of `make run`; `make distclean` also deletes the environments

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup run test test-clients coverage lives campaign schema mutants lint policies audit release bench scale sam-local odoo-check docs lock clean distclean
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
PIP := -m pip install $(if $(CI),--quiet --quiet) --disable-pip-version-check --no-input
CLIENT := .venv-client
CLOUD := .venv-cloud
POLICY := .venv-policy
VENV := .venv

# The tests of a file run in one process.
IN_PROCESSES = $(if $(WORKERS),--numprocesses $(WORKERS) --dist loadfile)

help:
	@sed -n 's/^#   //p' Makefile

setup: $(VENV)/ready $(CLOUD)/ready

run: setup
	@exec $(VENV)/bin/python -m local.run $(if $(ONCE),--once) $(if $(RESET),--reset) $(if $(PORT),--port $(PORT)) \
		$(if $(ODOO_PORT),--odoo-port $(ODOO_PORT)) $(if $(RECEIVER_PORT),--receiver-port $(RECEIVER_PORT))

test: setup
	@exec $(VENV)/bin/python -m pytest $(IN_PROCESSES) $(TESTS)

test-clients: setup $(CLIENT)/ready
	cd clients/python && ../../$(CLIENT)/bin/ruff check . && ../../$(CLIENT)/bin/ruff format --check .
	cd clients/python && ../../$(CLIENT)/bin/python -m mypy
	cd clients/python && ../../$(CLIENT)/bin/python -m pytest $(TESTS)

coverage: setup
	@ENGINE=memory exec $(VENV)/bin/python -m pytest $(IN_PROCESSES) tests/unit tests/integration/contracts --cov --cov-report=term

lives: setup
	@LIVES="$(LIVES)" SEED="$(SEED)" exec $(VENV)/bin/python -m tests.lives

campaign: setup
	@SEEDS="$(SEEDS)" FAULTS="$(FAULTS)" exec $(VENV)/bin/python -m tests.campaign

schema: setup
	@EXAMPLES="$(or $(EXAMPLES),100)" exec $(VENV)/bin/python -m pytest tests/integration/schema

mutants: setup
	@PACKAGES="$(PACKAGES)" WORKERS="$(WORKERS)" exec $(VENV)/bin/python -m tests.mutants

lint: setup
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 $(CLOUD)/bin/sam validate --lint

policies: setup $(POLICY)/ready
	@exec $(VENV)/bin/python -m tests.policies

audit: $(POLICY)/ready
	$(POLICY)/bin/pip-audit --strict --disable-pip --require-hashes --requirement layers/fusion_billing/requirements.txt
	$(POLICY)/bin/pip-audit --strict --disable-pip --require-hashes --requirement clients/python/requirements.txt

release: setup
	@exec $(VENV)/bin/python -m local.release

bench: setup
	@exec $(VENV)/bin/python -m tests.bench

scale: setup
	@exec $(VENV)/bin/python -m tests.bench.scale

sam-local: setup
	@exec $(VENV)/bin/python -m local.sam_local

docs: setup
	@$(VENV)/bin/python -m local.error_page
	@$(VENV)/bin/python -m local.webhook_catalog
	@$(VENV)/bin/python -m tests.bench.cost

odoo-check: setup
	@exec $(VENV)/bin/python -m fusion_billing.odoo.check

# The newest versions that all three Pythons support, with hashes and without the address of a registry.
LOCK := $(VENV)-lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-emit-find-links
CLIENT_LOCK := $(subst --python-version 3.11,--python-version 3.10,$(LOCK))
lock:
	@$(find_python); [ -x $(VENV)-lock/bin/uv ] || { "$$found" -m venv $(VENV)-lock && $(VENV)-lock/bin/python $(PIP) uv; }
	$(LOCK) layers/fusion_billing/requirements.in -o layers/fusion_billing/requirements.txt
	cd requirements && ../$(LOCK) dev.in -o dev.txt
	cd requirements && ../$(LOCK) cloud.in -o cloud.txt
	cd requirements && ../$(LOCK) policy.in -o policy.txt
	cd requirements && ../$(LOCK) sam-local.in -o sam-local.txt
	cd clients/python && ../../$(CLIENT_LOCK) --all-extras pyproject.toml requirements.in -o requirements.txt

clean:
	rm -rf .aws-sam .local .coverage .mypy_cache .ruff_cache .hypothesis build *.egg-info layers/fusion_billing/*.egg-info

distclean: clean
	rm -rf $(VENV) $(CLOUD) $(CLIENT) $(POLICY) $(VENV)-lock

# --- The environments ------------------------------------------------------------------------

# Find a supported Python that can create environments, $(PYTHON) first; explain what to do if there is none.
define find_python
found=; for candidate in $(PYTHON) python3.13 python3.12 python3.11; do \
	if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; \
	then found=$$candidate; break; fi; done; \
if [ -z "$$found" ]; then \
	echo "Fusion Billing requires Python 3.11, 3.12 or 3.13 with venv (on Debian: python3-venv). No such Python was found." >&2; \
	echo "Install one, or name its path: make $(MAKECMDGOALS) PYTHON=/path/to/python3.13" >&2; exit 1; fi
endef

# Create the environment $(1) unless it exists and works.
define environment
$(find_python); "$(1)/bin/python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	|| { rm -rf "$(1)"; "$$found" -m venv "$(1)"; }
endef

$(VENV)/ready: requirements/dev.txt pyproject.toml
	@echo "Setting up $(VENV) from requirements/dev.txt (once; one to three minutes, depending on the network)"
	@$(call environment,$(VENV))
	@$(VENV)/bin/python $(PIP) --no-deps --require-hashes --requirement requirements/dev.txt
	@$(VENV)/bin/python $(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(CLOUD)/ready: requirements/cloud.txt
	@echo "Setting up $(CLOUD) from requirements/cloud.txt (once; one to three minutes, depending on the network)"
	@$(call environment,$(CLOUD))
	@$(CLOUD)/bin/python $(PIP) --no-deps --require-hashes --requirement requirements/cloud.txt
	@touch $@

$(POLICY)/ready: requirements/policy.txt
	@echo "Setting up $(POLICY) from requirements/policy.txt (once; half a minute to two minutes, depending on the network)"
	@$(call environment,$(POLICY))
	@$(POLICY)/bin/python $(PIP) --no-deps --require-hashes --requirement requirements/policy.txt
	@touch $@

$(CLIENT)/ready: clients/python/requirements.txt clients/python/pyproject.toml
	@echo "Setting up $(CLIENT) from clients/python/requirements.txt (once; one to three minutes, depending on the network)"
	@$(call environment,$(CLIENT))
	@$(CLIENT)/bin/python $(PIP) --no-deps --require-hashes --requirement clients/python/requirements.txt
	@$(CLIENT)/bin/python $(PIP) --no-deps --no-build-isolation --editable clients/python
	@touch $@

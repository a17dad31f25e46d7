# Every target needs only Python 3.11 or newer and make; `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export DAGSTER_HOME ?= $(CURDIR)/.dagster_home
# As VIDEO_ASSETS_FILE_ACCESS has it, for the processes of Dagster that read no settings.
MASK_group := 027
MASK_everyone := 022
PRIVATELY := umask $(or $(MASK_$(VIDEO_ASSETS_FILE_ACCESS)),077) &&
# A file's tests stay together, because they share what it sets up, in the order of conftest.py.
IN_PARALLEL := --numprocesses=auto --dist=loadfile --no-loadscope-reorder

# Installing takes minutes: the packages are named as they are found, on one line.
SHOW_PROGRESS := /^Collecting/ { printf "\r%4d packages found: %-50s", ++n, $$2; fflush() } \
  /^Installing/ { print "\ninstalling them"; fflush() }

.PHONY: help setup demo try home dev test test-fast test-spark test-cluster test-long cluster lint bench campaign sql docs terminal screenshots tour clean pins

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(READY) ## Install everything into .venv, at the pinned versions

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --disable-pip-version-check --progress-bar off --no-compile \
	  --constraint constraints.txt --editable '.[dev,postgres,sql]' | awk '$(SHOW_PROGRESS)'
	@# By all cores, where pip takes one, and without tests; templates that are no Python fail.
	@$(BIN)/python -m compileall -qq -j 0 -x '/tests?/' $(VENV)/lib || true
	@touch $(READY)

demo: $(READY) ## Generate sample data, materialize everything, print what came out
	@$(if $(ENGINE),VIDEO_ASSETS_ENGINE=$(ENGINE) )$(BIN)/python -m video_assets.demo

try: $(READY) ## Take a sample of a known source through its tables: SOURCE=openedx
	@$(BIN)/python -m video_assets.try_source $(SOURCE)

dev: $(READY) $(DAGSTER_HOME)/dagster.yaml ## Open the Dagster UI on http://localhost:3000, or at PORT=3001
	@$(PRIVATELY) $(BIN)/python -m video_assets.dev$(if $(PORT), --port $(PORT))

home: $(READY) $(DAGSTER_HOME)/dagster.yaml ## Install, and prepare the folder DAGSTER_HOME for another history

$(DAGSTER_HOME)/dagster.yaml: resources/runs/dagster.yaml
	@$(PRIVATELY) mkdir -p $(DAGSTER_HOME) && cp $< $@

test: $(READY) ## Run all tests
	$(BIN)/python -m pytest $(IN_PARALLEL)

test-fast: $(READY) ## Run the tests that start no processes, browser or cluster
	$(BIN)/python -m pytest $(IN_PARALLEL) -m 'not processes and not at_length'

test-spark: $(READY) ## Run all tests on Apache Spark instead of the embedded engine (needs Java 17)
	VIDEO_ASSETS_ENGINE=spark $(BIN)/python -m pytest -m ''

test-cluster: $(READY) ## Run the tests on a Spark cluster of processes alone (needs Java 17)
	$(BIN)/python -m pytest tests/cluster -m ''

test-long: $(READY) ## Run the tests that take minutes each: the graph on a cluster, production on Postgres, ...
	$(BIN)/python -m pytest -m at_length

cluster: $(READY) ## Start such a cluster to try (needs Java 17)
	$(BIN)/python -m resources.engine.local_cluster

lint: $(READY) ## Check style, types and who imports whom
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(READY) ## Measure against other ways; BENCH_FULL=1 adds 100 million events
	$(BIN)/python benchmarks/pipeline.py
	$(BIN)/python benchmarks/views.py

campaign: $(READY) ## Kill 1,000 runs, simulate 400 days, add up millions of views; takes hours
	PYTHONPATH=.:tests $(BIN)/python tests/campaign/kills.py
	PYTHONPATH=.:tests $(BIN)/python tests/campaign/days.py
	PYTHONPATH=.:tests $(BIN)/python tests/campaign/deliveries.py
	PYTHONPATH=.:tests $(BIN)/python tests/campaign/reports.py
	PYTHONPATH=.:tests $(BIN)/python tests/campaign/wide_report.py

sql: $(READY) ## Open an SQL editor with every table as a view
	@$(BIN)/python -m video_assets.sql_shell

docs: $(READY) ## Renew the reference parts of README.md, and the pages of tables, errors and checks
	$(BIN)/python -m video_assets.docs
	$(BIN)/python -m asset_checks.reference

terminal: $(READY) ## Renew docs/terminal.md: what the documented commands print
	PYTHONPATH=.:tests $(BIN)/python tests/terminal.py

screenshots: $(READY) ## Renew the pictures of the documentation from a fresh demo (needs Chromium)
	PYTHONPATH=.:tests $(BIN)/python tests/screenshots.py $(PICTURES)

tour: $(READY) ## Walk through everything as somebody new, in Chromium; pictures of pages in build/tour
	TOUR_PICTURES=$(CURDIR)/build/tour $(BIN)/python -m pytest -m at_length tests/ui/test_a_tour.py

pins: ## Renew constraints.txt from a fresh install of the newest allowed releases
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,postgres,sql]'
	$(BIN)/python -m pip freeze --exclude-editable > constraints.txt
	@touch $(READY)

clean: ## Remove the environment, the sample data, the tables and the Dagster history
	rm -rf $(VENV) data $(DAGSTER_HOME) build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

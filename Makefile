# `make` alone lists what there is. Needs Python 3.11 or newer, make and git, nothing else.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
unexport PYTHONDONTWRITEBYTECODE # compiling all modules takes a process longer than everything else it does to start
PYTHON_ENV := PYTHONPATH=. .venv/bin/python
JOBS ?= 2
SEED ?= 1
SEEDS ?= 1-10
COMMANDS ?= 2000
CLIENTS ?= 32
ONLY ?=
ROUNDS ?= 5
EVENTS ?= 1000000
MINUTES ?= 10

.PHONY: help
help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

.PHONY: setup
setup: ## Make the environment from the lock file, where it is not yet made.
	@deploy/local/environment.sh

.PHONY: run
run: setup ## Start the whole platform in the foreground; Ctrl-C stops all of it (GATEWAY_PORT=8080, SEED=none).
	@exec env $(PYTHON_ENV) -m deploy.local.platform

.PHONY: stop
stop: setup ## Stop the platform of this folder from another window.
	@$(PYTHON_ENV) -m deploy.local.control stop

.PHONY: status
status: setup ## Say what runs and whether it is ready.
	@$(PYTHON_ENV) -m deploy.local.control status

.PHONY: logs
logs: setup ## Follow the logs of one service or of all (SERVICE=payments).
	@exec env $(PYTHON_ENV) -m deploy.local.control logs $(SERVICE)

.PHONY: reset
reset: setup ## Remove all data and logs of this folder; the environment stays.
	@$(PYTHON_ENV) -m deploy.local.control reset

.PHONY: test
test: setup ## Pass every test on a real Kafka and PostgreSQL (ARGS=path or options for pytest, JOBS=2 side by side).
	@$(PYTHON_ENV) -m pytest --numprocesses $(JOBS) $(ARGS)

.PHONY: check
check: setup ## Check format, lint, strict types and import contracts.
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@PYTHONPATH=. .venv/bin/lint-imports

.PHONY: demo
demo: setup ## Drive the whole journey through the gateway of the running platform, printing each step and its time.
	@$(PYTHON_ENV) -m deploy.local.demo

.PHONY: verify
verify: setup ## Verify the running platform: chains, Kafka against the stores, debits against credits, read models.
	@$(PYTHON_ENV) -m deploy.local.verify

.PHONY: footprint
footprint: setup ## Measure memory and CPU of the idle running platform against their bars.
	@$(PYTHON_ENV) -m deploy.local.footprint

.PHONY: chaos
chaos: setup ## Kill processes under a random market, then check that nothing was lost or doubled (SEED=1 COMMANDS=2000).
	@$(PYTHON_ENV) -m tests.chaos.run --seed $(SEED) --commands $(COMMANDS) --clients $(CLIENTS)

.PHONY: chaos-night
chaos-night: setup ## Run many seeds of chaos one after another and write a report (SEEDS=1-10 COMMANDS=2000).
	@$(PYTHON_ENV) -m tests.chaos.night --seeds $(SEEDS) --commands $(COMMANDS) --clients $(CLIENTS)

.PHONY: chaos-outages
chaos-outages: setup ## Stop Kafka for minutes, refuse a database, offer twice the capacity (ARGS="--rate 200 --seconds 180").
	@$(PYTHON_ENV) -m tests.chaos.outages $(ARGS)

.PHONY: chaos-planted
chaos-planted: setup ## Plant known faults into copies of the platform, one at a time, and see each caught (ONLY=5,6,7).
	@$(PYTHON_ENV) -m tests.chaos.planted.run --seed $(SEED) --only "$(ONLY)"

.PHONY: bench-append
bench-append: setup ## Measure appending against pgbench and a library, in the same run (ROUNDS=5).
	@ROUNDS=$(ROUNDS) $(PYTHON_ENV) -m bench.append

.PHONY: bench-gateway
bench-gateway: setup ## Measure reads and forwarding of the gateway against nginx, and its CPU (needs nginx and wrk; ROUNDS=5).
	@ROUNDS=$(ROUNDS) $(PYTHON_ENV) -m bench.gateway

.PHONY: bench-flow
bench-flow: setup ## Measure the way from a commit to the dashboard through Kafka, projecting and rebuilding (ROUNDS=5).
	@ROUNDS=$(ROUNDS) $(PYTHON_ENV) -m bench.flow

.PHONY: bench-command
bench-command: setup ## Measure commands against a raw append and the conventional build (needs wrk; ROUNDS=5).
	@ROUNDS=$(ROUNDS) $(PYTHON_ENV) -m bench.command

.PHONY: bench-growth
bench-growth: setup ## Measure pages, lists and dashboards with 10,000 events and with many (EVENTS=1000000 ROUNDS=5).
	@ROUNDS=$(ROUNDS) EVENTS=$(EVENTS) $(PYTHON_ENV) -m bench.growth

.PHONY: bench-soak
bench-soak: setup ## Measure reads beside 1,000 slow connections, and memory under load for ten minutes (MINUTES=10).
	@ROUNDS=$(ROUNDS) MINUTES=$(MINUTES) $(PYTHON_ENV) -m bench.soak

.PHONY: bench
bench: ## Run every bench, one after another; all of them, whichever misses a bar first.
	@status=0; for each in append gateway command flow growth soak; do \
		echo "== bench-$$each"; $(MAKE) bench-$$each || status=1; done; exit $$status

.PHONY: format
format: setup ## Format the code and mend what lint can mend.
	@.venv/bin/ruff check --fix --quiet . || true
	@.venv/bin/ruff format .

.PHONY: contracts
contracts: setup ## Generate schemas, samples and documents of the public events, and freeze the new ones.
	@$(PYTHON_ENV) -m tests.contracts.generate

.PHONY: lock
lock: setup ## Resolve pyproject.toml and jgo.toml anew into the lock files.
	@deploy/local/lock.sh

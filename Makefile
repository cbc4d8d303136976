# The environment's folder; another one, or another PYTHON, may be given: make test VENV=/tmp/venv
VENV ?= .venv
export VENV
BIN := $(VENV)/bin
# The benchmarks show what they measure, and write benchmarks/results and the README with KEEP=1.
KEPT := $(if $(KEEP),--keep)
SOURCES := app middleware db tests benchmarks
FAST := tests/unit tests/property tests/asgi
# Each worker of pytest has a PostgreSQL of its own.
PYTEST := $(BIN)/pytest --numprocesses=auto --maxprocesses=4
LOCK := $(BIN)/uv pip compile --quiet pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.PHONY: help run test test-fast test-pythons check fix lock migrate clean-data simulate-promise bench-promise bench-burst bench-rules bench-micro bench-identity bench-roll-out bench-faults compare mutants machine planted-bugs dev

help: ## Show these lines
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Start the service; without DATABASE_URL on a PostgreSQL of its own
	@./bootstrap.sh run
	@exec $(BIN)/python -m app serve

test: check ## Everything: what check does, and all tests on a real PostgreSQL
	$(PYTEST)

test-fast: dev ## The tests that need no database
	$(PYTEST) $(FAST)

test-pythons: ## The fast tests and the server's, on each newer Python found here
	@PATH="$$PATH:$$(echo ~/.pyenv/versions/*/bin | tr ' ' :)" ./bootstrap.sh pythons | grep -v '^3\.11\.' | \
	while read -r version python; do export VENV=.venv-$$version PYTHON=$$python; \
		./bootstrap.sh dev && $$VENV/bin/pytest $(FAST) tests/e2e </dev/null || exit 1; done

check: dev ## Format, lint, types and layers
	$(BIN)/ruff format --check $(SOURCES) && $(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy $(SOURCES) && $(BIN)/lint-imports

fix: dev ## Format the code and repair what the linter can
	$(BIN)/ruff check --fix $(SOURCES); $(BIN)/ruff format $(SOURCES)

lock: dev ## Write the requirement files from pyproject.toml
	$(LOCK) --output-file requirements.txt
	$(LOCK) --group dev --constraint requirements.txt --output-file requirements-dev.txt

migrate: ## Apply the pending migrations to DATABASE_URL
	@./bootstrap.sh run
	@exec $(BIN)/python -m app migrate

clean-data: ## Remove the embedded PostgreSQL's data, after asking
	@./bootstrap.sh run
	@exec $(BIN)/python -m app clean-data

simulate-promise: dev ## Tell the stories of the gate's promise with the core that serves, in simulated time
	$(BIN)/python -m benchmarks.promise

bench-promise: dev ## Play the same stories with a real service and database
	$(BIN)/python -m benchmarks.promise.real $(KEPT)

bench-burst: dev ## The login burst against a database of a set capacity
	$(BIN)/python -m benchmarks.burst $(KEPT)

bench-rules: dev ## What lists, initializes, events and claims cost, and claims over kill -9
	$(BIN)/python -m benchmarks.rules $(KEPT)

bench-micro: dev ## What one answer and one decision cost
	$(BIN)/python -m benchmarks.micro $(KEPT)

bench-identity: dev ## What finding out who calls costs: a header, tokens that are known, new and forged
	$(BIN)/python -m benchmarks.identity $(KEPT) && $(BIN)/python -m benchmarks.forged

bench-roll-out: dev ## Three services restarted in mid-burst: whose moment is put off
	$(BIN)/python -m benchmarks.roll_out

bench-faults: dev ## A log that nobody reads, and kill -9 of the embedded PostgreSQL in mid-batch
	$(BIN)/python -m benchmarks.faults $(KEPT)

machine: dev ## A million random events at the gate, and as many steps of the rules beside the slow model (MACHINE_HISTORIES: of 50 each)
	nice -n 10 $(BIN)/python -m tests.admission_life
	nice -n 10 $(BIN)/python -m tests.rules

planted-bugs: dev ## Plant bugs in the rules, one at a time, and fail if the machine misses one
	nice -n 10 $(BIN)/python -m tests.planted_bugs

compare: dev ## Ask what the Go service was asked and print every difference: RECORDED= CATALOGUE= [URL=]
	$(BIN)/python -m tests.compare_recorded "$(RECORDED)" "$(CATALOGUE)" $(if $(URL),--url "$(URL)")

mutants: dev ## Plant bugs in the admission core and count those the tests find
	$(BIN)/mutmut run

dev:
	@./bootstrap.sh dev

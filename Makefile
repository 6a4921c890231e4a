# The few verbs. Everything is set up in .venv by itself; Python 3.11+, git and make are enough.
PYTHON ?= python3
RUN := .venv/bin

run: .venv/ready ## start the product with its demo city
	@$(RUN)/cloudfamily run

test: .venv/ready ## the whole suite, on embedded parts
	@$(RUN)/pytest

console: .venv/ready ## build the console's page again
	@$(RUN)/pip install -q --no-deps -e .

lint: .venv/ready ## formatting, lints, types, import contracts
	@$(RUN)/ruff check . && $(RUN)/ruff format --check . && $(RUN)/mypy && $(RUN)/lint-imports

schema: .venv/ready ## write schema.sql from the migrations
	@$(RUN)/cloudfamily schema

faults: .venv/ready ## the slow fault tests: a crash before every statement, the plug pulled, 50 kills under load
	@$(RUN)/pytest -m slow && $(RUN)/python tests/faults/kills.py

bench-latency: .venv/ready ## press → console against the bare floor
	@$(RUN)/python tests/bench/latency.py

bench-ingest: .venv/ready ## readings a second through one gateway, beside the limits around it
	@$(RUN)/python tests/bench/ingest.py

HOMES ?= ../shared/data
bench-detect: .venv/ready ## false alarms and delays of the learned routine on recorded homes: HOMES=a file or a folder
	@$(RUN)/python tests/bench/detect.py $(HOMES)

.venv/ready: pyproject.toml requirements.lock
	@test -x $(RUN)/python || $(PYTHON) -m venv .venv
	@$(RUN)/python -m pip install -q --disable-pip-version-check -r requirements.lock
	@$(RUN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@

.PHONY: run test console lint schema faults bench-latency bench-ingest bench-detect

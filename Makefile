# The few verbs. Everything is set up in .venv by itself; Python 3.11+, git and make are enough.
PYTHON ?= python3
RUN := .venv/bin

run: .venv/ready ## start the product with its demo city
	@$(RUN)/cloudfamily run

test: .venv/ready ## the whole suite, on embedded parts, in two processes
	@$(RUN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

console: .venv/ready ## build the console's page again
	@$(RUN)/pip install -q --no-deps -e .

lint: .venv/ready ## formatting, lints, types, import contracts
	@$(RUN)/ruff check . && $(RUN)/ruff format --check . && $(RUN)/mypy && $(RUN)/lint-imports

schema: .venv/ready ## write schema.sql from the migrations
	@$(RUN)/cloudfamily schema

faults: .venv/ready ## the slow fault tests: a crash before every statement, the plug pulled, 50 kills and 200 faults under load
	@$(RUN)/pytest -m slow && $(RUN)/python tests/faults/kills.py && $(RUN)/python tests/faults/alerts.py

bench-latency: .venv/ready ## press → console against the bare floor
	@$(RUN)/python tests/bench/latency.py

bench-circle: .venv/ready ## homes that nobody could reach in 15 minutes, and whom to ask
	@$(RUN)/python tests/bench/circle.py

bench-ingest: .venv/ready ## readings a second through one gateway, beside the limits around it
	@$(RUN)/python tests/bench/ingest.py

bench-alerts: .venv/ready ## press → channel and the oldest due row, with 100,000 homes and 10,000 open alerts
	@$(RUN)/python tests/bench/alerts.py
HOMES ?= ../shared/data
bench-detect: .venv/ready ## false alarms and delays of the learned routine on recorded homes: HOMES=a file or a folder
	@$(RUN)/python tests/bench/detect.py $(HOMES)

.venv/ready: pyproject.toml requirements.lock
	@test -x $(RUN)/python || $(PYTHON) -m venv .venv
	@$(RUN)/python -m pip install -q --disable-pip-version-check -r requirements.lock
	@$(RUN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@

.PHONY: run test console lint schema faults bench-latency bench-ingest bench-alerts bench-circle bench-detect

# The vocabulary of this project; CI calls the same targets. `make help` lists them.

VENV   := .venv
BIN    := $(VENV)/bin
FITS   := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))
ifndef PYTHON # what the environment was made with, the machine's own, any other
PYTHON := $(shell for p in $(BIN)/python python3 python3.13 python3.12 python3.11; do $$p -c '$(FITS)' 2>/dev/null && { echo $$p; break; }; done)
endif
ASKED   = $(if $(PYTHON),$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])'))
OTHERS := $(foreach v,3.13 3.12 3.11,python$(v) $${PYENV_ROOT:-$$HOME/.pyenv}/versions/$(v).*/bin/python3)
OTHER_PYTHON ?= $(shell for p in $(OTHERS); do $$p -c 'import ensurepip, venv; import sys; sys.exit("%d.%d" % sys.version_info[:2] == "$(ASKED)")' 2>/dev/null && $$p -c '$(FITS)' && { echo $$p; break; }; done)
PIP    := $(BIN)/python -m pip --disable-pip-version-check -q
SYSTEM_TESTS ?= tests/system
SERVICES := familiar gateway trainer modelserver camera embedded
EDITABLE := $(foreach service,$(SERVICES),-e services/$(service))
BENCH := PYTHONPATH=tests:tests/integration:tests/browser TF_CPP_MIN_LOG_LEVEL=2 $(BIN)/python -m bench
PROJECTS := $(wildcard services/*/pyproject.toml)

# The page is checked by a tool from npm, which nothing else needs: a machine without npm can run and test everything.
ifneq ($(shell command -v npm 2>/dev/null),)
BIOME := node_modules/.bin/biome
PAGE_TOOLS := node_modules/.ready
else
BIOME := @echo 'There is no npm here, so the page was not checked: biome'
endif

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: $(VENV)/.run ## set everything up and start it; Ctrl-C stops it; HTTPS=1 and HOST=0.0.0.0 for other devices
	@exec $(if $(filter command line,$(origin HOST)),env GATEWAY_HOST='$(HOST)') $(BIN)/python -m familiar_embedded

.PHONY: demo
demo: $(VENV)/.portraits ## against a running system: enrol two public-domain portraits, recognise them, refuse a stranger
	@exec $(BIN)/python -m familiar_embedded.demo

.PHONY: test
test: test-gateway-alone lint $(VENV)/.dev ## run the tests that this machine allows (half an hour on 2 cores)
	$(BIN)/python -m pytest tests $(PYTEST_ARGS)

.PHONY: test-all
test-all: ## run all of `make test`, and what takes long and seldom fails (20 minutes more)
	FAMILIAR_ALL_TESTS=1 $(MAKE) --no-print-directory test

.PHONY: screenshots
screenshots: $(VENV)/.dev ## take the pictures of docs/page.md anew, in the Chromium of this machine
	FAMILIAR_ALL_TESTS=1 FAMILIAR_SCREENSHOTS=1 $(BIN)/python -m pytest tests/browser $(PYTEST_ARGS)

.PHONY: test-unit
test-unit: $(VENV)/.dev ## run the unit tests only
	$(BIN)/python -m pytest tests/unit $(PYTEST_ARGS)

.PHONY: test-system
test-system: $(VENV)/.dev ## run the containers: use, break, back up and replicate them (20 minutes; needs an engine, as root)
	FAMILIAR_SYSTEM_TESTS=1 $(BIN)/python -m pytest $(SYSTEM_TESTS) -s $(PYTEST_ARGS)

.PHONY: test-gateway-alone
test-gateway-alone: ## run the tests of library and gateway without TensorFlow, on another Python where one is here
	@$(MAKE) --no-print-directory VENV=.venv-gateway PYTHON='$(or $(OTHER_PYTHON),$(PYTHON))' test-without-tensorflow

.PHONY: test-without-tensorflow
test-without-tensorflow: $(VENV)/.gateway
	@! $(BIN)/python -c 'import tensorflow' 2>/dev/null || { echo 'TensorFlow is installed in $(VENV)'; exit 1; }
	$(BIN)/python -m pytest tests/unit/gateway tests/unit/familiar $(PYTEST_ARGS)

.PHONY: test-other-python
test-other-python: ## run what needs TensorFlow, and a whole system, on another Python that is here
	@if [ -n '$(OTHER_PYTHON)' ]; then $(MAKE) --no-print-directory VENV=.venv-other PYTHON='$(OTHER_PYTHON)' test-with-tensorflow; \
	else echo 'Nothing was tested with TensorFlow on another Python than $(ASKED): there is no other of 3.11 to 3.13 here.'; fi

.PHONY: test-with-tensorflow
test-with-tensorflow: $(VENV)/.dev
	$(BIN)/python -m pytest tests/unit/familiar/wire tests/unit/trainer/export tests/unit/modelserver tests/integration/test_enroll_and_recognize.py $(PYTEST_ARGS)

.PHONY: lint
lint: $(VENV)/.dev $(PAGE_TOOLS) ## check style and types, of the page where npm is installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIOME) check --error-on-warnings

.PHONY: format
format: $(VENV)/.dev $(PAGE_TOOLS) ## put the code into the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIOME) check --write

.PHONY: evaluate
evaluate: $(VENV)/.dev ## measure recognition quality on the pictures of FAMILIAR_DATA; prints the tables of docs/evaluation.md
	$(BIN)/python -m familiar_trainer.evaluation $(EVALUATE_ARGS)

.PHONY: bench
bench: $(VENV)/.dev ## measure speed and memory; prints the tables of docs/performance.md (half an hour)
	$(BENCH) $(BENCH_ARGS)

.PHONY: bench-peers
bench-peers: $(VENV)/.peers ## measure others beside it, on the same pictures in the same rounds
	$(BENCH) --peers $(BENCH_ARGS)

.PHONY: fuzz
fuzz: $(VENV)/.dev ## ask a gateway by chance, with all that may be wrong, for FUZZ_ARGS="--minutes 5"; it tells what was
	PYTHONPATH=tests TF_CPP_MIN_LOG_LEVEL=2 $(BIN)/python -m fuzz $(FUZZ_ARGS)

.PHONY: kill
kill: $(VENV)/.dev ## kill processes by chance while people are enrolled, KILL_ARGS="--kills 100"; it tells what was not kept
	PYTHONPATH=tests:tests/integration TF_CPP_MIN_LOG_LEVEL=2 $(BIN)/python -m kill $(KILL_ARGS)

.PHONY: soak
soak: $(VENV)/.dev ## watch cameras through networks that fail, for an hour, SOAK_ARGS="--minutes 10 --once ''"; it tells what came late
	PYTHONPATH=tests $(BIN)/python -m soak $(SOAK_ARGS)

.PHONY: events
events: $(VENV)/.dev ## tell others of 10,000 events while they are away and we are killed, EVENTS_ARGS="--events 1000"
	PYTHONPATH=tests $(BIN)/python -m events $(EVENTS_ARGS)

.PHONY: rooms
rooms: $(VENV)/.dev ## draw the pictures of docs/architecture.md anew, from the code and from a walk through a running system
	PYTHONPATH=tests:tests/integration $(BIN)/python -m architecture

.PHONY: lock
lock: $(VENV)/.dev ## compile the lock files anew from the pyproject files
	deploy/lock.sh $(BIN)

.PHONY: proto
proto: ## generate the wire code from proto/ (needs the network for the generator)
	proto/regenerate.sh $(PYTHON)

.PHONY: clean
clean: ## remove what make has built; the state folder stays
	rm -rf $(VENV) .venv-other .venv-gateway node_modules .pytest_cache .mypy_cache .ruff_cache

.PHONY: fitting-python
fitting-python:
	@[ -n '$(PYTHON)' ] || { echo 'Python 3.11, 3.12 or 3.13 is needed and was not found. On Debian and Ubuntu: apt install python3-venv; or name one: make PYTHON=/path/to/python3'; exit 1; }
	@$(PYTHON) -c '$(FITS)' || { echo 'Python 3.11, 3.12 or 3.13 is needed, and $(PYTHON) is $(ASKED)'; exit 1; }
	@made=$$(sed -n 's/^version = \([0-9]*\.[0-9]*\).*/\1/p' $(VENV)/pyvenv.cfg 2>/dev/null); [ "$${made:-$(ASKED)}" = '$(ASKED)' ] || { echo "$(VENV) was made with Python $$made, and $(PYTHON) is $(ASKED): run rm -r $(VENV), or make clean, then this again"; exit 1; }

$(BIN)/python: | fitting-python
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo 'Python cannot make a virtual environment; on Debian and Ubuntu: apt install python$(ASKED)-venv'; exit 1; }

$(VENV)/.run: requirements.lock $(PROJECTS) | $(BIN)/python
	@echo 'Installing the packages of requirements.lock into $(VENV) (a minute or two, once) ...'
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation $(EDITABLE)
	@touch $@

$(VENV)/.portraits: requirements-portraits.lock $(VENV)/.run
	@$(PIP) install --require-hashes --no-deps -r requirements-portraits.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock requirements-nodeps.lock requirements-clients.lock $(VENV)/.run
	@echo 'Installing the packages of requirements-dev.lock into $(VENV) ...'
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@$(PIP) install --require-hashes --no-deps -r requirements-nodeps.lock
	@rm -rf $(VENV)/clients # beside the others: one of them has a package called tests
	@$(PIP) install --require-hashes --no-deps --target $(VENV)/clients -r requirements-clients.lock
	@touch $@

$(VENV)/.peers: requirements-peers.lock $(VENV)/.dev
	@$(PIP) install --require-hashes --no-deps -r requirements-peers.lock
	@touch $@

$(VENV)/.gateway: requirements-gateway-test.lock $(PROJECTS) | $(BIN)/python
	@echo 'Installing the gateway without TensorFlow into $(VENV) ...'
	@$(PIP) install --require-hashes -r requirements-gateway-test.lock
	@$(PIP) install --no-deps --no-build-isolation -e services/familiar -e services/gateway
	@touch $@

node_modules/.ready: package.json package-lock.json .npmrc
	@echo 'Installing the packages of package-lock.json into node_modules ...'
	@npm ci --ignore-scripts --loglevel=error
	@touch $@

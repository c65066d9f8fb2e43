# Two commands for a fresh machine: `make demo` and `make test`. Both make .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test web cover lint bench fuzz clean

$(VENV)/.run: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.run
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[arrow,dask,fast,pdf,pkcs11,server]' --group dev
	touch $@

demo: $(VENV)/.run
	$(BIN)/fairdraw demo

# The second verifier's own tools; a machine without npm tests all but what needs them, and says so.
WEB := web/node_modules/.installed
$(WEB): web/package-lock.json
	cd web && npm ci --ignore-scripts --no-audit --no-fund --silent
	touch $@

test: $(VENV)/.dev $(if $(shell command -v npm),$(WEB))
	$(BIN)/python -m pytest --numprocesses=auto --dist=loadfile --no-loadscope-reorder

web: $(WEB)
	cd web && npm run --silent build

cover: $(VENV)/.dev
	$(BIN)/python -m pytest --cov --cov-report=term:skip-covered

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/interrogate --quiet src transparency_log cli

bench: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group bench
	$(BIN)/python -m benchmarks

FUZZ_SECONDS ?= 60
fuzz: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group fuzz
	$(BIN)/python -m fuzz all --seconds $(FUZZ_SECONDS)

clean:
	rm -rf $(VENV) web/node_modules build dist fairdraw-demo

# Two commands for a newcomer: make demo, make test. Both can be run again and again.
PYTHON ?= python3
BIN := .venv/bin
EXTRAS := all,dev
# What the figures and tests were made with; a machine with its own torch installs by hand instead (README).
PIP_INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt

.PHONY: demo test check format lint types imports clean

demo: .venv/demo adapters/demo/adapter_config.json
	$(BIN)/harness eval --run demo --overwrite --task bundled:ja-mini --limit 20 --model base=embedded:gemma-3-270m \
	  --model tuned=adapter:adapters/demo --judge rules --judge reference --max-new-tokens 96

# Trained once, and again when its recipe or its data change.
adapters/demo/adapter_config.json: trainers/recipes/cpu-demo.toml trainers/demo_pairs.json | .venv/demo
	rm -rf adapters/demo
	$(BIN)/harness train --recipe cpu-demo --data trainers/demo_pairs.json --base embedded:gemma-3-270m --output adapters/demo

# Two at a time, whole files, as fixtures of a file load models; more would need more memory than small machines have.
test: .venv/dev
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

check: format lint types imports test

format: .venv/dev
	$(BIN)/ruff format --check .

lint: .venv/dev
	$(BIN)/ruff check .

types: .venv/dev
	$(BIN)/mypy

imports: .venv/dev
	$(BIN)/lint-imports

.venv/bin/python:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip

.venv/demo: .venv/bin/python pyproject.toml constraints.txt
	@echo "Installing the harness and the embedded model (about 1 GB, once) ..."
	$(PIP_INSTALL) --editable '.[demo]'
	@touch $@

.venv/dev: .venv/bin/python pyproject.toml constraints.txt
	@echo "Installing the harness with everything its tests need (about 1.5 GB, once) ..."
	$(PIP_INSTALL) --editable '.[$(EXTRAS)]'
	@touch $@

clean:
	rm -rf .venv build dist runs adapters/demo

# Two commands for a newcomer: make demo, make test. Both can be run again and again.
PYTHON ?= python3
BIN := .venv/bin
# Python compiles a module when it is first imported; pip would compile all of them, one after the other, most for nothing.
# Where Python is told to keep no compiled files, they are compiled here, by all cores: each start would be 10 s longer.
PIP_INSTALL := $(BIN)/python -m pip install --quiet --no-deps --no-compile
COMPILE := $(if $(PYTHONDONTWRITEBYTECODE),$(BIN)/python -m compileall -qq -j 0 .venv/lib || true,true)
# Exactly the files that the figures and tests were made with, each by its hash: the lists are complete, and nothing else
# is looked for. A machine with its own torch installs by hand instead (README).
LOCKED := $(PIP_INSTALL) --require-hashes --only-binary :all: --requirement
# Without a GPU torch's build for CPUs does: 0.2 GB from here or from torch's own index, where the package index has 2.7 GB.
CPU_INDEX := --extra-index-url https://download.pytorch.org/whl/cpu --retries 1 --timeout 10
FOR_CPU := command -v nvidia-smi >/dev/null || $(LOCKED) constraints-cpu.txt $(CPU_INDEX) 2>/dev/null || true
# torch's build for CUDA, which Linux gets from the package index, needs libraries that its build for CPUs does not.
FOR_CUDA := $(BIN)/python -c "import sys, importlib.metadata as m; \
	sys.exit(sys.platform != 'linux' or '+cpu' in m.version('torch'))"
PROJECT := $(PIP_INSTALL) --no-build-isolation --editable .

.PHONY: demo test docs docs-links check checks format lint types imports messages lock audit clean

demo: .venv/demo adapters/demo/adapter_config.json
	$(BIN)/harness eval --run demo --overwrite --task bundled:ja-mini --limit 20 --model base=embedded:gemma-3-270m \
	  --model tuned=adapter:adapters/demo --judge rules --judge reference --max-new-tokens 96

# Trained once, and again when its recipe or its data change.
adapters/demo/adapter_config.json: trainers/recipes/cpu-demo.toml trainers/demo_pairs.json | .venv/demo
	rm -rf adapters/demo
	$(BIN)/harness train --recipe cpu-demo --data trainers/demo_pairs.json --base embedded:gemma-3-270m --output adapters/demo

# Two at a time, whole files, as fixtures of a file load models; more would need more memory than small machines have.
# One thread each: two on two cores wait for each other. The files come in the order of tests/conftest.py. What is
# imported is kept compiled, whatever else is set: many tests start programs.
test: .venv/dev
	OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

# The documentation site, in both languages, in build/site: warnings and dead links inside it are errors.
docs: .venv/dev
	$(BIN)/python docs/site/build.py

# Asks for every address in the pages, over the network.
docs-links: .venv/dev
	$(BIN)/python docs/site/build.py --external

check: checks test

# All that `check` does but the tests: CI has them side by side.
checks: format lint types imports docs

format: .venv/dev
	$(BIN)/ruff format --check .

lint: .venv/dev
	$(BIN)/ruff check .

types: .venv/dev
	$(BIN)/mypy

imports: .venv/dev
	$(BIN)/lint-imports

# Brings the catalogue of messages up to date with the code; translate what is new in harness.po, then run it again.
CATALOGUE := harness/locale/ja/LC_MESSAGES/harness
messages: .venv/dev
	$(BIN)/pybabel extract --mapping harness/locale/babel.cfg --keywords tr --keywords trn:1,2 --sort-output --no-location \
	  --omit-header --output .messages.pot .
	$(BIN)/pybabel update --locale ja --input-file .messages.pot --output-file $(CATALOGUE).po --no-fuzzy-matching \
	  --ignore-pot-creation-date --no-wrap
	$(BIN)/pybabel compile --locale ja --input-file $(CATALOGUE).po --output-file $(CATALOGUE).mo
	rm .messages.pot
	$(BIN)/pybabel compile --locale ja --domain click --directory harness/locale

# Writes constraints*.txt anew from pyproject.toml, keeping versions; ARGS=--upgrade takes the newest.
lock: .venv/dev
	$(BIN)/python .ci/lock.py $(ARGS)

# Looks the locked versions up among the known vulnerabilities. It fails where that service cannot be reached.
audit: .venv/dev
	$(BIN)/pip-audit --strict --disable-pip --requirement constraints.txt

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/demo: .venv/bin/python pyproject.toml constraints-demo.txt constraints-cpu.txt constraints-cuda.txt
	@echo "Installing the harness and the embedded model (0.7 GB to download, once; 3.2 GB with torch for CUDA) ..."
	@$(FOR_CPU)
	$(LOCKED) constraints-demo.txt
	@if $(FOR_CUDA); then $(LOCKED) constraints-cuda.txt; fi
	$(PROJECT)
	@$(COMPILE)
	@touch $@

.venv/dev: .venv/bin/python pyproject.toml constraints.txt constraints-cpu.txt constraints-cuda.txt
	@echo "Installing the harness with everything its tests need (about 1.5 GB, once) ..."
	@$(FOR_CPU)
	$(LOCKED) constraints.txt
	@if $(FOR_CUDA); then $(LOCKED) constraints-cuda.txt; fi
	$(PROJECT)
	@$(COMPILE)
	$(BIN)/python -m pip check
	@touch $@

clean:
	rm -rf .venv build dist runs adapters/demo

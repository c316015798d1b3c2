# A fresh machine needs Python 3.11 or newer and nothing else: `make demo`, or `make test`.
# With Java 17 and Maven the latter tests Spark too; CI insists on them.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
DEMO   ?= demo
PIP    := $(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt

.PHONY: demo test lint coverage bench chaos clean
.DEFAULT_GOAL := test

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "sfctl needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	@echo "making $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.demo: $(VENV)/.created pyproject.toml constraints.txt
	@echo "installing sfctl and what the demo needs (about 600 MB on disk)"
	@$(PIP) --editable '.[demo]'
	@touch $@

$(VENV)/.dev: $(VENV)/.created pyproject.toml constraints.txt
	@echo "installing sfctl and what its tests need (about 1 GB on disk)"
	@$(PIP) --editable '.[dev]'
	@$(VENV)/bin/python -m pip install --disable-pip-version-check --quiet --no-deps --upgrade \
	    --target $(VENV)/odcs-3.0.2 open-data-contract-standard==3.0.5
	@touch $@ $(VENV)/.demo

$(VENV)/.jars: $(VENV)/.dev sfctl/runtime/spark/pins.py
	@$(BIN)/sfctl stack fetch spark --to $(VENV)/jars && touch $@ \
	    || { echo "without Delta's jars the tests of Spark are skipped"; test -z "$$CI"; }

demo: $(VENV)/.demo   ## the life of a dataset on real flights, in a folder of its own
	@PATH="$(abspath $(BIN)):$$PATH" sh examples/demo.sh "$(DEMO)"

lint: $(VENV)/.dev    ## style, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint $(VENV)/.jars ## everything that must hold before a change is merged
	$(BIN)/pytest -n 2 --dist loadgroup

coverage: $(VENV)/.jars ## the same tests, twice as slow, with the lines that none of them reached
	$(BIN)/pytest -n 2 --dist loadgroup --cov --cov-report=term

chaos: $(VENV)/.jars  ## kill engines and writes from Spark at random steps, 50 and 30 times
	SFCTL_CHAOS_ROUNDS=50 $(BIN)/pytest -q tests/chaos/engines
	SFCTL_CHAOS_ROUNDS=30 $(BIN)/pytest -q tests/chaos/spark tests/integration/spark/test_bare.py \
	    tests/integration/spark/test_submit_ends.py

bench: $(VENV)/.jars  ## side by side with the neighbours; see bench/README.md
	$(BIN)/python -m bench

clean:                ## everything that can be made again
	rm -rf $(VENV) $(DEMO) dist build .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis

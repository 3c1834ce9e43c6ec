# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
# Windows puts the programs of a virtual environment into another folder.
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test lint browser bench-speed clean

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) torch
	$(INSTALL) -e '.[report]'
	touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(INSTALL) -e '.[test]'
	touch $@

demo: $(VENV)/installed  ## install, then the i-Mix experiment on real CovType rows with the baselines beside it
	$(BIN)/contramix demo

lint: $(VENV)/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

browser:  ## for the report's tests, where it can be installed; without one they are skipped
	@command -v chromium >/dev/null || (apt-get update && apt-get install -y --no-install-recommends chromium) >/dev/null 2>&1 || echo "no chromium: the report's browser tests are skipped"

test: lint browser  ## install with what the tests need, then lint, types and the whole suite
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

bench-speed: $(VENV)/installed-test  ## all that is measured of speed, on a quiet machine; writes bench/speed/RESULTS.md
	$(BIN)/python -m bench.speed.all
	$(BIN)/python -m bench.write_results

clean:
	rm -rf $(VENV) build src/*.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

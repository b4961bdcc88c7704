# `make demo` and `make test` do all the set-up: they create .venv in this checkout, and `make test`
# also .venv-api, where the tests run the Materials Project's own API server (other versions, so an
# environment of its own; LLAMP_API_PYTHON names an interpreter to use instead).
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
API_READY := $(if $(LLAMP_API_PYTHON),,.venv-api/ready)

.PHONY: demo test lint readme clean

demo: $(READY)
	$(BIN)/llamp-mcp demo

test: $(READY) $(API_READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

readme: $(READY)
	$(BIN)/python scripts/update_readme.py

clean:
	rm -rf .venv .venv-api

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[chgnet,mace,dev]'
	@touch $(READY)

.venv-api/ready: tests/loopback/requirements.txt
	$(PYTHON) -m venv .venv-api
	.venv-api/bin/python -m pip install --quiet --no-compile -r tests/loopback/requirements.txt
	@touch $@

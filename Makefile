# `make demo` and `make test` do all the set-up: they create .venv in this checkout, and `make test`
# also .venv-api, where the tests run the Materials Project's own API server (other versions, so an
# environment of its own; LLAMP_API_PYTHON names an interpreter to use instead) and the official MCP
# tools of tests/node, from npm, with the node that comes as a wheel.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
API_READY := $(if $(LLAMP_API_PYTHON),,.venv-api/ready)
NODE_READY := tests/node/node_modules/.ready

.PHONY: demo test lint readme bundle clean

demo: $(READY)
	$(BIN)/llamp-mcp demo

test: $(READY) $(API_READY) $(NODE_READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# what is made from the tools themselves: the README's table, their pages, the manifests
readme: $(READY)
	$(BIN)/python scripts/update_readme.py
	$(BIN)/python scripts/update_docs.py tools
	$(BIN)/python scripts/update_manifests.py

bundle: $(READY)
	$(BIN)/python scripts/build_bundle.py --pack

clean:
	rm -rf .venv .venv-api tests/node/node_modules dist

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

# Without the npm registry the tests that need it are skipped, and say so; not in CI.
$(NODE_READY): $(READY) tests/node/package-lock.json tests/node/unpack_chromium.mjs
	$(if $(CI),,-)$(BIN)/python -m tests.node.tools
	@touch -c $@

# make app      starts the app on this machine
# make install  makes the virtual environment alone: . .venv/bin/activate
# make test     runs the tests
# make lint     runs ruff and mypy
# Each makes .venv first and installs what is needed; a second run installs nothing.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet

# A version manager's stand-in may lie on PATH and not run, so each candidate is tried.
RIGHT := import sys, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))
PYTHON = $(shell for p in python3.11 python3.12 python3 python; do $$p -c '$(RIGHT)' 2>/dev/null && echo $$p && break; done)

.PHONY: app install test lint clean

app: $(VENV)/.app
	$(BIN)/python app.py

install: $(VENV)/.app

test: $(VENV)/.test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist worksteal

lint: $(VENV)/.test
	$(BIN)/ruff check
	$(BIN)/mypy

clean:
	rm -rf $(VENV) build *.egg-info

$(VENV)/.python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 with venv is needed: install it and run make again." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.app: $(VENV)/.python requirements.txt pyproject.toml
	$(PIP) -r requirements.txt
	$(PIP) --no-deps --editable .
	@touch $@

# Playwright only drives the system's Chromium; it downloads no browser.
$(VENV)/.test: $(VENV)/.app
	$(PIP) "pytest>=8" "pytest-xdist>=3.8" "playwright>=1.50" "ruff>=0.14" "mypy>=1.18"
	@touch $@

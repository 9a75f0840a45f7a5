.PHONY: run worker test lint bench shots clean
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

run: $(VENV)/run.stamp
	@exec $(BIN)/python main.py

worker: $(VENV)/run.stamp
	@exec $(BIN)/python huey_worker.py

test: $(VENV)/dev.stamp $(VENV)/browser.stamp
	$(BIN)/python -m pytest -n 2 --dist worksteal

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_architecture.py

bench: $(VENV)/dev.stamp $(VENV)/browser.stamp
	$(BIN)/python -m bench $(ONLY)

shots: $(VENV)/dev.stamp $(VENV)/browser.stamp
	$(BIN)/python -m bench.shots

$(VENV)/run.stamp: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { apt-get update -q && apt-get install -y -q python3-venv && $(PYTHON) -m venv $(VENV); }
	@echo "Installing what the program needs (once, about a minute)…"
	@$(PIP) .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp
	@echo "Installing what the tests need (once)…"
	@$(PIP) '.[dev]'
	@touch $@

# The browser tests use Debian's Chromium; CHROMIUM names another one.
$(VENV)/browser.stamp: | $(VENV)/run.stamp
	@command -v "$${CHROMIUM:-chromium}" >/dev/null || { apt-get update -q && apt-get install -y -q --no-install-recommends chromium; }
	@touch $@

clean:
	rm -rf $(VENV) build *.egg-info

.PHONY: run reset-password backup worker dev ready test test-jobs test-core test-others crash lint bench bench-ui profile shots clean
.DELETE_ON_ERROR:
MAKEFLAGS += --jobs=8
# Where it is set, each of the hundred processes that the tests start would compile the program anew.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TOOLS := build/bench
# pip compiles one file after the other, and the tests of every package too: a third of its time.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt
COMPILE := $(BIN)/python -m compileall -qq -j 0 -x '/tests/' $(VENV)/lib || true

run: $(VENV)/run.stamp
	@exec $(BIN)/python main.py

# EMAIL=anna@example.com: a link that sets a new password, for who is locked out.
reset-password: $(VENV)/run.stamp
	@$(BIN)/python -m core.reset_password "$(EMAIL)"

# TO=folder: a copy of the SQLite database and its key, also while the program runs.
backup: $(VENV)/run.stamp
	@$(BIN)/python -m core.backup "$(TO)"

worker: $(VENV)/run.stamp
	@exec $(BIN)/python huey_worker.py

# What has to be installed: to work on the program, and for all its tests.
dev: $(VENV)/dev.stamp
ready: dev $(VENV)/browser.stamp $(VENV)/axe.stamp $(VENV)/parsers.stamp $(VENV)/servers.stamp

test: test-jobs test-core test-others

# At once, as most tests of the jobs wait; those measure time, so the others give way to them. Those of core need least
# of what is fetched, so they begin while the rest of it comes.
test-jobs: ready
	$(BIN)/python -m pytest -n 2 --dist worksteal tests/jobs
test-core: dev $(VENV)/parsers.stamp
	nice -n 15 $(BIN)/python -m pytest -n 2 --dist worksteal tests/core
test-others: ready
	nice -n 10 $(BIN)/python -m pytest -n 3 --dist worksteal tests --ignore=tests/jobs --ignore=tests/core

# 200 kills over 5,000 mails per stack; ARGS="--seed 7" repeats one.
crash: $(VENV)/dev.stamp
	@$(BIN)/python -m tests.crash $(ARGS)

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_architecture.py

bench: $(VENV)/dev.stamp $(VENV)/browser.stamp $(TOOLS)/postfix.stamp $(TOOLS)/nodemailer.stamp
	$(BIN)/python -m bench $(ONLY)

bench-ui: $(VENV)/dev.stamp $(VENV)/browser.stamp
	$(BIN)/python -m bench ui

profile: $(VENV)/dev.stamp
	$(BIN)/python -m bench.profile $(ONLY)

shots: $(VENV)/dev.stamp $(VENV)/browser.stamp
	$(BIN)/python -m bench.shots

$(VENV)/made.stamp:
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { apt-get update -q && apt-get install -y -q python3-venv && $(PYTHON) -m venv $(VENV); }
	@touch $@

$(VENV)/run.stamp: pyproject.toml constraints.txt | $(VENV)/made.stamp
	@echo "Installing what the program needs (once, about a minute)…"
	@$(PIP) .
	@$(COMPILE)
	@touch $@

# With what the program needs, so that it is installed only once.
$(VENV)/dev.stamp: pyproject.toml constraints.txt | $(VENV)/made.stamp
	@echo "Installing what the program and its tests need (once, about a minute)…"
	@$(PIP) '.[dev]'
	@$(COMPILE)
	@touch $(VENV)/run.stamp $@

# What follows is fetched one after the other, as apt has a lock, beside what pip fetches.

# The browser tests use Debian's Chromium without windows, which takes a quarter less of a processor than the one with
# them; CHROMIUM names another one.
$(VENV)/browser.stamp: | $(VENV)/made.stamp
	@command -v "$${CHROMIUM:-chromium-headless-shell}" >/dev/null || { apt-get update -q && \
	  apt-get install -y -q --no-install-recommends chromium-headless-shell; } || \
	  command -v chromium >/dev/null || apt-get install -y -q --no-install-recommends chromium
	@touch $@

# Deque's axe-core judges in those tests whether every page can be used by everybody.
$(VENV)/axe.stamp: | $(VENV)/browser.stamp
	@command -v npm >/dev/null || { apt-get update -q && apt-get install -y -q --no-install-recommends nodejs npm; }
	@npm install --prefix $(VENV)/axe --no-save --no-audit --no-fund --loglevel=error axe-core@4.14.1
	@touch $@

# The yardsticks of the benchmarks. Debian's postfix is only unpacked: nothing is installed and no daemon is started.
# Where one cannot be had, its rows say so; "make clean" tries again.
$(TOOLS)/postfix.stamp: | $(VENV)/browser.stamp
	@mkdir -p $(TOOLS)/debs/partial $(TOOLS)/postfix
	@command -v smtp-source >/dev/null || test -x /usr/sbin/smtp-source || { apt-get update -q && \
	  apt-get install -y -q --download-only --no-install-recommends -o Dir::Cache::archives=$(CURDIR)/$(TOOLS)/debs postfix && \
	  for one in $(TOOLS)/debs/*.deb; do dpkg -x $$one $(TOOLS)/postfix; done; } || echo "smtp-source cannot be had here."
	@touch $@

$(TOOLS)/nodemailer.stamp: | $(TOOLS)/postfix.stamp
	@mkdir -p $(TOOLS)
	@npm install --silent --no-save --prefix $(TOOLS) nodemailer@10 || echo "nodemailer cannot be had here (it needs npm)."
	@touch $@

# Mail parsers and filters that are not ours judge the bytes that we send. Of opendkim, which would start a daemon, only
# the program is unpacked.
PARSERS := $(VENV)/parsers
DEBIAN_MAIL := mutt ripmime spamassassin
$(VENV)/parsers.stamp: | $(VENV)/axe.stamp
	@mkdir -p $(PARSERS)/debs/partial
	@{ command -v node && command -v npm; } >/dev/null || { apt-get update -q && apt-get install -y -q --no-install-recommends nodejs npm; }
	@dpkg -s $(DEBIAN_MAIL) >/dev/null 2>&1 || \
	  { apt-get update -q && apt-get install -y -q --no-install-recommends $(DEBIAN_MAIL); }
	@command -v opendkim >/dev/null || test -x /usr/sbin/opendkim || { apt-get update -q && \
	  apt-get install -y -q --download-only --no-install-recommends -o Dir::Cache::archives=$(CURDIR)/$(PARSERS)/debs opendkim && \
	  for one in $(PARSERS)/debs/*.deb; do dpkg -x $$one $(PARSERS)/opendkim; done; }
	@npm install --prefix $(PARSERS) --no-save --no-audit --no-fund --loglevel=error mailparser@3.7.2
	@touch $@

# Real mail servers, unpacked only: nothing is installed, no daemon is started but those of the tests on 127.0.0.1.
SERVERS := $(VENV)/servers
$(VENV)/servers.stamp: | $(VENV)/parsers.stamp
	@apt-get update -q
	@for name in postfix exim4-daemon-light opensmtpd dovecot-imapd; do \
	  mkdir -p $(SERVERS)/debs/$$name/partial $(SERVERS)/$$name && \
	  apt-get install -y -q --download-only --no-install-recommends \
	    -o Dir::Cache::archives=$(CURDIR)/$(SERVERS)/debs/$$name $$name && \
	  (cd $(SERVERS)/debs/$$name && apt-get download -q $$name) && \
	  for one in $(SERVERS)/debs/$$name/*.deb; do dpkg -x $$one $(SERVERS)/$$name; done || exit 1; \
	done
	@touch $@

clean:
	rm -rf $(VENV) build *.egg-info

# Every target does its own set-up. Needed beforehand: Python 3.11 or newer, git, make.
PYTHON ?= python3
BIN := .venv/bin
ELEMENT := tests/platforms/element
PACKAGES := $(if $(shell command -v npm),,nodejs npm) prosody profanity postgresql chromium chromium-driver fonts-noto-core gettext

.PHONY: run demo setup test lint lock catalogues servers soak clean

run: .venv/run
	$(BIN)/python -m bots run $(ARGS)

demo: .venv/run
	$(BIN)/python -m bots run --demo

# Everything that `run` needs, without running: for a service.
setup: .venv/run

test: servers .venv/test $(ELEMENT)/node_modules lint
	$(BIN)/python -m pytest $(ARGS)

lint: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The slow repeats: every crash cut, long fuzzing.
soak: servers .venv/test $(ELEMENT)/node_modules
	HYPOTHESIS_PROFILE=soak $(BIN)/python -m pytest $(ARGS)

# The messages that people see, collected for translators and put into each catalogue with their
# comments; what is gone leaves. The test says what lacks a translation. Needs GNU gettext.
catalogues: .venv/test
	$(BIN)/pybabel -q extract -F locales/babel.cfg -k Say -k SayMany:1,2 --no-location --sort-output \
	  -c Translators: --omit-header -w 100 -o locales/messages.pot .
	@for po in locales/*/LC_MESSAGES/messages.po; do \
	  msgmerge -q -N -w 100 $$po locales/messages.pot | msgattrib --no-obsolete -w 100 -o $$po; done
	$(BIN)/python -m pytest -q tests/locales

# The smaller lock follows the larger: what tests need may hold a library back.
lock: .venv/test
	$(BIN)/pip-compile -q $(LOCKING) --extra test -o requirements-test.lock pyproject.toml
	$(BIN)/pip-compile -q $(LOCKING) -c requirements-test.lock -o requirements.lock pyproject.toml
LOCKING := --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header \
  --no-annotate --strip-extras --allow-unsafe

# The two things that a machine may lack, each in one line.
define VENV
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
  { echo "Python 3.11 or newer is needed. If it has another name: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; exit 1; }
@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
  { echo "Python's venv is missing. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
$(PYTHON) -m venv .venv
endef

.venv/run: requirements.lock
	$(VENV)
	$(BIN)/pip install -q --require-hashes -r requirements.lock
	touch $@

.venv/test: requirements-test.lock
	$(VENV)
	$(BIN)/pip install -q --require-hashes -r requirements-test.lock
	touch $@ .venv/run

# The Matrix client that the tests talk with.
$(ELEMENT)/node_modules: $(ELEMENT)/package-lock.json
	if command -v npm >/dev/null; then cd $(ELEMENT) && \
	  npm ci --silent --no-audit --no-fund --ignore-scripts && touch node_modules; fi

# Test servers from Debian, where this may install them; elsewhere the tests say what is missing.
servers:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  missing=$$(for p in $(PACKAGES); do \
	    dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
	  if [ -n "$$missing" ]; then apt-get update -q && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing; fi; fi

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis

# The commands of Openfield; `make` alone lists them. They write to .venv/, to var/ and to the caches of the tools;
# Debian packages are installed only where one is missing, with apt.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.SILENT:
.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help demo demo-reset demo-stopped test test-sqlite test-postgres lint lock venv install develop packages
unexport DJANGO_SETTINGS_MODULE

PYTHON ?= python3
PORT ?= 8000
JOBS ?= 2
PY := .venv/bin/python
DEMO_DIR := $(CURDIR)/var/demo

help:
	echo "make demo         the whole site with its demonstration data, on http://127.0.0.1:$(PORT)/ (PORT=… for another)"
	echo "make demo-reset   forget the demonstration data; the next make demo starts afresh"
	echo "make test         lint, every test on SQLite and in a real browser, and on PostgreSQL what asks the database (JOBS=$(JOBS))"
	echo "make lint         style, types, templates, migrations and settings only"
	echo "make lock         renew requirements*.txt after a change of requirements*.in (UPGRADE=1: the newest of all)"

# --- The demonstration ----------------------------------------------------------------------------

# What the production server would get from its environment.
demo: export DATA_DIR := $(DEMO_DIR)
demo: export SECRET_KEY_FILE := $(DEMO_DIR)/secret-key
demo: export ALLOWED_HOSTS := 127.0.0.1,localhost
demo: export DEBUG := 0
demo: export DEMO := 1
demo: export HTTPS := 0
# The browser that makes PDFs has no sandbox where root starts it.
demo: export PDF_SANDBOX := $(if $(filter 0,$(shell id -u)),0,1)
demo: demo-stopped install
	unset DATABASE_URL DATABASE_URL_FILE BEHIND_PROXY CSRF_TRUSTED_ORIGINS
	$(PY) -c 'import socket, sys; s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); \
		s.bind(("127.0.0.1", int(sys.argv[1])))' "$(PORT)" 2>/dev/null \
		|| { echo "Port $(PORT) is taken or none; name another: make demo PORT=8001" >&2; exit 1; }
	mkdir -p "$(DEMO_DIR)"
	[ -s "$(DEMO_DIR)/secret-key" ] || (umask 077; $(PY) -c 'import secrets; print(secrets.token_urlsafe(64))' > "$(DEMO_DIR)/secret-key")
	# Without the mark, an earlier start was stopped while it loaded: what it left is half a demonstration.
	[ -s "$(DEMO_DIR)/openfield.sqlite3" ] || rm -f "$(DEMO_DIR)/loaded"
	[ -e "$(DEMO_DIR)/loaded" ] || rm -rf "$(DEMO_DIR)"/openfield.sqlite3* "$(DEMO_DIR)/files"
	echo "Preparing the database …"
	$(PY) manage.py migrate --verbosity 0
	if [ ! -e "$(DEMO_DIR)/loaded" ]; then
		echo "Loading the demonstration data (once) …"
		$(PY) manage.py load_demo
		touch "$(DEMO_DIR)/loaded"
	fi
	# Built again when a file, a package or Python has changed.
	built="$(DEMO_DIR)/static.sha256"
	now=$$({ $(PY) --version; sha256sum requirements.txt config/settings.py; find . \( -path ./.venv -o -path ./var \) -prune \
		-o -path '*/static/*' -type f -print0 | sort --zero-terminated | xargs --null sha256sum; } | sha256sum)
	if [ "$$now" != "$$(cat "$$built" 2>/dev/null)" ]; then
		echo "Collecting the static files …"
		rm -rf "$(DEMO_DIR)/static" "$$built"
		$(PY) manage.py collectstatic --noinput
		echo "$$now" > "$$built"
	fi
	echo
	echo "Openfield is at http://127.0.0.1:$(PORT)/ and its admin at http://127.0.0.1:$(PORT)/admin/ (Ctrl-C stops it)."
	$(PY) manage.py load_demo --accounts
	echo
	$(PY) manage.py work --with-parent & # large imports; it ends with this shell
	$(PY) -m gunicorn config.wsgi --bind 127.0.0.1:$(PORT) --worker-class gthread --workers 2 --threads 4 \
		--pid "$(DEMO_DIR)/gunicorn.pid" --no-control-socket

demo-reset: demo-stopped
	rm -rf "$(DEMO_DIR)"
	echo "The demonstration data are gone; make demo starts afresh."

demo-stopped:
	if pid=$$(cat "$(DEMO_DIR)/gunicorn.pid" 2>/dev/null) && kill -0 "$$pid" 2>/dev/null; then
		echo "The demonstration is running (process $$pid); stop it first: kill $$pid" >&2
		exit 1
	fi

# --- Tests ----------------------------------------------------------------------------------------

# All three run, whatever fails; any failure makes the whole fail. With `exec`, here and below, an interruption
# reaches what runs, which then tidies up.
test:
	exec $(MAKE) --keep-going --no-print-directory lint test-sqlite test-postgres

PYTEST := $(PY) -m pytest --numprocesses $(JOBS) --dist worksteal $(PYTEST_ARGS)

test-sqlite: develop packages
	echo "— Tests on SQLite"
	unset DATABASE_URL DATABASE_URL_FILE
	exec $(PYTEST)

test-postgres: develop packages
	echo "— Tests on PostgreSQL"
	exec $(PY) tests/postgres.py $(PYTEST)

# The settings are production's own; var/lint is an empty place for them.
lint: develop
	unset DEBUG HTTPS DATABASE_URL DATABASE_URL_FILE SECRET_KEY_FILE
	export SECRET_KEY=$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(64))')
	export ALLOWED_HOSTS=openfield.example DATA_DIR="$(CURDIR)/var/lint"
	failed=
	check() { echo "— $$*"; $(PY) "$$@" || failed="$$failed; $$*"; }
	check -m ruff check .
	check -m ruff format --check .
	check -m mypy
	check -m djlint --lint --quiet .
	check manage.py makemigrations --check --dry-run
	check manage.py check --deploy --fail-level WARNING
	[ -z "$$failed" ] || { echo "make lint failed in: $${failed#; }" >&2; exit 1; }

# --- What the above needs -------------------------------------------------------------------------

lock: develop
	for name in requirements requirements-dev; do
		echo "Locking $$name.txt …"
		$(PY) -m uv --quiet pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
			$(if $(UPGRADE),--upgrade) $$name.in --output-file $$name.txt > /dev/null
	done

# $(call apt,packages): installs Debian packages, as root or through sudo.
define apt
	cannot() { echo "Missing on this machine: $(1). $$1, then start again." >&2; exit 1; }
	sudo=
	command -v apt-get >/dev/null || cannot "There is no apt here: install what corresponds to them"
	if [ "$$(id -u)" != 0 ]; then
		command -v sudo >/dev/null || cannot "Have an administrator run: apt-get install $(1)"
		sudo=sudo
	fi
	echo "Installing with apt: $(1)"
	$$sudo apt-get update || true
	$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $(1) \
		|| cannot "apt could not install them (see above): install them by hand"
endef

# $(call pip,file): installs the locked packages of a file, unless this very file was installed already.
define pip
	if ! sha256sum --check --status .venv/$(1).sha256 2>/dev/null; then
		echo "Installing the packages of $(1) into .venv …"
		$(PY) -m pip install --disable-pip-version-check --require-hashes --requirement $(1)
		sha256sum $(1) > .venv/$(1).sha256
	fi
endef

install: venv
	$(call pip,requirements.txt)

develop: install
	$(call pip,requirements-dev.txt)

venv:
	if ! $(PY) -m pip --version >/dev/null 2>&1; then
		$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
			|| { echo "Openfield needs Python 3.11 or later, as $(PYTHON) or named: make PYTHON=python3.13 …" >&2; exit 1; }
		echo "Making the virtual environment .venv …"
		rm -rf .venv
		if ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then
			# Debian keeps this part of Python in a package of its own.
			$(call apt,python3-venv)
		fi
		$(PYTHON) -m venv .venv
	fi

# The database server, the browser and msgfmt that the tests use.
packages: develop
	missing=
	$(PY) tests/postgres.py --find >/dev/null 2>&1 || missing="$$missing postgresql"
	if ! command -v chromium-headless-shell chromium chromium-browser >/dev/null; then
		# The headless build is quicker; not every system that has Chromium has it.
		shell=chromium-headless-shell
		missing="$$missing $$(apt-cache show $$shell >/dev/null 2>&1 && echo $$shell || echo chromium)"
	fi
	command -v msgfmt >/dev/null || missing="$$missing gettext"
	command -v java >/dev/null || missing="$$missing default-jre-headless"
	if [ -n "$$missing" ]; then
		$(call apt,$${missing# })
		case "$$missing" in *postgresql*)
			# Debian starts a server of its own at once; the tests do not use it, so it does not stay.
			$$sudo service postgresql stop || true
		esac
	fi

# `make run` and `make test` do everything on a fresh machine; nothing has to be installed by hand.

PYTHON ?= python3
VENV := .venv
NODE := .venv-node
BIN := $(VENV)/bin
TRAINING := .venv-training
PIP := -m pip --disable-pip-version-check --quiet

# Node.js comes from the package registry too: to build the web app, and to fetch one of the networks.
export PATH := $(CURDIR)/$(NODE)/bin:$(PATH)

.PHONY: run test check audit bench format training-env models samples web api-client browser servers dashboards k8s dist clean help

help:  ## what can be made
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

run: $(VENV)/.service .env models  ## set up, fetch the default networks, start service and web app
	-@$(MAKE) --no-print-directory web || echo "the web app could not be built; the API works without it"
	$(BIN)/facekey serve

test: $(VENV)/.dev models samples  ## set up and run the whole suite
	-@$(MAKE) --no-print-directory web browser || echo "web app or browser: not available, their tests will skip"
	-@$(MAKE) --no-print-directory servers || echo "nginx or Prometheus: not available, their tests will skip"
	-@$(MAKE) --no-print-directory training-env || echo "training environment: not available, its tests will skip"
	$(BIN)/pytest -n 2 --dist loadfile tests  # a file's services and browsers are started once

check: $(VENV)/.dev frontend/node_modules/.ready  ## formatting, lint, types, import contracts, the web app's logic
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit -q -r src app
	frontend/scripts/client.sh $(CURDIR)/$(BIN)/python --check
	cd frontend && npm run --silent check && npm run --silent test

audit: $(VENV)/.dev  ## bandit over the code, pip-audit over what is locked (needs the internet)
	$(BIN)/bandit -q -r src app
	$(BIN)/pip-audit --disable-pip -r requirements.txt

format: $(VENV)/.dev frontend/node_modules/.ready  ## put the code into its form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	cd frontend && npm run --silent format

models: $(VENV)/.service $(NODE)/.ready  ## fetch and verify the default networks
	$(BIN)/facekey models pull

samples: $(VENV)/.service  ## fetch the public photos of the tour
	$(BIN)/facekey samples pull

web: frontend/dist/index.html  ## build the web app

api-client: $(VENV)/.service frontend/node_modules/.ready  ## make the web app's types from the API's description
	frontend/scripts/client.sh $(CURDIR)/$(BIN)/python

browser: $(VENV)/.dev  ## a Chromium for the tests of the web app, if one can be installed
	@$(BIN)/python -m tests.browser

servers: $(VENV)/.dev  ## nginx, Prometheus and kubectl for the tests, unpacked from Debian's packages
	@$(BIN)/python -m tests.debian

dashboards: $(VENV)/.service  ## make deployment/grafana/dashboards again out of the Python beside it
	$(BIN)/python deployment/grafana/make_dashboards.py

k8s: $(VENV)/.dev  ## make deployment/k8s/facekey.yaml and the operator's alerts again (needs kubectl)
	$(BIN)/python deployment/k8s/render.py

dist: $(VENV)/.service models samples  ## what a release has: wheel, sdist, edge bundle
	rm -rf dist
	$(BIN)/hatchling build -d dist
	$(BIN)/facekey export edge --precision int8 --out dist/facekey-edge-int8
	tar -C dist -czf dist/facekey-edge-int8.tar.gz facekey-edge-int8
	rm -r dist/facekey-edge-int8

image-steps: $(VENV)/.dev  ## carry out every step of the Dockerfiles in a folder, with the registries (minutes)
	$(BIN)/python -m tests.deployment.image_steps

training-env: $(TRAINING)/.ready  ## torch and what training needs, apart from the service

bench: $(VENV)/.dev models  ## measure speed, a quarter of an hour: make bench [NAMES="latency peers"] [DATA=<folder>] [ALL=1]
	$(BIN)/python -m bench $(NAMES) $(if $(DATA),--data $(DATA)) $(if $(ALL),--all)

.env: | $(VENV)/.service
	@umask 077 && { echo "# Made by make run. Without ENCRYPTION_KEY nothing that is stored can be read again."; \
	  echo "ENCRYPTION_KEY=$$($(BIN)/facekey keys new)"; \
	  echo "# Signs the access tokens of operators; a new one signs everybody out."; \
	  echo "SECRET_KEY=$$($(BIN)/facekey keys new)"; } > $@.part && mv $@.part $@
	@echo "made .env with new keys; keep a copy of ENCRYPTION_KEY in a safe place"

# The developers' environment holds everything of the service's, so one folder serves both.
$(VENV)/.service: requirements.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP) install --require-hashes -r requirements.txt
	$(BIN)/python $(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.service
	$(BIN)/python $(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@

$(NODE)/.ready: requirements-node.txt
	test -x $(NODE)/bin/python || $(PYTHON) -m venv $(NODE)
	$(NODE)/bin/python $(PIP) install --require-hashes -r requirements-node.txt
	@touch $@

frontend/node_modules/.ready: frontend/package-lock.json $(NODE)/.ready
	cd frontend && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

frontend/dist/index.html: $(shell find frontend/src frontend/public frontend/scripts -type f) frontend/index.html frontend/vite.config.ts frontend/node_modules/.ready
	cd frontend && npm run --silent build

# torch is named here and not in the lock: its builds for CPU and GPU share a version, not a hash.
$(TRAINING)/.ready: requirements-training.txt pyproject.toml
	test -x $(TRAINING)/bin/python || $(PYTHON) -m venv $(TRAINING)
	$(TRAINING)/bin/python $(PIP) install torch==2.13.0
	$(TRAINING)/bin/python $(PIP) install --require-hashes -r requirements-training.txt
	$(TRAINING)/bin/python $(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

clean:  ## remove the environments (not the data, the key or the networks)
	rm -rf $(VENV) $(NODE) $(TRAINING) frontend/node_modules frontend/dist

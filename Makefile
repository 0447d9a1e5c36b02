# Every target installs what it needs first; a second call finds it done.
# Any Python 3 installs uv. Is it no 3.11, uv finds one for the runtimes, or brings one.
PYTHON ?= python3
UV := .venv/uv/bin/uv
UV_VERSION := 0.13.8
TRAINING := .venv/training/bin/python
SERVING := .venv/serving/bin
# Without bytecode each step of a run would compile thousands of modules anew.
export UV_COMPILE_BYTECODE := 1
unexport PYTHONDONTWRITEBYTECODE
DOCKER ?= docker
BASE_IMAGE ?= docker.io/library/python:3.11-slim-bookworm
IMAGE_PREFIX ?=
BUILD_FLAGS ?=
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
IMAGE = $(patsubst %/,%,$(IMAGE_PREFIX))$(if $(IMAGE_PREFIX),/)kanaria-$(1):$(VERSION)
# Indexes and proxies of the environment reach the build; nothing of them is in the images.
FROM_ENVIRONMENT := PIP_INDEX_URL UV_DEFAULT_INDEX \
  HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy
PASSED_ON = $(foreach name,$(FROM_ENVIRONMENT),$(if $($(name)),$(name)))
BUILD_ARGUMENTS = BASE_IMAGE=$(BASE_IMAGE) UV_VERSION=$(UV_VERSION) VERSION=$(VERSION) \
  REVISION=$(shell git rev-parse HEAD 2> /dev/null) \
  $(PASSED_ON)
LOCKED := uv.lock pyproject.toml setup.cfg Makefile
ALIBI_TESTS := serving/drift/tests/alibi
FEAST := components/join
FEAST_TESTS := $(FEAST)/tests/feast
# Two files of tests at a time, in the order named, the long ones first; the tests of one file stay
# in one process, which shares their fixtures.
PYTEST := -I -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder
TRAINING_TESTS := $(foreach step,ingest validate transform train tune evaluate explain export detect predict,components/$(step)/tests) \
  $(FEAST)/tests/test_join_rows.py

.DEFAULT_GOAL := help
.PHONY: help install demo demo-drift test test-training test-serving test-alibi check check-style check-types check-imports format regenerate bench
.PHONY: notebooks clean images image-training image-control image-explain image-gpu image-with image-alibi test-images test-cluster test-cluster-pods test-prometheus
.PHONY: coverage docs sbom wheel test-wheel spark image-spark test-spark test-beam test-kafka feast image-feast test-feast lock-feast test-mlflow test-template

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: ## Install both runtimes under .venv (done once; again only when the lock changes).
	@if $(MAKE) -q .venv/training/.synced .venv/serving/.synced; then \
	  echo "The environments are up to date."; \
	else $(MAKE) --no-print-directory .venv/training/.synced .venv/serving/.synced; fi

$(UV): Makefile
	@command -v $(PYTHON) > /dev/null || \
	  { echo "error: no $(PYTHON) here; Debian and Ubuntu: sudo apt-get install git make python3-venv"; exit 1; }
	@$(PYTHON) .github/scripts/check_machine.py
	$(PYTHON) -m venv --clear .venv/uv
	$(UV:uv=python) -m pip install --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

# The runtimes' interpreter, as uv is told of it: PYTHON itself, or the version to find or to bring.
RUNTIME_PYTHON = $(shell $(PYTHON) -c 'import sys; print(sys.executable if sys.version_info[:2] == (3, 11) else "3.11")')

define sync
	@$(UV) python find --no-project "$(RUNTIME_PYTHON)" > /dev/null 2>&1 \
	|| { echo "No Python 3.11 here; uv brings one."; $(UV) python install --no-bin 3.11; } \
	|| { echo "error: Kanaria runs on Python 3.11, which is not here, and uv could not bring it (above is why);" \
	  "install it and name it: make PYTHON=/path/to/python3.11 install"; exit 1; }
	UV_PROJECT_ENVIRONMENT=.venv/$(1) $(UV) sync --frozen --python "$(RUNTIME_PYTHON)" \
	  $(addprefix --extra ,$(2)) $(addprefix --group ,$(3)) $(4)
	@$(UV:uv=python) .github/scripts/name_tensorflow.py .venv/$(1)/lib/python3.11/site-packages
	$(if $(filter alibi,$(1)),,@.venv/$(1)/bin/python -I components/shared/html_report/chart_library.py)
	@touch $@
endef

# On a machine with a GPU: make GPU=1 install.
WITHOUT_GPU := --no-install-package tensorflow --group
TRAINING_EXTRA := $(if $(GPU),training-gpu,training)
TRAINING_CPU := $(if $(GPU),,$(WITHOUT_GPU) cpu)

.venv/training/.synced: $(LOCKED) | $(UV)
	$(call sync,training,$(TRAINING_EXTRA),test servers,$(TRAINING_CPU))

# pyspark changes no other package of the training environment.
.venv/training/.spark: .venv/training/.synced
	$(call sync,training,$(TRAINING_EXTRA) spark,test servers,$(TRAINING_CPU))

.venv/serving/.synced: $(LOCKED) | $(UV)
	$(call sync,serving,serving explain,test kserve servers lint demo notebooks,$(WITHOUT_GPU) serving-cpu)

# Of its packages the tests import few, so what is imported is compiled then, and nothing else.
.venv/alibi/.synced: export UV_COMPILE_BYTECODE := 0
.venv/alibi/.synced: $(LOCKED) | $(UV)
	$(call sync,alibi,alibi,test,$(WITHOUT_GPU) cpu)

demo: install ## Train on real flights, deploy, roll out a 10 % canary, judge live traffic.
	@$(SERVING)/python -m kanaria.pipelines.flights.demo

demo-drift: install ## Let drift in live traffic start a retraining that rolls itself out.
	@$(SERVING)/python -m kanaria.pipelines.flights.retraining

test: test-training test-serving test-alibi ## Run all tests, each part in its runtime.

test-training: install ## Run the tests of the steps that compute on data.
	$(TRAINING) $(PYTEST) $(TRAINING_TESTS)

# Machines that share the work are given a part each (SERVING_TESTS).
SERVING_TESTS ?= tests/integration tests/unit components pipelines serving
test-serving: install ## Run all other tests.
	$(SERVING)/python $(PYTEST) $(SERVING_TESTS) \
	  $(addprefix --ignore=,$(TRAINING_TESTS) $(ALIBI_TESTS) $(FEAST_TESTS))

# Steps that tests start as processes of their own are not counted.
coverage: install ## Run test-training and test-serving with the share of lines and branches that they reach.
	rm -rf build/coverage && mkdir -p build/coverage
	for part in training serving; do \
	  COVERAGE_FILE=$(CURDIR)/build/coverage/.coverage.$$part PYTEST_ADDOPTS="--cov --cov-report=" \
	    $(MAKE) --no-print-directory test-$$part || exit; done
	$(SERVING)/coverage combine --keep --data-file=build/coverage/.coverage build/coverage
	$(SERVING)/coverage report --data-file=build/coverage/.coverage

# alibi-detect wants the old Keras; its licence allows tests, not production.
test-alibi: .venv/alibi/.synced ## Compare the drift detectors with the real alibi-detect.
	TF_USE_LEGACY_KERAS=1 TF_CPP_MIN_LOG_LEVEL=3 .venv/alibi/bin/python $(PYTEST) $(ALIBI_TESTS)

# Feast fits beside no other runtime, so uv.lock has none of it: a list of its own, with hashes.
.venv/feast/.synced: $(FEAST)/requirements.txt $(FEAST)/tests/requirements.txt setup.cfg pyproject.toml | $(UV)
	$(UV) venv --no-project --clear --python "$(RUNTIME_PYTHON)" .venv/feast
	$(UV) pip sync --require-hashes --python .venv/feast/bin/python \
	  $(FEAST)/requirements.txt $(FEAST)/tests/requirements.txt
	$(UV) pip install --no-deps --python .venv/feast/bin/python --editable .
	@touch $@

feast: .venv/feast/.synced ## Install the runtime of the feature store's steps (Feast).

test-feast: install .venv/feast/.synced ## Test training and serving with a real Feast, its server and PostgreSQL.
	.venv/feast/bin/python $(PYTEST) $(FEAST_TESTS)
	$(SERVING)/python -I -m pytest tests/feast

lock-feast: | $(UV) ## Choose the versions of the runtime feast anew.
	for folder in $(FEAST) $(FEAST)/tests; do \
	  $(UV) pip compile --no-config --quiet --upgrade --generate-hashes --no-annotate --python-version 3.11 \
	    --python-platform x86_64-manylinux_2_28 --custom-compile-command "make lock-feast" \
	    $$folder/requirements.in --output-file $$folder/requirements.txt || exit; done

# -P keeps this folder out of the path, as -I does, but lets PYTHONPATH name the helpers of tests.
CLUSTER := PYTHONPATH=$(CURDIR)/tests/cluster:$(CURDIR)/tests/prometheus:$(CURDIR)/serving/traffic/tests/contract:$(CURDIR)/serving/rollout/control/tests/worlds $(SERVING)/python -P -m
test-cluster: install ## Test against a control plane of our own (root and Go; the first build is long).
	$(CLUSTER) control_plane run simulated $(SERVING)/python -P -m pytest tests/cluster/simulated

test-cluster-pods: install ## The same with real pods.
	$(CLUSTER) control_plane run pods $(SERVING)/python -P -m pytest tests/cluster/pods

spark: .venv/training/.spark ## Add pyspark to the training runtime, for engine: spark (Java 17 too).

wheel: $(UV) ## Build the wheel and the source archive in dist.
	$(UV) build --clear --out-dir dist

test-wheel: install ## Build the wheel and use it in environments where nothing else is.
	$(SERVING)/python -I -m pytest tests/wheel

test-template: install ## Make a project with `kanaria init`, and call everything in it (minutes).
	$(SERVING)/python -I -m pytest tests/template

test-spark: .venv/training/.spark ## Test on a Spark cluster of our own: a master, two workers (needs Java 17).
	@command -v java > /dev/null || \
	  { echo "error: no java here; Debian and Ubuntu: sudo apt-get install openjdk-17-jre-headless"; exit 1; }
	$(TRAINING) -I -m pytest tests/spark

test-beam: install ## Test Beam's portable pipelines on Prism (Go; the first build takes minutes).
	PYTHONPATH=$(CURDIR)/tests/cluster $(TRAINING) -P -m pytest tests/beam

BROKER_TOOLS = command -v java > /dev/null && command -v mvn > /dev/null || \
  { echo "error: no java or no mvn here; Debian and Ubuntu: sudo apt-get install openjdk-17-jre-headless maven"; exit 1; }

test-kafka: install ## Test streams and triggers on a real Kafka broker (Java 17 and Maven).
	@$(BROKER_TOOLS)
	$(SERVING)/python -I -m pytest tests/kafka

test-mlflow: install .venv/mlflow/.synced ## Test runs and releases in a real MLflow, on SQLite and on PostgreSQL.
	$(SERVING)/python -I -m pytest tests/mlflow

# The server in an environment of its own: no package of it is in any runtime.
.venv/mlflow/.synced: tests/mlflow/mlflow_requirements.txt | $(UV)
	$(UV) venv --no-project --seed --clear --python "$(RUNTIME_PYTHON)" .venv/mlflow
	$(UV) pip install --python .venv/mlflow/bin/python --requirement $<
	@touch $@

test-prometheus: install ## Test metrics, alerts and dashboards on a real Prometheus, Alertmanager and Kafka (Debian packages).
	@$(BROKER_TOOLS)
	$(SERVING)/python -I -m pytest tests/prometheus

# What builds the site changes no other package of the serving runtime.
.venv/serving/.docs: .venv/serving/.synced
	$(call sync,serving,serving explain,test kserve servers lint demo notebooks docs,$(WITHOUT_GPU) serving-cpu)

docs: .venv/serving/.docs ## Build the documentation as a site in build/docs; a warning is an error.
	$(SERVING)/sphinx-build --fail-on-warning --keep-going --quiet -c docs . build/docs

# mypy sees the folders under the name they are imported by.
build/typing/kanaria:
	@mkdir -p $@
	@for part in components pipelines serving; do ln -sfn $(CURDIR)/$$part $@/$$part; done

# Helpers of tests need not say their types; where they do, or mypy infers them, they must be right.
HELPERS_MAY := --follow-imports silent --allow-untyped-defs --allow-incomplete-defs --allow-untyped-calls \
  --allow-any-generics

check: check-style check-types check-imports ## Lint, check types, imports, what is declared, and the lock.

check-style: install
	$(SERVING)/ruff format --check .
	$(SERVING)/ruff check .
	$(UV) lock --check --quiet

check-types: install build/typing/kanaria
	$(SERVING)/mypy
	@$(SERVING)/python -I .github/scripts/shared_helpers.py build/typing-helpers
	MYPYPATH=build/typing-helpers:tests/cluster:build/typing $(SERVING)/mypy $(HELPERS_MAY) \
	  build/typing-helpers tests/cluster/control_plane

check-imports: install
	$(SERVING)/lint-imports
	$(SERVING)/deptry components pipelines serving

format: install ## Format the code and mend what the linter can mend.
	$(SERVING)/ruff format .
	$(SERVING)/ruff check --fix .

regenerate: install ## Write the compiled pipelines and the generated README tables anew.
	for name in train_and_deploy retrain promote watch_for_drift score; do \
	  $(SERVING)/kanaria compile $$name -o pipelines/$$name/pipeline.yaml || exit; done
	$(SERVING)/python .github/scripts/readme_tables.py
	$(SERVING)/python .github/scripts/reference_pages.py
	$(SERVING)/python .github/scripts/alert_manifests.py
	$(SERVING)/python .github/scripts/grafana_dashboards.py

notebooks: install ## Execute the notebooks' scripts, and write them with what they show.
	$(SERVING)/python -I tests/integration/notebook_runs.py

bench: install .venv/tfx/.synced .venv/alibi/.synced ## Measure Kanaria beside TFX, Beam, KServe and alibi-detect (BENCH=options; an hour).
	$(SERVING)/python tests/benchmarks/bench.py $(BENCH)

# The peer in an environment of its own: TFX 1.16 knows no Python after 3.10.
.venv/tfx/.synced: tests/benchmarks/taxi/tfx_requirements.txt | $(UV)
	$(UV) venv --no-project --seed --clear --python 3.10 .venv/tfx
	$(UV) pip install --python .venv/tfx/bin/python --requirement $<
	@touch $@

images: ## Build the training and the control image from BASE_IMAGE with any engine (DOCKER).
	@$(MAKE) --no-print-directory --jobs 2 image-training image-control

image-training image-control: image-%:
	$(call build,$*,runtime)

image-gpu: ## Build the training image for GPU nodes: TensorFlow's kernels for GPUs, CUDA, cuDNN.
	$(call build,training-gpu,gpu)

image-feast: ## Build the image of the feature store's steps and of Feast's own servers.
	$(call build,feast,runtime)

image-spark: ## Build the training image with pyspark and Java: steps on Spark, and its executors.
	$(call build,training-spark,spark)

# The tag has the hash of the list: the same that a config's requirements_file gives.
image-with: BELOW = $(call IMAGE,training$(if $(GPU),-gpu))
image-with: WITH = $(BELOW)-with-$(shell sha256sum "$(or $(REQUIREMENTS),/dev/null)" | cut -c1-12)
image-with: ## Build the training image with own packages (REQUIREMENTS=requirements.txt; GPU=1).
	@test -f "$(REQUIREMENTS)" || { echo "error: name the list: make image-with REQUIREMENTS=requirements.txt"; exit 1; }
	$(if $(GPU),$(call build,training-gpu,gpu),$(call build,training,runtime))
	@rm -rf build/own-packages && mkdir -p build/own-packages
	@cp pyproject.toml uv.lock build/own-packages && cp "$(REQUIREMENTS)" build/own-packages/requirements.txt
	started=$$(date +%s); \
	nice $(DOCKER) build $(BUILD_FLAGS) --platform linux/amd64 --file Dockerfile.own-packages --tag $(WITH) \
	  --build-arg TRAINING_IMAGE=$(BELOW) --build-arg UV_VERSION=$(UV_VERSION) \
	  $(addprefix --build-arg ,$(PASSED_ON)) build/own-packages && $(call built,$(WITH))

image-explain: ## Build the control image with SHAP, for KServe explainers.
	$(call build,explain,runtime)

image-alibi: ## Build the image with alibi-detect (BSL 1.1: production use needs a licence of Seldon's).
	$(call build,alibi,alibi)

# The last line says what was built, its size and the seconds it took.
define build
	started=$$(date +%s); \
	nice $(DOCKER) build $(BUILD_FLAGS) --platform linux/amd64 --target $(2) --tag $(call IMAGE,$(1)) \
	  --build-arg RUNTIME=$(1) $(addprefix --build-arg ,$(BUILD_ARGUMENTS)) . && $(call built,$(call IMAGE,$(1)))
endef

built = echo "$(1) $$(( $$($(DOCKER) image inspect --format '{{.Size}}' $(1)) / 1000000 )) MB in $$(( $$(date +%s) - started )) s"

# An image holds its own as /opt/kanaria/sbom.cdx.json, with the packages of its base.
sbom: $(UV) ## Write the bills of materials (CycloneDX) of the runtimes in build/sbom.
	@mkdir -p build/sbom
	@for runtime in training control; do \
	  sh .github/scripts/runtime_packages.sh $(UV) . $$runtime --format cyclonedx1.5 --preview-features sbom-export \
	    --output-file build/sbom/python.json > /dev/null \
	  && $(PYTHON) .github/scripts/image_sbom.py $$runtime $(VERSION) build/sbom/python.json build/sbom/kanaria-$$runtime.cdx.json \
	  && echo build/sbom/kanaria-$$runtime.cdx.json || exit; \
	done
	@rm build/sbom/python.json

test-images: install ## Build the images and run a whole job in them (as root: own engine, own base).
	$(SERVING)/python -I -m pytest tests/images

clean: ## Remove what make and the demo made (environments and runs).
	rm -rf .venv .kanaria build dist

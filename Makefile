# Every target is one thin call of pytest or `python -m local ...`: all of it can be run without make, too.
.PHONY: demo serve test lint kusto sbom audit bench package requirements

# Python 3.12 (what runs in Azure) or 3.11: the first that answers, for a version manager's shim may exist and not run.
PYTHON ?= $(shell for python in python3.12 python3.11 python3 python; do \
	$$python -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null && echo $$python && break; done)
RUN := .venv/bin/python
KUSTO := tests/infra/kusto
# Extras stay in the pins: without them pip takes one that a pin does not name (coverage[toml]) for an unpinned package.
EXPORT := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links

demo: .venv/ready        ## take tagged VMs from an Event Grid event to Protected, on this machine
	$(RUN) -m local demo

serve: .venv/ready       ## keep the simulator and the host running (PORT, SIM_PORT, STATE_DIR)
	$(RUN) -m local serve

test: .venv/ready .venv-infra/ready kusto lint  ## everything CI runs (four at a time, whatever the cores: most tests wait for Azure)
	$(RUN) -m pytest -n 4 --dist worksteal --cov --cov-report=term

lint: .venv/ready
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-logo

kusto:                   ## Microsoft's parser of Kusto queries, for the tests of infra/ (needs npm; without it they are skipped)
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(KUSTO)/node_modules/.package-lock.json; \
		else echo "npm is not here: the tests of Kusto queries are skipped"; fi

sbom: .venv-infra/ready  ## what the deployed app consists of, as CycloneDX
	.venv-infra/bin/cyclonedx-py requirements requirements.txt --of JSON -o sbom.json

audit: .venv-infra/ready ## known vulnerabilities of what is deployed (asks a service on the internet)
	.venv-infra/bin/pip-audit --strict --requirement requirements.txt --require-hashes --disable-pip --progress-spinner off

bench: .venv/ready       ## measure: calls per VM, elapsed over the critical path, memory
	$(RUN) -m local bench

package: .venv/ready     ## build what is deployed as Azure does, and play the demo against it (needs a package registry)
	$(RUN) -m local package

requirements:            ## export the pinned, hashed requirements from pyproject.toml (needs uv)
	$(EXPORT) pyproject.toml -o requirements.txt
	$(EXPORT) pyproject.toml --extra local --extra dev -c requirements.txt -o requirements-dev.txt
	$(EXPORT) --group infra -o requirements-infra.txt

# npm writes this file when all is there.
$(KUSTO)/node_modules/.package-lock.json: $(KUSTO)/package-lock.json
	npm ci --prefix $(KUSTO) --no-audit --no-fund --silent

.venv/ready: requirements-dev.txt
.venv-infra/ready: requirements-infra.txt
.venv/ready .venv-infra/ready:
	@test -n "$(PYTHON)" || { echo "Python 3.12 or 3.11 is needed: install one, or say which with make PYTHON=..."; exit 1; }
	$(PYTHON) -m venv --clear $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

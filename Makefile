# Every target is one thin call of pytest or `python -m local ...`: all of it can be run without make, too.
.PHONY: demo serve check test test-all test-local test-infra test-wide test-tools test-busy test-ui coverage test-python \
	test-original test-original-ci azurite lint kusto sbom audit bench package artefacts requirements axe

# Compiled once: a test run starts a hundred processes.
unexport PYTHONDONTWRITEBYTECODE

# Python 3.13 (what runs in Azure), else 3.12 or 3.11.
PYTHON ?= $(shell .ci/pythons | head -n 1)
RUN := .venv/bin/python
# Eight at a time, whatever the cores: an end-to-end test waits six seconds for Azure and takes one of CPU.
TESTS := $(RUN) -m pytest -m "not long and not wide and not tools" -n 8 --dist worksteal
HEART := $(TESTS) tests/unit/app tests/replay tests/integration/app tests/e2e
OTHER_ENVS := .venv-3.11 .venv-3.12 .venv-3.13
KUSTO := tests/infra/kusto
# Extras stay in the pins: without them pip takes one that a pin does not name (coverage[toml]) for an unpinned package.
EXPORT := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links
# requirements-host.txt says why.
HOST_PIP := --quiet --disable-pip-version-check --no-deps --ignore-requires-python --require-hashes

demo: .venv/ready        ## take tagged VMs from an Event Grid event to Protected, on this machine
	$(RUN) -m local demo

serve: .venv/ready       ## keep the simulator and the host running (PORT, SIM_PORT, STATE_DIR)
	$(RUN) -m local serve

check: lint              ## lint, unit tests and recorded histories: within a minute
	$(RUN) -m pytest tests/unit tests/replay -n 2

test: lint               ## the heart: the app, alone and from event to Protected. The targets below play the rest
	$(HEART)

test-all: test test-local test-infra test-wide test-tools coverage  ## all but a browser, other Pythons, Microsoft's extension

test-local: .venv/ready  ## the local host and the simulator, held to Microsoft's library and to Azure's recorded answers
	$(TESTS) tests/unit tests/integration --ignore=tests/unit/app --ignore=tests/integration/app

test-infra: .venv/ready .venv-infra/ready kusto  ## infra/ and docs/, by Microsoft's compilers where they are
	$(RUN) -m pytest tests/infra -n 2

test-ui: .venv/ready axe ## the operators' page in Chromium (apt-get install chromium; without it they are skipped, and say so)
	$(RUN) -m pytest tests/ui

test-wide: .venv/ready   ## long end-to-end tests, many VMs, hosts that are killed, all examples of every property
	$(RUN) -m pytest tests -m "long or wide or hypothesis" --hypothesis-profile=wide -n 6 --dist worksteal

test-tools: .venv/ready  ## the package, the live check, the app on an older library (needs a package registry), the az CLI
	$(RUN) -m pytest tests/e2e tests/integration/simulator -m tools -n 3

coverage: .venv/ready    ## the coverage that the app must have by its unit, replay and integration tests alone
	$(RUN) -m pytest tests/unit tests/replay tests/integration/app -n 4 --dist worksteal --cov --cov-report=term

test-busy: lint          ## the heart on a machine whose cores are busy
	$(RUN) -m tests.busy $(HEART)

test-original: .venv/ready azurite  ## tests/e2e on Microsoft's Durable extension (needs node, DURABLE_HOST=<program>)
	$(RUN) -m pytest tests/e2e --durable=external -n 2 --dist worksteal

test-original-ci: .venv/ready azurite  ## the part of it that CI plays, and what the local host and the extension do alike
	$(RUN) -m pytest tests/integration/host -k external -n 4
	$(RUN) -m pytest tests/e2e --durable=external -m original -n 4 --dist worksteal

azurite: tests/azurite/node_modules/.package-lock.json  ## the storage emulator that Microsoft's Durable extension is tested on

# Where an interpreter may differ from another: the app is loaded, a stored history is replayed, and a run is played.
test-python: ENV = .venv-$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
test-python:             ## the app on another interpreter, as PYTHON=python3.12 (two minutes)
	$(MAKE) $(ENV)/ready
	$(ENV)/bin/python -m pytest -n 2 tests/unit/app/test_function_app.py tests/unit/app/test_log_levels.py \
		tests/replay/test_parked_histories.py tests/e2e/test_event_to_protected.py

lint: .venv/ready
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-logo

kusto:                   ## Microsoft's parsers of Kusto queries and of cards, for the tests of infra/ (needs npm; without it they are skipped)
	@if command -v npm >/dev/null; then \
		$(MAKE) --no-print-directory $(KUSTO)/node_modules/.package-lock.json tests/infra/cards/node_modules/.package-lock.json; \
		else echo "npm is not here: the tests of Kusto queries and of cards are skipped"; fi

axe:                     ## the checks of the page's accessibility (needs npm; without it they are skipped)
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory tests/ui/axe/node_modules/.package-lock.json; \
		else echo "npm is not here: the tests of accessibility are skipped"; fi

sbom: .venv-infra/ready  ## what the deployed app consists of, as CycloneDX
	.venv-infra/bin/cyclonedx-py requirements requirements.txt --of JSON --output-reproducible -o sbom.json

audit: .venv-infra/ready ## known vulnerabilities of what is deployed (asks a service on the internet)
	.venv-infra/bin/pip-audit --strict --requirement requirements.txt --require-hashes --disable-pip --progress-spinner off

bench: .venv/ready       ## measure calls, elapsed time, memory: half an hour, and exit code 1 where a target is missed
	$(RUN) -m local bench

package: .venv/ready     ## build what is deployed as Azure does, and play the demo against it (needs a package registry)
	$(RUN) -m local package

artefacts: .venv/ready sbom  ## what a release publishes, in dist/: the zip of the app, its checksum, the SBOM
	$(RUN) -m local package --zip dist/app.zip
	mv sbom.json dist/

requirements:            ## export the pinned, hashed requirements from pyproject.toml (needs uv)
	$(EXPORT) pyproject.toml -o requirements.txt
	$(EXPORT) pyproject.toml --extra local --extra dev -c requirements.txt -o requirements-dev.txt
	$(EXPORT) --group infra -o requirements-infra.txt

# npm writes this file when all is there.
%/node_modules/.package-lock.json: %/package-lock.json
	npm ci --prefix $* --no-audit --no-fund --silent

.venv/ready $(OTHER_ENVS:%=%/ready): requirements-dev.txt requirements-host.txt
.venv-infra/ready: requirements-infra.txt
.venv/ready .venv-infra/ready $(OTHER_ENVS:%=%/ready):
	@test -n "$(PYTHON)" || { echo "Python 3.13, 3.12 or 3.11 is needed: install one, or say which with make PYTHON=..."; exit 1; }
	$(PYTHON) -m venv --clear $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	$(if $(findstring host,$^),$(@D)/bin/pip install $(HOST_PIP) -r requirements-host.txt)
	@touch $@

"""Metrics through the real exporter, to an endpoint that takes them as Application Insights does."""

import logging
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from local.simulator import Simulator
from local.simulator.identity import read
from shared.arm.metrics_exporter import Metrics
from shared.reporting.metrics import Measurement
from tests.ingestion import Ingestion, ingestion

IDENTITY = "0a0a0a0a-0000-4000-8000-0000000000bb"
PAIR = {"vault": "/vault", "source": "eastus", "target": "westus2"}


@pytest.fixture
async def endpoint(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ingestion]:
    async with ingestion() as taken:
        monkeypatch.setenv("APPLICATIONINSIGHTS_CONNECTION_STRING", taken.connection_string)
        yield taken


@pytest.fixture
def metrics() -> Iterator[Metrics]:
    made = Metrics()
    yield made
    made.close()


async def test_what_is_measured_arrives_with_what_it_is_distinguished_by(endpoint: Ingestion, metrics: Metrics) -> None:
    await metrics.send(
        [
            Measurement("dr.vms.required", 6),
            Measurement("dr.vms.drifted", 2, {"finding": "Unhealthy"}),
            Measurement("dr.vms.drifted", 1, {"finding": "RpoBreached"}),
            Measurement("dr.rpo.seconds", 120, PAIR),
            Measurement("dr.rpo.seconds", 7200, PAIR),
            Measurement("dr.sweep.completed", 1, {"outcome": "complete"}),
        ]
    )

    assert [(point["value"], reported) for point, reported in endpoint.metrics("dr.vms.required")] == [(6, {})]
    assert [(point["value"], reported) for point, reported in endpoint.metrics("dr.vms.drifted")] == [
        (2, {"finding": "Unhealthy"}),
        (1, {"finding": "RpoBreached"}),
    ]
    ((rpo, pair),) = endpoint.metrics("dr.rpo.seconds")
    assert (rpo["value"], rpo["count"], rpo["min"], rpo["max"], pair) == (7320, 2, 120, 7200, PAIR)
    assert len(endpoint.metrics("dr.sweep.completed")) == 1
    assert len(endpoint.headers) == 1  # one call, and at once


async def test_what_was_reported_once_is_not_reported_again(endpoint: Ingestion, metrics: Metrics) -> None:
    """A gauge of an hour ago says nothing of now, and a count is a count of what is new."""
    await metrics.send([Measurement("dr.vms.required", 6), Measurement("dr.enables.failed", 1)])
    await metrics.send([Measurement("dr.enables.failed", 1)])

    assert len(endpoint.metrics("dr.vms.required")) == 1
    assert [point["value"] for point, _ in endpoint.metrics("dr.enables.failed")] == [1, 1]


async def test_they_go_under_the_name_of_the_function_app(
    endpoint: Ingestion, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBSITE_SITE_NAME", "dr-app")

    await metrics.send([Measurement("dr.vms.required", 6)])

    assert [item["tags"]["ai.cloud.role"] for item in endpoint.items] == ["dr-app"]


async def test_the_exporter_calls_no_one_else_and_leaves_no_thread(endpoint: Ingestion, metrics: Metrics) -> None:
    before = {thread.name for thread in threading.enumerate()}

    await metrics.send([Measurement("dr.vms.required", 6)])

    after = {thread.name for thread in threading.enumerate()} - before
    assert {name for name in after if not name.startswith("asyncio_")} == set()
    assert {item["name"] for item in endpoint.items} == {"Microsoft.ApplicationInsights.Metric"}


async def test_without_a_connection_string_nothing_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("APPLICATIONINSIGHTS_CONNECTION_STRING", raising=False)
    code = (
        "import asyncio, sys; from shared.arm.metrics_exporter import Metrics;"
        "from shared.reporting.metrics import Measurement;"
        "asyncio.run(Metrics().send([Measurement('dr.vms.required', 1)]));"
        "print([name for name in sys.modules if name.startswith(('opentelemetry', 'azure.monitor'))])"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)  # noqa: S603, ASYNC221
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


async def test_no_measurement_is_no_call(endpoint: Ingestion, metrics: Metrics) -> None:
    await metrics.send([])

    assert endpoint.headers == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
async def test_an_endpoint_that_refuses_is_a_warning_and_no_more(
    endpoint: Ingestion, metrics: Metrics, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    endpoint.status = status

    await metrics.send([Measurement("dr.vms.required", 6)])

    assert [record.getMessage() for record in caplog.records if record.name == "dr.metrics"] == [
        "1 measurements were not sent"
    ]


@pytest.mark.parametrize(
    "given", ["nonsense", "InstrumentationKey=x", "InstrumentationKey=;IngestionEndpoint=http://x"]
)
async def test_a_connection_string_that_is_none_is_a_warning(
    metrics: Metrics, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, given: str
) -> None:
    monkeypatch.setenv("APPLICATIONINSIGHTS_CONNECTION_STRING", given)

    await metrics.send([Measurement("dr.vms.required", 6)])

    (record,) = [record for record in caplog.records if record.name == "dr.metrics"]
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("1 measurements were not sent: ")


async def test_an_endpoint_that_is_down_is_a_warning(
    metrics: Metrics, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with ingestion() as gone:
        pass
    monkeypatch.setenv("APPLICATIONINSIGHTS_CONNECTION_STRING", gone.connection_string)

    await metrics.send([Measurement("dr.vms.required", 6)])

    assert "1 measurements were not sent" in [record.getMessage() for record in caplog.records]


async def test_where_keys_are_off_the_managed_identity_is_who_sends(
    metrics: Metrics, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    async with Simulator() as simulator, ingestion(certificate.configure_cert) as taken:
        trusted = tmp_path / "ca.pem"
        trusted.write_bytes(authority.cert_pem.bytes() + simulator.ca_file.read_bytes())
        for name, value in {
            "REQUESTS_CA_BUNDLE": str(trusted),
            "IDENTITY_ENDPOINT": simulator.identity_endpoint,
            "IDENTITY_HEADER": simulator.identity_header,
            "APPLICATIONINSIGHTS_CONNECTION_STRING": taken.connection_string,
            "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": f"ClientId={IDENTITY};Authorization=AAD",
        }.items():
            monkeypatch.setenv(name, value)

        await metrics.send([Measurement("dr.vms.required", 6)])
        exporter: Any = metrics._exporter
        exporter._credential.close()
        metrics.close()

        claims = read(taken.headers[0]["authorization"])
        assert claims["appid"] == IDENTITY
        assert "monitor.azure.com" in claims["aud"]
        assert len(taken.metrics("dr.vms.required")) == 1

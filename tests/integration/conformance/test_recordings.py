"""Recorded real traffic passes the validator, and the simulator answers it as Azure did."""

import json
from pathlib import Path

import pytest

from local.conformance.exchange import Exchange, read_recording
from local.conformance.known import explain_finding
from local.conformance.replay import Client, replay
from local.conformance.sdk_models import validate, validate_request_log
from local.simulator import Simulator

RECORDINGS = Path(__file__).parents[4] / "shared" / "recordings"

needs_recordings = pytest.mark.skipif(not RECORDINGS.is_dir(), reason=f"no recordings at {RECORDINGS}")


def unexplained(exchanges: list[Exchange]) -> list[str]:
    return [
        f"#{exchange.number} {finding}"
        for exchange in exchanges
        for finding in validate(exchange)
        if explain_finding(finding, recorded=True) is None
    ]


@needs_recordings
@pytest.mark.parametrize("name", ["A2A_scenarios.jsonl", "vault_scenarios.jsonl"])
def test_recorded_traffic_is_valid_against_the_sdks(name: str) -> None:
    assert unexplained(read_recording(RECORDINGS / name)) == []


@needs_recordings
@pytest.mark.parametrize("name", ["rpi_initial", "rpi_protected", "rpi_protected_with_health_warning"])
def test_recorded_items_are_valid_against_the_sdk(name: str) -> None:
    item = json.loads((RECORDINGS / "fixtures" / f"{name}.json").read_text(encoding="utf-8"))
    exchange = Exchange(1, "GET", f"{item['id']}?api-version=2025-08-01", None, 200, item)
    assert unexplained([exchange]) == []


@needs_recordings
@pytest.mark.parametrize(
    ("name", "replayed", "explained"), [("A2A_scenarios.jsonl", 147, 19), ("vault_scenarios.jsonl", 11, 9)]
)
async def test_the_simulator_answers_as_azure_did_and_as_the_sdks_expect(
    name: str, replayed: int, explained: int
) -> None:
    exchanges = read_recording(RECORDINGS / name)
    async with (
        Simulator() as sim,
        Client(sim.url, sim.ca_file, sim.identity_endpoint, sim.identity_header) as client,
    ):
        report = await replay(exchanges, client)
        served = (await client.send("GET", f"{sim.url}/sim/requests")).body
    assert [str(difference) for difference in report.differences] == []
    assert (report.replayed, len(report.explained)) == (replayed, explained)
    findings = [
        f"#{exchange.number} {exchange.method} {exchange.path} {finding}"
        for exchange, finding in validate_request_log(served)
        if explain_finding(finding, recorded=True) is None
    ]
    assert findings == []

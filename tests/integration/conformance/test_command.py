"""The command replays any recording; here a short one written by hand: a policy is made, looked at and looked for."""

import asyncio
import copy
import json
from pathlib import Path
from typing import Any

import pytest

from local.conformance.__main__ import main
from local.simulator import Simulator

VAULT = (
    "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-dr"
    "/providers/Microsoft.RecoveryServices/vaults/vault-dr"
)
POLICY = f"{VAULT}/replicationPolicies/24-hour-retention-policy"
SERVICE = VAULT.replace("/subscriptions/", "/Subscriptions/")
OPERATION = "22222222-2222-2222-2222-222222222222"
STATUS = f"{SERVICE}/replicationOperationStatus/{OPERATION}"


def line(method: str, path: str, *, status: int = 200, **parts: Any) -> dict[str, Any]:
    return {
        "method": method,
        "url": f"https://management.azure.com{path}?api-version=2025-08-01",
        "requestBody": parts.get("sent"),
        "status": status,
        "responseHeaders": parts.get("headers", {}),
        "responseBody": parts.get("answer", ""),
    }


def operation(status: str, end: str | None) -> dict[str, Any]:
    return {
        "error": None,
        "id": None,
        "name": OPERATION,
        "properties": None,
        "status": status,
        "startTime": "2026-01-01T00:00:00.1234567Z",
        "endTime": end,
        "percentComplete": None,
    }


def policy(name: str) -> dict[str, Any]:
    return {
        "id": f"{SERVICE}/replicationPolicies/{name}",
        "name": name,
        "type": "Microsoft.RecoveryServices/vaults/replicationPolicies",
        "properties": {
            "friendlyName": name,
            "providerSpecificDetails": {
                "instanceType": "A2A",
                "recoveryPointThresholdInMinutes": 0,
                "recoveryPointHistory": 1440,
                "appConsistentFrequencyInMinutes": 240,
                "multiVmSyncStatus": "Enabled",
                "crashConsistentFrequencyInMinutes": 5,
            },
        },
    }


RECORDING = [
    line(
        "PUT",
        POLICY,
        sent={
            "properties": {
                "providerSpecificInput": {
                    "instanceType": "A2A",
                    "recoveryPointHistory": 1440,
                    "appConsistentFrequencyInMinutes": 240,
                    "crashConsistentFrequencyInMinutes": 5,
                    "multiVmSyncStatus": "Enable",
                }
            }
        },
        status=202,
        headers={
            "Azure-AsyncOperation": f"https://management.azure.com{STATUS}?api-version=2025-08-01",
            "Location": "https://management.azure.com"
            f"{SERVICE}/replicationPolicies/24-hour-retention-policy/operationresults/{OPERATION}?api-version=2025-08-01",
        },
    ),
    line("GET", STATUS, answer=operation("InProgress", None)),
    line("GET", STATUS, answer=operation("Succeeded", "2026-01-01T00:00:01.0000000Z")),
    line("GET", POLICY, answer=policy("24-hour-retention-policy")),
    line(
        "GET",
        f"{VAULT}/replicationPolicies",
        answer={"value": [policy("24-hour-retention-policy")], "nextLink": None},
    ),
]


def write(file: Path, lines: list[dict[str, Any]]) -> Path:
    file.write_text("".join(json.dumps({"i": i, **each}) + "\n" for i, each in enumerate(lines)), encoding="utf-8")
    return file


def test_a_recording_that_the_simulator_answers_alike(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(write(tmp_path / "policy.jsonl", RECORDING))]) == 0
    assert capsys.readouterr().out.startswith("5 exchanges replayed, 0 not; 0 differences explained, 0 unexplained;")


def test_a_deliberate_difference_is_printed_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording = copy.deepcopy(RECORDING)
    recording[3]["responseBody"]["properties"]["retired"] = True
    recording[4]["status"] = 403
    assert main([str(write(tmp_path / "policy.jsonl", recording))]) == 1
    printed = capsys.readouterr().out.splitlines()
    assert printed[:3] == [
        f"#3 GET {POLICY}",
        "    $.properties.retired: missing: recorded True, simulated absent",
        f"#4 GET {VAULT}/replicationPolicies",
    ]
    assert "2 unexplained (1 missing, 1 status)" in printed[-1]


def test_an_operation_that_ends_otherwise_is_a_difference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    failed = line("GET", STATUS, answer=operation("Failed", "2026-01-01T00:00:01.0000000Z"))
    never_begun = line("GET", STATUS.replace(OPERATION, "33333333-3333-3333-3333-333333333333"), answer={})
    file = write(tmp_path / "policy.jsonl", [*RECORDING[:2], failed, never_begun])
    assert main([str(file)]) == 1
    printed = capsys.readouterr().out
    assert "$.status: state: recorded Failed, simulated Succeeded" in printed
    assert "2 unexplained (1 state, 1 unreachable)" in printed


def test_what_the_simulator_does_not_serve_is_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty: dict[str, Any] = {"value": [], "nextLink": None}
    migration_items = line("GET", f"{VAULT}/replicationMigrationItems", answer=empty)
    made, asked, listed = (copy.deepcopy(RECORDING[i]) for i in (0, 3, 4))
    made["requestBody"]["properties"]["providerSpecificInput"] = {"instanceType": "InMageRcm"}
    file = write(tmp_path / "policy.jsonl", [migration_items, made, RECORDING[2], asked, listed])
    assert main([str(file)]) == 0
    printed = capsys.readouterr().out
    assert printed.count("not replayed: for replication from on-premises sites") == 5
    assert "0 exchanges replayed, 5 not" in printed


async def test_a_simulator_that_runs_already_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Simulator() as simulator:
        monkeypatch.setenv("SSL_CERT_FILE", str(simulator.ca_file))
        monkeypatch.setenv("IDENTITY_ENDPOINT", simulator.identity_endpoint)
        monkeypatch.setenv("IDENTITY_HEADER", simulator.identity_header)
        file = write(tmp_path / "policy.jsonl", RECORDING)
        assert await asyncio.to_thread(main, [str(file), "--simulator", simulator.url]) == 0
    assert "5 exchanges replayed" in capsys.readouterr().out


@pytest.mark.parametrize("text", ['{"i": 0}\n', "not JSON\n", None])
def test_what_is_no_recording_is_refused(text: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "bad.jsonl"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    assert main([str(file)]) == 2
    assert str(file) in capsys.readouterr().err

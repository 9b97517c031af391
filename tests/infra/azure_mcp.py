"""Bicep's own type definitions, asked of the Azure MCP server: offline, over its standard input and output.

One process for many questions: to start it takes longer than to answer. What it answers is kept in .local/, by its
version, for it is the same each time.
"""

import fcntl
import json
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".venv-infra" / "bin"
_CACHE = ROOT / ".local" / "bicep-schemas"
_PROTOCOL = "2025-06-18"


def definitions_of(resource_types: Iterable[str]) -> dict[str, list[dict[str, Any]] | None]:
    """By resource type: the resource and all types that it names, or None where the server has none.

    Raises FileNotFoundError if the server is not installed.
    """
    folder = _CACHE / _version()
    folder.mkdir(parents=True, exist_ok=True)
    kept = {each: folder / f"{each.replace('/', '_')}.json" for each in resource_types}
    # Of several test processes one asks, and the others find what it has kept.
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        missing = [each for each, file in kept.items() if not file.exists()]
        if missing:
            for each, answer in _ask(missing).items():
                kept[each].write_text(json.dumps(answer))
    return {each: json.loads(file.read_text()) for each, file in kept.items()}


def _version() -> str:
    installed = list((TOOLS.parent / "lib").glob("python*/site-packages/msmcp_azure-*.dist-info"))
    if not installed:
        raise FileNotFoundError(f"{TOOLS} lacks the tools of these checks: make .venv-infra/ready")
    return installed[0].name.removesuffix(".dist-info")


def _ask(resource_types: list[str]) -> dict[str, Any]:
    command = [str(TOOLS / "azmcp"), "server", "start", "--mode", "all", "--namespace", "bicepschema"]
    quiet = {**os.environ, "AZURE_MCP_COLLECT_TELEMETRY": "false"}
    calls = [
        _request("initialize", {"protocolVersion": _PROTOCOL, "capabilities": {}, "clientInfo": _CLIENT}, 0),
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
    ]
    calls += [
        _request("tools/call", {"name": "bicepschema_get", "arguments": {"resource-type": each}}, number)
        for number, each in enumerate(resource_types, 1)
    ]
    answers: dict[int, Any] = {}
    with subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=quiet
    ) as server:
        assert server.stdin
        assert server.stdout
        for call in calls:
            server.stdin.write(json.dumps(call) + "\n")
            server.stdin.flush()
            while "id" in call and call["id"] not in answers:
                line = server.stdout.readline()
                if not line:
                    raise EOFError(f"azmcp ended with {server.wait()} before it answered {call['method']}")
                answer = json.loads(line)
                answers[answer.get("id", -1)] = answer.get("result")
    return {each: _types_in(answers[number]) for number, each in enumerate(resource_types, 1)}


_CLIENT = {"name": "checks-of-infra", "version": "1"}


def _request(method: str, params: dict[str, Any], number: int) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def _types_in(result: Any) -> Any:
    told = json.loads(result["content"][0]["text"])
    return (told.get("results") or {}).get("BicepSchemaResult")

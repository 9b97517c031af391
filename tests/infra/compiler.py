"""Microsoft's Bicep compiler: one process that answers many requests (`bicep jsonrpc`), since a start takes seconds."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

Json = dict[str, Any]

TENANT = "22222222-2222-4222-8222-222222222222"
SUBSCRIPTION = "11111111-1111-4111-8111-111111111111"
LOCATION = "westus2"
DATED = {"use-recent-api-versions"}
"""Rules that go by today's date: a warning to any client that deploys, and no reason for a test to fail."""


def find() -> str | None:
    """The compiler: that of the variable BICEP, of the PATH, or the one that `az bicep install` has fetched."""
    config = Path(os.environ.get("AZURE_CONFIG_DIR", Path.home() / ".azure"))
    return os.environ.get("BICEP") or shutil.which("bicep") or shutil.which("bicep", path=config / "bin")


class Evaluated(NamedTuple):
    """What a deployment would make of its parameters, and what the compiler says against it."""

    resources: list[Json]
    outputs: Json
    problems: list[str]


class CompilerError(Exception):
    """The compiler has answered with an error."""


class Compiler:
    """The process. As a context manager it ends with its context."""

    def __init__(self, path: str) -> None:
        self._process = subprocess.Popen(  # noqa: S603
            [path, "jsonrpc", "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._asked = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def build(self, file: Path) -> tuple[Json, list[str]]:
        """The ARM template (empty if there is none) and all that is wrong with the file and its modules."""
        answer = self._ask("compile", {"path": str(file)})
        return json.loads(answer.get("contents") or "{}"), _problems(answer["diagnostics"], file.parent)

    def diagnostics(self, file: Path) -> list[Json]:
        """What the compiler has to say of the file and its modules, also by rules that go by today's date."""
        said: list[Json] = self._ask("compile", {"path": str(file)})["diagnostics"]
        return said

    def files_of(self, file: Path) -> set[Path]:
        """The file, its modules, and all else that they load."""
        return {Path(each) for each in self._ask("getFileReferences", {"path": str(file)})["filePaths"]}

    def formatted(self, file: Path) -> str:
        return str(self._ask("format", {"path": str(file)})["contents"])

    def evaluate(self, template: Path, parameters: Mapping[str, Any], group: str | None = None) -> Evaluated:
        """The deployment of a template to the subscription, or to a resource group of it."""
        with tempfile.TemporaryDirectory() as folder:
            given = Path(folder, "given.json")
            given.write_text(json.dumps(parameters))
            file = Path(folder, f"{template.stem}.bicepparam")
            using = f"using '{os.path.relpath(template, folder)}'\nvar given = loadJsonContent('given.json')\n"
            file.write_text(using + "".join(f"param {name} = given.{name}\n" for name in parameters))
            about = {
                "tenantId": TENANT,
                "subscriptionId": SUBSCRIPTION,
                "resourceGroup": group,
                "location": LOCATION,
                "deploymentName": "main",
            }
            try:
                answer = self._ask("getSnapshot", {"path": str(file), "metadata": about, "externalInputs": None})
            except CompilerError as error:
                built = self._ask("compileParams", {"path": str(file), "parameterOverrides": {}})
                wrong = _problems(built["diagnostics"], template.parent)
                return Evaluated([], {}, wrong or [f"{template.name}: {error}"])
        snapshot = json.loads(answer["snapshot"])
        said = [f"{template.name}: {each.strip()}" for each in snapshot["diagnostics"]]
        return Evaluated(snapshot["predictedResources"], snapshot.get("outputs", {}), said)

    def _ask(self, method: str, params: Json) -> Any:
        self._asked += 1
        request = {"jsonrpc": "2.0", "id": self._asked, "method": f"bicep/{method}", "params": [params]}
        body = json.dumps(request).encode()
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._process.stdin.flush()
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        if not length:
            raise EOFError(f"the Bicep compiler ended with {self._process.wait()} when asked for {method}")
        answer = json.loads(self._process.stdout.read(length))
        if "error" in answer:
            raise CompilerError(answer["error"]["message"])
        return answer["result"]


def _problems(diagnostics: list[Json], folder: Path) -> list[str]:
    """In words, with the line they are about; only those that go by today's date are left out."""
    found = set()
    for each in diagnostics:
        if each["code"] not in DATED:
            source, number = Path(each["source"]), each["range"]["start"]["line"]
            name = source.relative_to(folder) if source.is_relative_to(folder) else source.name
            line = source.read_text().splitlines()[number].strip()
            found.add(f"{name}:{number + 1}: {each['level']} {each['code']}: {each['message']} `{line}`")
    return sorted(found)

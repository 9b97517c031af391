"""The app beside the azure-functions of an older worker image: the image's library counts there, not the pin."""

import asyncio
import shutil
import tempfile
from pathlib import Path

import pytest

from local.package.packages import PLACE, InstallError, install
from local.stack import APP
from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.follow import results, write_event

pytestmark = pytest.mark.tools

VERSION = "1.24.0"
REQUIREMENT = (
    f"azure-functions=={VERSION} --hash=sha256:32b12c2a219824525849dd92036488edeb70d306d164efd9e941f10f9ac0a91c\n"
)


@pytest.fixture(scope="module")
def older_library() -> Path:
    """Where the older library lies, alone: before the other packages on the path it is the one that counts."""
    kept = APP / ".local" / f"azure-functions-{VERSION}"
    if not kept.exists():
        kept.parent.mkdir(exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=kept.parent))
        (made / "requirements.txt").write_text(REQUIREMENT)
        try:
            install(made, "--no-deps")
            made.rename(kept)
        except InstallError as error:
            pytest.skip(str(error).splitlines()[0])
        finally:
            shutil.rmtree(made, ignore_errors=True)
    return kept / PLACE


async def test_all_functions_load_and_events_in_the_event_grid_schema_are_served(
    start_stack: StartStack, older_library: Path
) -> None:
    vm = estates.vm("web-1")
    cloud_event = {
        "specversion": "1.0",
        "id": "event-1",
        "source": estates.GROUP,
        "subject": vm["id"],
        "type": "Microsoft.Resources.ResourceWriteSuccess",
        "time": "2026-01-01T00:00:00Z",
        "data": {"operationName": "Microsoft.Compute/virtualMachines/write"},
    }
    # Executed, not forked: the library is found when it is imported.
    options = {"settings": {"PYTHONPATH": str(older_library)}, "spawn": asyncio.create_subprocess_exec}
    async with start_stack(estates.estate([vm]), **options) as stack:
        functions = stack.ready("host")["functions"]

        assert await stack.deliver(cloud_event) == 500
        assert await stack.instances() == []
        assert await stack.deliver(write_event(vm["id"])) in (200, 202)
        result = (await results(stack, 1))["web-1"]
        log = stack.log_of("host")

    assert len(functions) == 56
    assert result["outcome"] == "Protected"
    assert (
        f"'event-1' refused: azure-functions {VERSION} of this worker does not read CloudEvents, 1.25 or later" in log
    )

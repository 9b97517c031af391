"""Small apps, each loaded or refused by the local host as Microsoft's library does it, in the same words."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.integration.host.running import RunningHost, make_app, run_forked
from tests.integration.host.small_apps import APPS


@pytest.mark.parametrize("name", APPS)
async def test_the_host_makes_of_an_app_what_the_library_makes_of_it(name: str, tmp_path: Path) -> None:
    app = make_app(tmp_path / "app", APPS[name])
    host = RunningHost(app, tmp_path / "state")
    _, printed = run_forked("tests.library", str(app), "--call", log=tmp_path / "library.log")
    library: dict[str, Any] = json.loads(printed.splitlines()[-1])

    if "refused" in library:
        with pytest.raises(AssertionError, match="The host cannot start: ") as refused:
            host.start()
        assert f"The host cannot start: {library['refused']}\nStack: " in str(refused.value)
        return
    host.start()
    try:
        functions = sorted(function["name"] for function in host.ready["functions"])
        assert functions == library["functions"]
        # The library alone has no value for a client; only HTTP functions can be called from outside.
        if "route(" in APPS[name] and "client" not in APPS[name]:
            assert list(await host.get(f"/api/{functions[0]}")) == library["answer"]
    finally:
        host.stop(signal.SIGKILL)

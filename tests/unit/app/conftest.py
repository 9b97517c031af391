"""No setting of whoever runs the tests reaches them."""

import os

import pytest


@pytest.fixture(autouse=True)
def _no_settings_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("DR_")]:
        monkeypatch.delenv(name)

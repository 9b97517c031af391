"""The scripts that `python -m local bench --rivals` measures beside the app do what they are measured for."""

from dataclasses import replace
from pathlib import Path

import pytest

from local.bench.rivals.compare import RIVALS, ROWS, Rival, protecting, reading

pytestmark = pytest.mark.tools


@pytest.mark.parametrize("rival", RIVALS, ids=lambda rival: rival.title)
async def test_a_script_protects_vms_to_the_end_and_reads_many(rival: Rival, tmp_path: Path) -> None:
    values = await protecting(replace(rival, speed=1500), 1, tmp_path / "protect", 2)
    values |= await reading(rival, tmp_path / "read", 20)

    assert set(values) == set(ROWS)
    assert values["elapsed"] >= 1  # not before the simulator could have protected the slowest
    assert values["one"] > values["more"] >= values["many"] / 2 > 1
    assert values["status"] >= 2
    assert (values["refused"], values["unread"]) == (0, 0)

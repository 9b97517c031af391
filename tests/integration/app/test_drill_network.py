"""The first step of a drill whose order says `create`, before a simulator: the network is made, then verified."""

from activities.prepare_drill import prepare_drill
from shared.model import naming
from shared.model.activity_io import DrillRequest
from shared.model.drill import DrillOrder
from shared.model.drill_network import NetworkChange
from shared.model.drill_words import CREATE
from shared.model.resource_id import ResourceId
from shared.model.step_result import Ready
from shared.observe.drill import preflight
from tests.e2e.overrides import MAPPED
from tests.e2e.test_drill import world
from tests.integration.app.conftest import Reach
from tests.integration.app.test_drill_steps import SETTINGS, SPEED, VM, ready

OWN = naming.drill_network(ResourceId(MAPPED))
ORDER = DrillOrder(network=CREATE)


async def test_the_network_is_made_once_and_proven_before_the_record_of_the_drill_is_written(reach: Reach) -> None:
    request = DrillRequest(vm_id=VM, token="t1", order=ORDER)
    async with reach(world("web-1"), speed=SPEED, **SETTINGS) as reached:
        azure = reached.azure
        before = await preflight(azure, VM, ORDER)
        first = await prepare_drill(azure, request)
        records = await azure.drills.open()
        assert await ready(lambda: prepare_drill(azure, request)) == Ready()
        after = await preflight(azure, VM, ORDER)
        (record,) = await azure.drills.open()
        origin = await azure.origins.of(OWN)
        puts = [each["path"] for each in reached.calls("virtualNetworks") if each["method"] == "PUT"]
    assert before.network
    assert (before.findings, before.network.id, before.network.change) == ((), OWN, NetworkChange.CREATE)
    assert not isinstance(first, Ready)
    assert records == ()
    assert (record.network, record.order.network) == (OWN, CREATE)
    assert after.network
    assert after.network.change is None
    assert origin
    assert origin.proven_at
    assert [path.lower() for path in puts] == [OWN.key]

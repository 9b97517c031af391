"""What a network that is there changes: nothing of a network is made, and nothing else is left out."""

from tests.infra.deployments import Infra

HUB = "main, in a hub network that is there"
NETWORK = "Microsoft.Network/"


def test_in_a_network_that_is_there_only_private_endpoints_are_made(infra: Infra) -> None:
    made = [each for each in infra.evaluated(HUB).resources if each["type"].startswith(NETWORK)]

    assert {each["type"] for each in made} == {"Microsoft.Network/privateEndpoints"}
    assert {each["name"].split("-")[1] for each in made} == {"blob", "queue", "table", "sites"}
    subnets = {each["properties"]["subnet"]["id"].rpartition("/")[2] for each in made}
    assert subnets == {"endpoints"}


def test_a_network_that_is_made_has_a_zone_for_each_endpoint(infra: Infra) -> None:
    made = [each["type"].removeprefix(NETWORK) for each in infra.evaluated("main, with everything").resources]

    counts = {made.count(f"private{kind}") for kind in ("Endpoints", "Endpoints/privateDnsZoneGroups", "DnsZones")}
    assert counts == {4}

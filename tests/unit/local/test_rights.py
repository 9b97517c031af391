"""The roles that the app is held to, and where it has them."""

import json
from pathlib import Path

import pytest

from local import rights
from shared.model.resource_id import ResourceId
from shared.model.scope import ManagementGroup, Scope, resolve

TARGET, WHOLE = "/subscriptions/a/resourceGroups/app-asr", "/subscriptions/d"
CACHES = "/subscriptions/a/resourceGroups/dr-caches-eastus"
ACCOUNT = "/subscriptions/a/resourceGroups/hub/providers/Microsoft.Storage/storageAccounts/theirs"
SETTINGS = {
    "DR_NAMES": json.dumps({"environment": "dr", "cacheGroup": "{environment}-caches-{sourceRegion}"}),
    "DR_SOURCE_SCOPE": "/subscriptions/A/resourceGroups/app, /subscriptions/b",
    "DR_TARGET_SCOPE": f"{TARGET}, {WHOLE}, {CACHES}, {ACCOUNT}",
    "DR_VAULT_IDS": "/subscriptions/c/resourceGroups/dr/providers/Microsoft.RecoveryServices/vaults/v",
}


@pytest.mark.parametrize("drills", [False, True])
@pytest.mark.parametrize("mode", ["protect", "cleanup"])
def test_each_role_is_assigned_where_the_settings_let_the_app_work(mode: str, *, drills: bool) -> None:
    chosen = {"DR_MODE": mode, "DR_DRILLS": "true" if drills else "false"}
    access = rights.assigned(rights.load(), SETTINGS | chosen, "p")

    assert {each["principal"] for each in access["assignments"]} == {"p"}
    held = [(each["role"], each["scope"]) for each in access["assignments"]]
    assert held == [
        *(("estateReader", f"/subscriptions/{name}") for name in "abcd"),
        ("sourceTagger", "/subscriptions/A/resourceGroups/app"),
        ("sourceTagger", "/subscriptions/b"),
        *(("targetWriter", scope) for scope in (TARGET, WHOLE)),
        *(("targetCleaner", scope) for scope in (TARGET, WHOLE) if mode == "cleanup"),
        ("groupCreator", WHOLE),
        *([("groupCleaner", WHOLE)] if mode == "cleanup" else []),
        *(("cacheUser", scope) for scope in (CACHES, ACCOUNT)),
        ("cacheCreator", CACHES),
        *([("cacheCleaner", CACHES)] if mode == "cleanup" else []),
        ("vaultOperator", SETTINGS["DR_VAULT_IDS"]),
        *((role, scope) for role in ("drillReader", "drillNetworkWriter") for scope in (TARGET, WHOLE) if drills),
        *([("driller", SETTINGS["DR_VAULT_IDS"])] if drills else []),
    ]


def test_a_management_group_is_the_subscriptions_that_the_app_finds_below_it() -> None:
    """One that is named as a whole for targets is no source, as the app has it."""
    group = "/providers/Microsoft.Management/managementGroups/{}"
    a, b, whole, other, dr = (f"{number:08}-2222-4222-8222-222222222222" for number in range(5))
    above = {a: ["Corp"], b: ["sandbox", "corp"], whole: ["corp"], other: ["corporate"], dr: ["dr"]}
    estate = [{"id": each, "managementGroups": groups} for each, groups in above.items()]
    target = f"/subscriptions/{a}/resourceGroups/app-asr,/subscriptions/{whole}"
    scopes = {"DR_SOURCE_SCOPE": group.format("corp"), "DR_TARGET_SCOPE": f"{target},{group.format('DR')}"}

    expanded = rights.expanded(SETTINGS | scopes, [*estate, {"id": "without any"}])

    assert expanded == SETTINGS | {
        "DR_SOURCE_SCOPE": f"/subscriptions/{a},/subscriptions/{b}",
        "DR_TARGET_SCOPE": f"{target},/subscriptions/{dr}",
    }
    assert rights.expanded(SETTINGS, estate) == SETTINGS | {
        "DR_SOURCE_SCOPE": SETTINGS["DR_SOURCE_SCOPE"].replace(", ", ","),
        "DR_TARGET_SCOPE": SETTINGS["DR_TARGET_SCOPE"].replace(", ", ","),
    }
    below = {"corp": (a, b, whole), "dr": (dr,)}
    known = {name: tuple(ResourceId(f"/subscriptions/{each}") for each in ids) for name, ids in below.items()}
    source = Scope([ManagementGroup(group.format("corp"))])
    targets = Scope([*map(ResourceId, target.split(",")), ManagementGroup(group.format("DR"))])
    of_app = [",".join(map(str, scope.members)) for scope in resolve(source, targets, known)]
    assert of_app == [expanded["DR_SOURCE_SCOPE"], expanded["DR_TARGET_SCOPE"]]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "No such file"),
        ("{", "Expecting property name"),
        ("[]", "must be an object of the roles estateReader, sourceTagger, "),
        (json.dumps({"estateReader": {}}), "must be an object of the roles estateReader, sourceTagger, "),
    ],
)
def test_a_file_that_holds_other_things_is_refused_by_its_name(text: str | None, why: str, tmp_path: Path) -> None:
    file = tmp_path / "roles.json"
    if text is not None:
        file.write_text(text)

    with pytest.raises(rights.RightsError, match=why) as refused:
        rights.load(file)

    assert str(file) in str(refused.value)

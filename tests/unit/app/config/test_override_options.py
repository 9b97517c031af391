"""The table of settings: every row that can be chosen takes what it says, and refuses the rest with what it says."""

import pytest
from azure.mgmt.recoveryservicessiterecovery.models import DiskAccountType
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.config.override_options import CHOICES, DISK_TYPES, ROWS, Row
from shared.config.profiles import Profile
from shared.model import resource_types
from shared.model.resource_id import ResourceId
from tests.unit.app.examples import NETWORK, SUBSCRIPTION


def of_type(resource_type: str, name: str = "it") -> str:
    return str(ResourceId.of(SUBSCRIPTION, "web-asr", resource_type, name))


POOL = f"{of_type('Microsoft.Network/loadBalancers', 'front')}/backendAddressPools/web"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/web-asr"

# For each choice: what it takes, with what it makes of it; what it refuses; and a word of the refusal.
EXAMPLES: dict[str, tuple[dict[str, str], tuple[str, ...], str]] = {
    "target-location": ({"West US 2": "westus2"}, ("", "west-us-2", "westus2;eastus"), "Azure region"),
    "target-resource-group": ({GROUP: GROUP, " web-asr ": "web-asr"}, ("", "none/", str(NETWORK)), "a resource group"),
    "target-vnet": ({str(NETWORK): str(NETWORK), "hub": "hub"}, ("", "a b", GROUP), "a virtual network"),
    "target-subnet": ({"web": "web", "nic-1=web": "nic-1=web"}, ("", "a/b", "-web", "nic-1="), "subnet"),
    "target-ip": ({"10.1.1.9": "10.1.1.9", "NIC-1=10.1.1.9": "nic-1=10.1.1.9"}, ("10.1.1", "fd00::1"), "IPv4"),
    "target-nsg": ({"web-nsg": "web-nsg", "nic-1=web-nsg": "nic-1=web-nsg"}, ("", "..", POOL), "security group"),
    "target-public-ip": ({"web-pip": "web-pip"}, ("", "10.0.0.1/8", POOL), "public IP address"),
    "target-backend-pool": ({POOL: POOL, f"nic-1={POOL}": f"nic-1={POOL}"}, ("web", POOL.rsplit("/", 2)[0]), "the ID"),
    "target-availability-set": ({"set": "set", "NONE": "none"}, ("", GROUP), "or none"),
    "target-scale-set": ({"flex": "flex"}, ("", GROUP), "a virtual machine scale set"),
    "target-zone": ({"1": "1", "None": "none"}, ("4", "0", "", "zone 1"), "1, 2, 3, none"),
    "target-ppg": ({"ppg": "ppg", "none": "none"}, ("", GROUP), "or none"),
    "target-capacity-reservation": ({"crg": "crg"}, ("", GROUP), "a capacity reservation group"),
    "target-size": ({"Standard_D4s_v5": "Standard_D4s_v5"}, ("", "D", "Standard D4", "x" * 61), "VM size"),
    "target-name": ({"web-1": "web-1"}, ("", "-web", "web_1", "web.1", "x" * 65), "1 to 64"),
    "target-boot-diagnostics": ({"diag": "diag"}, ("", GROUP), "a storage account"),
    "target-disk-type": (
        {"premium_lrs": "Premium_LRS", "os=standard_lrs": "os=Standard_LRS"},
        ("HDD_LRS", ""),
        "_LRS",
    ),
    "replica-disk-type": ({"StandardSSD_LRS": "StandardSSD_LRS"}, ("Premium_GRS", ""), "_LRS"),
    "target-disk-encryption-set": ({"des": "des", "os=des": "os=des"}, ("", GROUP), "a disk encryption set"),
    "target-storage": ({"webasr": "webasr"}, ("", GROUP), "a storage account"),
    "cache-storage": ({"webcache": "webcache"}, ("", str(NETWORK)), "a storage account"),
    "churn": ({"HIGH": "high", "normal": "normal"}, ("", "higher"), "normal, high"),
    "exclude-disks": (
        {"data": "data", "5,Web_1.data": "5, Web_1.data", "None": "none"},
        ("", "a/b", "data,", "-1", "x" * 81),
        "LUNs",
    ),
    "consistency-group": ({"Web shop 1": "Web shop 1"}, ("", " -x-", "a/b", "x" * 65), "1 to 64"),
}


def test_every_choice_has_an_example_here() -> None:
    assert set(EXAMPLES) == set(CHOICES)


@pytest.mark.parametrize(
    ("tag", "given", "read"), [(t, g, r) for t, each in EXAMPLES.items() for g, r in each[0].items()]
)
def test_a_choice_takes_what_it_says(tag: str, given: str, read: str) -> None:
    assert CHOICES[tag].read(given) == read
    assert CHOICES[tag].read(read) == read


@pytest.mark.parametrize(("tag", "given", "word"), [(t, g, each[2]) for t, each in EXAMPLES.items() for g in each[1]])
def test_a_choice_refuses_the_rest_and_says_what_is_allowed(tag: str, given: str, word: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        CHOICES[tag].read(given)

    one_by_one = "each name once" in str(refused.value)
    assert word in str(refused.value) or (one_by_one and CHOICES[tag].of)


@given(st.sampled_from(sorted(CHOICES)), st.text(max_size=300))
def test_no_text_is_too_odd_to_be_read_or_refused(tag: str, text: str) -> None:
    try:
        read = CHOICES[tag].read(text)
    except ValueError:
        return
    assert CHOICES[tag].read(read) == read
    assert len(read) <= len(text) + 2 * text.count(",")


def test_what_names_a_resource_says_of_which_type_and_nothing_else_does() -> None:
    naming = {tag: row.resource_type for tag, row in CHOICES.items() if row.resource_type is not None}

    assert naming == {
        "target-resource-group": resource_types.RESOURCE_GROUP,
        "target-vnet": resource_types.NETWORK,
        "target-nsg": resource_types.SECURITY_GROUP,
        "target-public-ip": resource_types.PUBLIC_IP,
        "target-backend-pool": resource_types.POOL,
        "target-availability-set": resource_types.AVAILABILITY_SET,
        "target-scale-set": resource_types.SCALE_SET,
        "target-ppg": resource_types.PLACEMENT_GROUP,
        "target-capacity-reservation": resource_types.RESERVATION,
        "target-boot-diagnostics": resource_types.ACCOUNT,
        "target-disk-encryption-set": resource_types.ENCRYPTION_SET,
        "target-storage": resource_types.ACCOUNT,
        "cache-storage": resource_types.ACCOUNT,
    }


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.setting)
def test_every_row_says_all_there_is_to_say(row: Row) -> None:
    for said in (row.setting, row.portal, row.default, row.allowed, row.azure, row.in_place, row.layers):
        assert said


@pytest.mark.parametrize(
    ("field", "taken", "refused"),
    [
        ("recovery_point_retention_hours", (4, 15 * 24), (0, 15 * 24 + 1)),
        ("app_consistent_frequency_hours", (0, 1, 12), (-1, 13, 25)),
    ],
)
def test_the_ranges_of_a_policy_are_those_of_a_profile(
    field: str, taken: tuple[int, ...], refused: tuple[int, ...]
) -> None:
    for hours in taken:
        assert Profile.model_validate({field: hours}).policy_for("it")
    for hours in refused:
        with pytest.raises(ValidationError):
            Profile.model_validate({field: hours})


def test_the_table_reports_the_ranges_and_defaults_of_a_profile() -> None:
    reported = {row.setting: row for row in ROWS}
    profile = Profile()

    assert reported["recoveryPointRetention"].allowed == "1 h to 15 days (1 to 72 h in the older walkthrough)"
    assert reported["recoveryPointRetention"].default == f"{profile.recovery_point_retention_hours} h"
    assert reported["appConsistentFrequency"].allowed == "1 to 12 h, at most the retention; or off"
    assert reported["appConsistentFrequency"].default.startswith(f"{profile.app_consistent_frequency_hours} h (")
    assert (
        reported["crashConsistentFrequency"].default == f"{profile.policy_for('default').crash_consistent_minutes} min"
    )


def test_no_setting_is_in_the_table_twice() -> None:
    assert len({row.setting for row in ROWS}) == len(ROWS)


def test_the_types_of_disks_are_those_of_the_sdk() -> None:
    assert set(DISK_TYPES) == {each.value for each in DiskAccountType}

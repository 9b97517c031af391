"""Names in requests: their patterns for the OpenAPI document, and their validators."""

from shared.model.values import matching

GUID = "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"
_LETTERS = r"A-Za-z0-9_()\u00aa-\uffef"
"""Of any alphabet: Azure itself rejects those that it does not take for letters and digits."""
GROUP = rf"[{_LETTERS}.-]{{0,89}}[{_LETTERS}-]"
VM = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}"


def batch(prefix: str) -> str:
    """The pattern of the names of batches with this prefix."""
    return f"{prefix}[0-9a-f]{{32}}"


read_subscription = matching(GUID, "the GUID of a subscription")
read_group = matching(GROUP, "the name of a resource group")
read_vm = matching(VM, "the name of a VM, as web-1")

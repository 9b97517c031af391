"""Names that Azure refuses at a PUT, with the code and the words of each provider.

From the documentation's "Naming rules and restrictions for Azure resources", and from messages that users report. The
table says alphanumerics where the providers' messages say word characters: the narrower reading is taken.
"""

import re
from unicodedata import category

from local.simulator.errors import ArmError, invalid_parameter

# .NET's Char.IsLetterOrDigit, of one UTF-16 unit.
_LETTERS = {"Lu", "Ll", "Lt", "Lm", "Lo", "Nd"}
_OF_COMPUTE = re.compile(r"[^_\W][\w.-]{0,79}(?<![-.])", re.ASCII)
_OF_NETWORK = re.compile(r"[A-Za-z0-9](?:[\w.-]{0,78}\w)?", re.ASCII)
_LENGTHS = {"virtualnetworks": (2, 64)}


def check_group(name: str) -> None:
    """Raises ArmError 400 for a name that no resource group may have."""
    odd = [each for each in name if each not in "_-.()" and (category(each) not in _LETTERS or each > "\uffff")]
    if odd or name.endswith("."):
        message = (
            f"The provided resource group name '{name}' has these invalid characters: '{''.join(odd) or '.'}'. The "
            "name can only be a letter, digit, '-', '.', '(', ')' or '_', and cannot end with '.'."
        )
        raise ArmError(400, "InvalidResourceGroup", message)
    if not 0 < len(name) <= 90:
        message = f"The provided resource group name '{name}' must be between 1 and 90 characters."
        raise ArmError(400, "InvalidResourceGroup", message)


def check(resource_type: str, name: str) -> None:
    """Raises ArmError 400 for a name that no resource of the type may have, as far as the rules are known."""
    provider, kind = resource_type.lower().split("/", 1)
    shortest, longest = _LENGTHS.get(kind, (1, 80))
    if provider == "microsoft.network" and not (_OF_NETWORK.fullmatch(name) and shortest <= len(name) <= longest):
        message = (
            f"Resource name {name} is invalid. The name can be up to {longest} characters long. It must begin with a "
            "word character, and it must end with a word character or with '_'. The name may contain word characters "
            "or '.', '-', '_'."
        )
        raise ArmError(400, "InvalidResourceName", message, details=[])
    if provider == "microsoft.compute" and not _OF_COMPUTE.fullmatch(name):
        target = f"{kind.removesuffix('s')}.name"
        rule = r"^[^_\W][\w-._]{0,79}(?<![-.])$"
        message = f"The entity name '{target}' is invalid according to its validation rule: {rule}."
        raise invalid_parameter(target, message)

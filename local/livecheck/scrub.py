"""Removes from a recording: subscription, identities, unrelated resources and secrets."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from local.conformance.comparison import OPERATION_HEADERS

PUBLIC = "https://management.azure.com"

_GUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_OF_SUBSCRIPTION = re.compile(rf"(?<=/subscriptions/){_GUID}", re.IGNORECASE)
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
# The shortest text that is replaced anywhere: shorter names are parts of other words.
_UNMISTAKABLE = re.compile(rf"{_GUID}|.*@.*|.{{12,}}", re.IGNORECASE)
# Query parameters that sign the URL of an operation, a page or a blob: secrets.
_SIGNATURE = re.compile(r"(?<=[?&])(?:t|c|s|h|sig|skoid|sktid)=[^&\"'\s]*&?", re.IGNORECASE)
_ORIGIN = re.compile(r"^https://[^/]+")
_NOTHING = re.compile(r"(?!)")
_GROUP = re.compile(r"/subscriptions/[^/]+/resourceGroups/([^/]+)", re.IGNORECASE)

# Properties that identify a person.
_IDENTITIES = {"tenantid", "subscriptionid", "principalid", "clientid", "objectid", "createdby", "lastmodifiedby"}
# Properties that hold a secret.
_SECRETS = {"adminpassword", "connectionstring", "primarykey", "secondarykey", "accesstoken", "sastoken"}
_HEADERS = {*OPERATION_HEADERS, "retry-after", "content-type", "date", "x-ms-request-id"}
_LIMITS = "x-ms-ratelimit-remaining-"


class Scrubber:
    """Puts the same stand-in for the same thing everywhere, so that a recording still fits together.

    `known` are names and IDs that are to be replaced wherever they stand, `groups` the resource groups that may be
    shown of: of lists only those elements are kept that lie in one of them, or in none.
    """

    def __init__(self, known: Iterable[str], groups: Iterable[str]) -> None:
        self._stand_ins: dict[str, str] = {}
        self._replaced = _NOTHING
        self._groups = {group.lower() for group in groups}
        for each in filter(_UNMISTAKABLE.fullmatch, known):
            self._replace(each)

    def body(self, value: Any) -> Any:
        """A scrubbed JSON body."""
        if isinstance(value, dict):
            return {self.text(name): self._property(name, each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.body(each) for each in value if not self._is_elsewhere(each)]
        return self.text(value) if isinstance(value, str) else value

    def url(self, url: str) -> str:
        """Of the public cloud, whichever it was: so recordings are alike."""
        return self.text(_ORIGIN.sub(PUBLIC, url)).rstrip("?&")

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers of a response that a client follows."""
        kept = {name.lower(): value for name, value in headers.items()}
        kept = {name: value for name, value in kept.items() if name in _HEADERS or name.startswith(_LIMITS)}
        return {
            name: self.url(value) if name in OPERATION_HEADERS else self.text(value) for name, value in kept.items()
        }

    def text(self, text: str) -> str:
        for found in (*_OF_SUBSCRIPTION.findall(text), *_MAIL.findall(text)):
            self._replace(found)
        return self._replaced.sub(lambda found: self._stand_ins[found[0].lower()], _SIGNATURE.sub("", text))

    def _property(self, name: str, value: Any) -> Any:
        if name.lower() in _SECRETS and value:
            return "(removed)"
        if name.lower() in _IDENTITIES and isinstance(value, str) and value:
            if not _UNMISTAKABLE.fullmatch(value):
                return "(removed)"
            self._replace(value)
        return self.body(value)

    def _replace(self, each: str) -> None:
        if each.lower() in self._stand_ins or each in self._stand_ins.values():
            return
        number = len(self._stand_ins) + 1
        is_guid = re.fullmatch(_GUID, each, re.IGNORECASE)
        stand_in = f"00000000-0000-4000-8000-{number:012x}" if is_guid else f"somebody-{number}"
        self._stand_ins[each.lower()] = stand_in
        # The longest first: one may be part of another.
        known = sorted(self._stand_ins, key=len, reverse=True)
        self._replaced = re.compile("|".join(map(re.escape, known)), re.IGNORECASE)

    def _is_elsewhere(self, element: Any) -> bool:
        """Whether an element of a list is a resource outside the check."""
        found = _GROUP.match(str(element.get("id") or "")) if isinstance(element, dict) else None
        return found is not None and found[1].lower() not in self._groups

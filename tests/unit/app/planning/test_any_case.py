"""Values are compared without case and surrounding space, wherever somebody writes them."""

from collections.abc import Callable
from typing import Any

import azure.functions as func
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.config.override_options import CHOICES
from shared.config.profiles import Profile
from shared.config.settings import REFUSALS, Create, Mode
from shared.model.decision import State
from shared.model.priority import Priority
from shared.planning.catalog import CODES
from shared.planning.overrides import overrides_of
from tests.unit.app.examples import open_settings, settings, source_vm
from triggers import compliance, jobs
from triggers.body import tags_in
from triggers.requests import flags_of
from triggers.selection import Tag, _carries

PROFILES = {"default": Profile(), "gold": Profile(recovery_point_retention_hours=72)}
GOLD = settings(profiles=PROFILES, tag_values="ja,TRUE")


def profile_of(text: str) -> str:
    return overrides_of(source_vm(tags={"dr": "true", "dr-profile": text}), {}, GOLD).profile_name


def setting(name: str) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        return getattr(settings(**{name: text}), name)

    return read


def priority_of(text: str) -> str:
    return overrides_of(source_vm(tags={"dr": "true", "dr-priority": text}), {}, GOLD).priority.value


def override(choice: str) -> Callable[[str], Any]:
    """What an override requests, of the tags of a VM that may ask for anything."""

    def read(text: str) -> Any:
        found = overrides_of(source_vm(tags={"dr": "true", f"dr-{choice}": text}), {}, open_settings())
        assert not found.findings
        return found.requested[choice].value

    return read


def is_flag(text: str) -> bool:
    request = func.HttpRequest("GET", "https://app/api", params={"confirm": text}, body=b"")
    return "confirm" in flags_of(request, "confirm")


COMPLIANCE = compliance._readers(settings())
WORDS: dict[str, tuple[Callable[[str], Any], list[str]]] = {
    "DR_MODE": (setting("mode"), list(Mode)),
    "DR_TARGET_CREATION": (setting("target_creation"), list(Create)),
    "DR_PAUSED": (setting("paused"), ["true", "false"]),
    "the tag": (lambda text: GOLD.intent_of({"dr": text}), ["ja", "true", *REFUSALS]),
    "DR_TAG_VALUES": (lambda text: settings(tag_values=text).intent_of({"dr": "ja"}), ["ja"]),
    "dr-hold": (lambda text: GOLD.hold_of({"dr-hold": text}), ["true", "false", "until=2026-12-24"]),
    "dr-priority": (priority_of, list(Priority)),
    "a profile's priority": (lambda text: Profile(priority=text).priority, list(Priority)),
    "dr-profile": (profile_of, ["default", "gold"]),
    "a profile's name in DR_PROFILES": (lambda text: list(settings(profiles={text: {}}).profiles), ["gold", "b-1"]),
    "a profile's value": (lambda text: Profile(values={text: "2"}).values, ["target-zone"]),
    "a profile in a body": (lambda text: len(tags_in(GOLD, {"dr-profile": text})), ["gold"]),
    "state": (COMPLIANCE["state"], list(State)),
    "finding": (COMPLIANCE["finding"], sorted(CODES)[:5]),
    "format": (COMPLIANCE["format"], ["json", "csv"]),
    "state of a job": (jobs._READERS["state"], list(jobs.JOB_STATES)),
    "a flag": (is_flag, ["true", "false"]),
    **{
        f"dr-{choice}": (override(choice), words)
        for choice, words in {
            "target-zone": ["1", "2", "3", "none"],
            "target-disk-type": ["Standard_LRS", "Premium_LRS"],
            "replica-disk-type": ["StandardSSD_LRS"],
            "churn": ["normal", "high"],
            "target-availability-set": ["none"],
            "target-ppg": ["none"],
            "target-location": ["westus2"],
            "exclude-disks": ["none"],
        }.items()
    },
}
cases = st.sampled_from([(where, word) for where, (_, words) in WORDS.items() for word in words])


@given(cases, st.randoms(use_true_random=False))
def test_a_word_means_the_same_in_any_case(case: tuple[str, str], random: Any) -> None:
    where, word = case
    read, _ = WORDS[where]
    written = "".join(random.choice((letter.lower(), letter.upper())) for letter in word)

    assert read(written) == read(word)


@pytest.mark.parametrize("where", [where for where in WORDS if where not in {"DR_PAUSED", "a profile in a body"}])
def test_space_around_a_word_means_nothing(where: str) -> None:
    read, words = WORDS[where]

    assert read(f" {words[0]} ") == read(words[0])


def test_every_choice_between_words_is_among_them() -> None:
    """A check that takes `none` or one of a few words: it has to be tried above."""
    of_words = {choice for choice, row in CHOICES.items() if row.check and _takes_words(row.check)}

    assert {f"dr-{choice}" for choice in of_words} - set(WORDS) == set()


def _takes_words(check: Callable[[str], str]) -> bool:
    try:
        check("Zzz Zzz Zzz!")
    except ValueError as allowed:
        return any(word in str(allowed).split(", ") for word in ("1", "normal", "Premium_LRS"))
    return False


@pytest.mark.parametrize("name", ["Gold", "GOLD"])
def test_two_profiles_of_one_name_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="given twice"):
        settings(profiles={"gold": {}, name: {}})


@pytest.mark.parametrize(("name", "value"), [("mode", "reporting"), ("target_creation", "alles"), ("mode", "")])
def test_what_is_no_word_is_refused_with_the_words(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"report, protect, cleanup|all, cache, none"):
        settings(**{name: value})


@pytest.mark.parametrize(
    ("name", "value", "own", "carries"),
    [("DR", "TRUE", True, True), ("Env", "prod", False, True), ("env", "PROD", False, False)],
)
def test_values_of_other_tags_are_compared_as_azure_compares_them(
    name: str, value: str, own: bool, carries: bool
) -> None:
    tags = {"dr": "true", "env": "prod"}

    assert _carries(tags, Tag(name=name, value=value), own=own) is carries

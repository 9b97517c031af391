"""The log of what was served: whole, in order, and within its memory."""

import json
from typing import Any

import pytest

from local.simulator import request_log
from local.simulator.request_log import RequestLog


def log_of(*answers: Any) -> RequestLog:
    log = RequestLog()
    for number, answer in enumerate(answers):
        log.add({"path": f"/{number}"}, {"asked": number}, b"" if answer is None else json.dumps(answer).encode())
    return log


def test_an_entry_holds_what_was_asked_and_what_was_answered() -> None:
    log = log_of({"a": [1, "ü"]}, None)
    assert log.after(0) == [
        {"n": 1, "path": "/0", "requestBody": {"asked": 0}, "responseBody": {"a": [1, "ü"]}},
        {"n": 2, "path": "/1", "requestBody": {"asked": 1}, "responseBody": None},
    ]
    assert json.loads(log.text(0)) == log.after(0)


def test_what_comes_after_a_number_is_reported_and_numbers_go_on() -> None:
    log = log_of(1, 2, 3)
    assert [each["n"] for each in log.after(1)] == [2, 3]
    assert log.after(3) == log.after(99) == []
    log.clear()
    assert log.after(0) == []
    log.add({}, None, b"4")
    assert [each["n"] for each in log.after(0)] == [each["n"] for each in log.after(2)] == [4]


def test_beyond_its_memory_the_oldest_answers_go_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_log, "KEPT_BYTES", 10)
    log = log_of("12345", "12345", "1")
    assert [each["responseBody"] for each in log.after(0)] == [None, "12345", "1"]
    assert [each.get("responseBodyOmitted", False) for each in log.after(0)] == [True, False, False]

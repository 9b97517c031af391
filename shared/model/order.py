"""Orders: requests to the run of a VM that tags cannot express.

An accepted start or event is no proof that a run will read it: of two starts of an ended instance within some 10 ms the
Durable extension drops one, and an event that reaches an instance in its last turn is lost, both behind a 202
(measured on extension 3.19.0). So an order has a token. The sender repeats the order until the run shows that token.
"""

import json
from contextlib import suppress
from secrets import token_hex
from typing import Any, Self

from shared.model.base import Model
from shared.model.caller import Caller

MAX_ORDERS = 16
"""The most tokens that a run keeps: the senders of older ones have read theirs, or have given up."""


class Hint(Model):
    """A signal to the run of a VM: it is observed again. `asked_by` is who caused it, as far as that is known."""

    asked_by: tuple[Caller, ...] = ()


class Order(Hint):
    """`token` is unique to the request. `confirmed`: the caller confirmed that replication is to be disabled."""

    token: str
    confirmed: bool = False

    @classmethod
    def new(cls, caller: Caller, *, confirmed: bool = False) -> Self:
        return cls(token=token_hex(8), confirmed=confirmed, asked_by=(caller,))


def hint_in(payload: Any) -> Hint:
    """What an event carries: an order, a hint, or an invalid payload, which is a hint without a caller.

    The SDK hands a dictionary over as JSON text, the durable HTTP API as an object (durable-python issue 295).
    """
    for kind in (Order, Hint):
        with suppress(ValueError):
            return kind.load(json.loads(payload) if isinstance(payload, str) else payload)
    return Hint()

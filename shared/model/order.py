"""Orders: requests to the run of a VM that tags cannot express.

An accepted start or event is no proof that a run will read it: of two starts of an ended instance within some 10 ms the
Durable extension drops one, and an event that reaches an instance in its last turn is lost, both behind a 202
(measured on extension 3.19.0). So an order has a token. The sender repeats the order until the run shows that token.
"""

import json
from secrets import token_hex
from typing import Any, Self

from shared.model.base import Model

MAX_ORDERS = 16
"""The most tokens that a run keeps: the senders of older ones have read theirs, or have given up."""


class Order(Model):
    """`token` is unique to the request. `confirmed`: the caller confirmed that replication is to be disabled."""

    token: str
    confirmed: bool = False

    @classmethod
    def new(cls, *, confirmed: bool = False) -> Self:
        return cls(token=token_hex(8), confirmed=confirmed)


def order_in(payload: Any) -> Order | None:
    """The order that an event carries; None for a plain hint, and for an invalid payload.

    The SDK hands a dictionary over as JSON text, the durable HTTP API as an object (durable-python issue 295).
    """
    try:
        return Order.load(json.loads(payload) if isinstance(payload, str) else payload)
    except ValueError:
        return None

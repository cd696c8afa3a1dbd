"""Requests and replies as values."""

from __future__ import annotations

from decimal import Decimal

import pytest

from nanogpt_client.sandbox import Cut, Reply, Stall
from nanogpt_client.sandbox.messages import dump, json_reply


def test_decimals_become_numbers():
    assert dump({"cost": Decimal("0.000012")}) == '{"cost":1.2e-05}'
    with pytest.raises(TypeError, match="set is not JSON"):
        dump({"x": {1}})


def test_json_replies():
    reply = json_reply({"text": "né"}, 202, {"x": "y"})
    assert (reply.status, reply.json()) == (202, {"text": "né"})
    assert reply.headers == {"content-type": "application/json", "x": "y"}
    assert not reply.streams


@pytest.mark.parametrize("body", [(b"a", b"b"), (Cut(),), (Stall(1), b"a")])
def test_what_streams(body):
    reply = Reply(200, {}, body)
    assert reply.streams
    assert set(reply.content) <= set(b"ab")

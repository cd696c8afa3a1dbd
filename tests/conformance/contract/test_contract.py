"""What NanoGPT's pages send, the product sends; what they show as answers, it reads.

The classes are in `examples`, the requests in `sending`, the answers in `reading`;
``python -m tests.conformance.contract`` prints what they sum up to.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from nanogpt_client import InvalidArgumentError
from nanogpt_client.endpoints.chat import chat
from tests.conformance.contract import reading, sending
from tests.conformance.contract.__main__ import TABLE, rows, summary
from tests.conformance.contract.examples import (
    ABSENT,
    REFUSED,
    Example,
    Left,
    Read,
    Sent,
    examples,
    verdict,
)
from tests.support import tables

pytestmark = pytest.mark.skipif(not examples(), reason=ABSENT)

SENT = [(e, found.how) for e in examples() if isinstance(found := verdict(e), Sent)]
READ = [(e, found.how) for e in examples() if isinstance(found := verdict(e), Read)]
LEFT = [(e, found.reason) for e in examples() if isinstance(found := verdict(e), Left)]


def each(pairs):
    names = [f"{how}-{example}" for example, how in pairs]
    return pytest.mark.parametrize(("example", "how"), pairs, ids=names)


@each(SENT)
def test_what_pages_send_goes_out(example, how):
    for who, going, right in sending.compared(example, how):
        assert going == right, who


@each(READ)
def test_what_pages_show_is_read(example, how):
    for what, found, right in reading.compared(example, how):
        assert found == right, what


@each([pair for pair in LEFT if pair[1] == REFUSED])
def test_what_pages_call_a_conflict_is_not_sent(example, how):
    options = {name: value for name, value in example.body.items() if name != "model"}
    with pytest.raises(InvalidArgumentError):
        chat("Hello", model=example.body["model"], **options)


def test_the_page_of_promises_has_the_counts():
    assert tables.read(TABLE) == summary(), "run make contract"


def test_every_example_is_in_one_class(record_property):
    assert len(SENT) + len(READ) + len(LEFT) == len(examples())
    assert len(SENT) >= 313
    assert len(READ) >= 261
    counts = {(row.kind, row.what): row.count for row in rows()}
    assert sum(counts.values()) == len(examples())
    for (kind, what), count in counts.items():
        record_property(f"{kind}: {what}", count)


def test_an_example_that_no_rule_takes_is_an_error():
    new = Example("new-page", 1, "Response", {"anything": "new"})
    with pytest.raises(LookupError, match="new-page:1"):
        verdict(new)
    with pytest.raises(LookupError, match="/new/route"):
        verdict(replace(new, route="/new/route"))


def test_every_reader_and_every_sender_has_an_example():
    assert {how for _, how in READ} == {*reading.READERS, "models", "error"}
    assert {how for _, how in SENT} == {*sending.CHATS, "embeddings", *sending.SENDERS}

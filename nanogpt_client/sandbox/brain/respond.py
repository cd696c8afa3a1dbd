"""Decide what the assistant says next.

The order: a ReAct prompt is answered in its own notation; tools are called while the request
needs them; a form that the prompt shows, a schema or JSON mode is filled; else the answer is put
in words and brought into the shape that the user asked for.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nanogpt_client.sandbox.brain import forms, react
from nanogpt_client.sandbox.brain.answer import answer, describe
from nanogpt_client.sandbox.brain.cite import cited_answer, quotations
from nanogpt_client.sandbox.brain.context import take_apart
from nanogpt_client.sandbox.brain.conversation import Conversation, read
from nanogpt_client.sandbox.brain.courtesy import is_small_talk
from nanogpt_client.sandbox.brain.extract import extract
from nanogpt_client.sandbox.brain.json_mode import asked_schema, given_schema, without_format
from nanogpt_client.sandbox.brain.plan import choice_of, plan
from nanogpt_client.sandbox.brain.reason import thoughts
from nanogpt_client.sandbox.brain.results import report
from nanogpt_client.sandbox.brain.schema import fill
from nanogpt_client.sandbox.brain.shape import shaped_answer
from nanogpt_client.sandbox.brain.source import Source
from nanogpt_client.sandbox.brain.tasks import perform
from nanogpt_client.sandbox.brain.turn import Turn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nanogpt_client.sandbox.brain.turn import Seen
    from nanogpt_client.sandbox.brain.types import Hit


def respond(
    body: Mapping[str, Any],
    *,
    reasons: bool = False,
    hits: Sequence[Hit] = (),
    seen: Sequence[Seen] = (),
    attachments: Sequence[str] = (),
) -> Turn:
    """Answer a validated wire chat request.

    Args:
        body: the request: messages, tools, tool_choice, response_format and the rest.
        reasons: whether to think aloud in `Turn.reasoning`.
        hits: what a web search found for the request; the answer is drawn from it and cites it.
        seen: what the pictures of the request show.
        attachments: texts of the documents and recordings of the last user message.
    """
    talk = read(body)
    turn = _turn(body, talk, _Given(hits, seen, attachments))
    return replace(turn, reasoning=thoughts(talk, turn)) if reasons else turn


class _Given:
    """What the request brought besides its messages."""

    __slots__ = ("attachments", "hits", "seen")

    def __init__(
        self, hits: Sequence[Hit], seen: Sequence[Seen], attachments: Sequence[str]
    ) -> None:
        self.hits, self.seen, self.attachments = hits, seen, attachments


def _turn(body: Mapping[str, Any], talk: Conversation, given: _Given) -> Turn:
    if script := react.read_script(talk):
        calls = plan(script.talk, script.choice)
        said = "" if calls else _in_words(script.talk, given).text
        return Turn(react.write(script, calls, said))
    choice = choice_of(body)
    known = answer(talk, attachments=given.attachments).text if choice.mode == "required" else ""
    if planned := plan(talk, choice, known):
        return Turn("", tool_calls=tuple(planned))
    return _said(body, talk, given)


def _said(body: Mapping[str, Any], talk: Conversation, given: _Given) -> Turn:
    """Answer in the form that the request asks for, else in words."""
    schema = given_schema(body)
    if schema is None:
        schema = forms.followed_schema(talk)
    if not talk.calls and (written := forms.write(talk, schema)):
        return Turn(written)
    if schema is not None:
        return _in_json(schema, talk, given)
    if not talk.calls and (done := perform(talk)):
        return Turn(done)
    if (schema := asked_schema(body, talk)) is not None:
        return _in_json(schema, talk, given)
    return _in_words(talk, given)


def _in_words(talk: Conversation, given: _Given) -> Turn:
    """Answer in words, with citations where there were web results."""
    question = take_apart(talk.request).question
    said = report(question, talk.calls)
    if given.hits and not is_small_talk(question):
        if not said and (passages := take_apart(talk.request).passages):
            said = extract(question, passages).text
        text, citations = cited_answer(question, given.hits, said)
        return Turn(text, citations=citations)
    if said:
        text = "\n".join(filter(None, (said, describe(given.seen))))
        return Turn(shaped_answer(talk, text))
    found = answer(talk, seen=given.seen, attachments=given.attachments)
    return Turn(shaped_answer(talk, found.text, is_known=found.score > 0))


def _in_json(schema: Any, talk: Conversation, given: _Given) -> Turn:
    """Fill a schema from the conversation and all that came with it."""
    talk = replace(talk, request=without_format(talk.request), system=without_format(talk.system))
    prompt = take_apart(talk.request)
    found = answer(talk, seen=given.seen, attachments=given.attachments)
    web, _ = cited_answer(prompt.question, given.hits) if given.hits else ("", ())
    results = talk.results()
    texts = (
        *results, *prompt.passages, prompt.question, *given.attachments, *found.passages,
        *(each.description for each in given.seen), *(hit.content for hit in given.hits),
        *talk.earlier("user"), talk.system,
    )  # fmt: skip
    said = report(prompt.question, talk.calls) or web or found.text
    value = fill(schema, Source(tuple(dict.fromkeys(filter(None, texts))), said))
    text = json.dumps(value, ensure_ascii=False)
    return Turn(text, citations=quotations(text, given.hits, prompt.question))

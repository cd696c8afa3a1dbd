"""A chat's messages, responses and stream chunks.

A whole response and an accumulated stream are both a `ChatCompletion`, so adapters translate one
format. Follows https://docs.nano-gpt.com/api-reference/endpoint/chat-completion
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias
from urllib.parse import quote, urlsplit

from nanogpt_client.types._coerce import as_count, as_dict, as_text
from nanogpt_client.types.billing import Billing
from nanogpt_client.types.display import Readable
from nanogpt_client.types.plain import counted, usd
from nanogpt_client.types.tool_arguments import read_arguments

__all__ = [
    "ChatChunk",
    "ChatCompletion",
    "Choice",
    "Citation",
    "Message",
    "MessageDict",
    "ToolCall",
    "ToolCallDelta",
    "Usage",
]

_MARKUP = re.compile(r"([\\`*_\[\]<>])")
_IN_LINKS = "%/:?#@!$&'*+,;=~"  # allowed in URLs, except brackets, which could end a link

MessageDict: TypeAlias = Mapping[str, Any]
"""One message as it is sent: ``role``, ``content`` and the fields of the role; see `messages`."""


@dataclass(frozen=True, slots=True, repr=False)
class Usage(Readable):
    """Tokens of one call; ``None`` if not reported.

    ``prompt_tokens`` includes tokens read from and written to the prompt cache: for routes that
    omit cached tokens they are added here.
    """

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    reasoning_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_creation_tokens: int | None = None
    prompt_audio_tokens: int | None = None
    completion_audio_tokens: int | None = None
    search_queries: int | None = None
    raw: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, raw: Any, pricing: Any = None) -> Usage | None:
        """Read a ``usage`` object; ``None`` if there is none.

        ``pricing`` is the response's ``x_nanogpt_pricing``, whose tokens are used if the usage has
        none: NanoGPT fills usage from it, but not always (page streaming-protocol).
        """
        usage = as_dict(raw)
        if not _any_tokens(usage):
            usage = usage | _usage_of(as_dict(pricing))
        if not usage:
            return None
        into = as_dict(usage.get("prompt_tokens_details"))
        out = as_dict(usage.get("completion_tokens_details"))
        read = _largest(usage.get("cache_read_input_tokens"), into.get("cached_tokens"))
        created = _largest(
            usage.get("cache_creation_input_tokens"), into.get("created_cache_tokens")
        )
        given = _count(usage, "prompt_tokens", "input_tokens")
        completion = _count(usage, "completion_tokens", "output_tokens")
        reasoning = _largest(usage.get("reasoning_tokens"), out.get("reasoning_tokens"))
        completion = _with_reasoning(usage, given, completion, reasoning)
        left_out = 0 if as_count(into.get("cached_tokens")) else _left_out(given, read, created)
        prompt = given if given is None else given + left_out
        return cls(
            prompt_tokens=prompt,
            completion_tokens=completion,
            total_tokens=_total(usage, prompt, completion),
            reasoning_tokens=reasoning,
            cache_read_tokens=read,
            cache_creation_tokens=created,
            prompt_audio_tokens=as_count(into.get("audio_tokens")),
            completion_audio_tokens=as_count(out.get("audio_tokens")),
            search_queries=as_count(usage.get("num_search_queries")),
            raw=usage,
        )


_IN_PRICING = {
    "inputTokens": "prompt_tokens",
    "outputTokens": "completion_tokens",
    "cacheReadInputTokens": "cache_read_input_tokens",
    "cacheCreationInputTokens": "cache_creation_input_tokens",
}


def _usage_of(pricing: dict[str, Any]) -> dict[str, Any]:
    """Return the tokens in ``x_nanogpt_pricing`` as a usage object."""
    found = {name: pricing[key] for key, name in _IN_PRICING.items() if key in pricing}
    return found if _any_tokens(found) else {}


def _any_tokens(usage: dict[str, Any]) -> bool:
    names = ("prompt_tokens", "input_tokens", "completion_tokens", "output_tokens")
    return any(as_count(usage.get(name)) for name in names)


def _count(usage: dict[str, Any], *names: str) -> int | None:
    """Return the first count among the names that routes give it."""
    return next((n for name in names if (n := as_count(usage.get(name))) is not None), None)


def _with_reasoning(
    usage: dict[str, Any], prompt: int | None, completion: int | None, reasoning: int | None
) -> int | None:
    """Return the completion's count, with the reasoning if the total shows that it omits it."""
    if prompt is None or completion is None or not reasoning:
        return completion
    whole = completion + reasoning
    return whole if as_count(usage.get("total_tokens")) == prompt + whole else completion


def _left_out(prompt: int | None, read: int | None, created: int | None) -> int:
    """Return how many cached tokens a prompt's count omits if ``cached_tokens`` is 0 or absent.

    Claude's routes were seen with prompt 2 and 11213 read, beside ``cached_tokens: 0``; where
    those are included, ``cached_tokens`` has them (prompt 123, cached 123, created 123, total 143:
    page streaming-protocol). What is only written is left out where it cannot be included: the page
    prompt-caching has prompt 8500 with 8000 of them written.
    """
    cached = (read or 0) + (created or 0)
    return cached if read or cached > (prompt or 0) else 0


def _total(usage: dict[str, Any], prompt: int | None, completion: int | None) -> int | None:
    """Return the reported total, or the sum of its parts if that is larger."""
    total = as_count(usage.get("total_tokens"))
    if prompt is None or completion is None:
        return total
    return max(total or 0, prompt + completion)


def _largest(*values: Any) -> int | None:
    """Return the largest of fields that mirror each other, as some may stay at 0."""
    return max((n for n in map(as_count, values) if n is not None), default=None)


@dataclass(frozen=True, slots=True, repr=False)
class Citation(Readable):
    """A source of (a part of) the response; offsets count characters of its text.

    Whether chats with web search (``:online``) cite in this form has no witness.
    """

    url: str
    title: str = ""
    start_index: int | None = None
    end_index: int | None = None
    content: str = ""
    raw: dict[str, Any] = field(default_factory=dict, compare=False)

    @classmethod
    def read(cls, raw: Any) -> Citation | None:
        """Read one annotation in its nested or its flat form; ``None`` if it cites no URL."""
        annotation = as_dict(raw)
        source = as_dict(annotation.get("url_citation")) or annotation
        url = as_text(source.get("url"))
        if not url:
            return None
        return cls(
            url=url,
            title=as_text(source.get("title")),
            start_index=as_count(source.get("start_index")),
            end_index=as_count(source.get("end_index")),
            content=as_text(source.get("content")),
            raw=annotation,
        )

    @property
    def link(self) -> str:
        """The link in Markdown; of what is not a web address, the title alone."""
        title = _MARKUP.sub(r"\\\1", " ".join((self.title or self.url).split()))
        if urlsplit(self.url).scheme not in {"http", "https"}:
            return title
        return f"[{title}]({quote(self.url, safe=_IN_LINKS)})"


@dataclass(frozen=True, slots=True, repr=False)
class ToolCall(Readable):
    """A tool call of the model; ``arguments`` is the unchanged text.

    Of a call that ``max_tokens`` or a content filter cut off before its arguments it is ``{``, so
    that nothing takes it for a call without arguments.

    ``extra`` has its other fields, such as the signature of the reasoning behind it
    (``extra_content``); send them back to the model with the call.
    """

    id: str
    name: str
    arguments: str
    extra: dict[str, Any] = field(default_factory=dict, hash=False)

    def parse(self) -> dict[str, Any]:
        """Return the arguments as a dict (empty or null arguments are ``{}``).

        Raises:
            ValueError: they are not a JSON object, e.g. cut off by ``max_tokens``.
        """
        try:
            return read_arguments(self.arguments)
        except ValueError as error:
            msg = f"the arguments of {self.name!r} are not a JSON object: {self.arguments[:80]!r}"
            raise ValueError(msg) from error

    @property
    def problem(self) -> str | None:
        """Why the call must not be run: it names no tool, or its arguments are unreadable.

        ``None`` if it can be run.
        """
        if not self.name:
            return "the call names no tool"
        try:
            self.parse()
        except ValueError as error:
            return str(error)
        return None


@dataclass(slots=True, repr=False)
class ToolCallDelta(Readable):
    """A chunk of a tool call: stable ``index``; ``id`` on one delta of the call only.

    Append ``name`` and ``arguments``; a name is mostly complete on the call's first delta.
    """

    index: int
    id: str | None
    name: str | None
    arguments: str


@dataclass(frozen=True, slots=True, repr=False)
class Message(Readable):
    """The model's message. ``images`` are URLs, mostly ``data:`` ones.

    NanoGPT's form of an item of ``images`` has no witness; other gateways' forms are read.
    ``extra`` has the other fields of the message, such as signed or encrypted
    ``reasoning_details``; some models refuse a conversation without them.
    """

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    citations: tuple[Citation, ...] = ()
    images: tuple[str, ...] = ()
    refusal: str | None = None
    audio: dict[str, Any] | None = None
    role: str = "assistant"
    extra: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def markdown(self) -> str:
        """The text, images, tool calls and sources, to display."""
        sources = dict.fromkeys(citation.link for citation in self.citations)
        parts = [
            self.text or self.refusal or "",
            *(f"![]({url})" for url in self.images),
            *(f"`` {call.name}({call.arguments}) ``" for call in self.tool_calls),
            "\n".join(f"{number}. {link}" for number, link in enumerate(sources, 1)),
        ]
        return "\n\n".join(filter(None, parts))


@dataclass(frozen=True, slots=True, repr=False)
class Choice(Readable):
    """One of the ``n`` choices."""

    index: int
    message: Message
    finish_reason: str | None
    logprobs: dict[str, Any] | None = None


@dataclass(frozen=True, repr=False)
class ChatCompletion(Readable):
    """A whole response, or the part of a broken stream that arrived (without finish reason)."""

    id: str
    model: str
    choices: tuple[Choice, ...]
    usage: Usage | None
    billing: Billing
    raw: dict[str, Any] = field(repr=False)

    @property
    def message(self) -> Message:
        """The first choice's message; an empty one if nothing has arrived."""
        return self.choices[0].message if self.choices else Message()

    @property
    def text(self) -> str:
        """The first choice's text."""
        return self.message.text

    @property
    def reasoning(self) -> str:
        """The first choice's reasoning."""
        return self.message.reasoning

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The first choice's tool calls."""
        return self.message.tool_calls

    @property
    def citations(self) -> tuple[Citation, ...]:
        """The first choice's citations."""
        return self.message.citations

    @property
    def images(self) -> tuple[str, ...]:
        """The first choice's images."""
        return self.message.images

    @property
    def finish_reason(self) -> str | None:
        """The first choice's finish reason."""
        return self.choices[0].finish_reason if self.choices else None

    @cached_property
    def leaked_tool_markup(self) -> bool:
        """Whether the text has markup that should have been a tool call; it is never removed."""
        return any(mark in choice.message.text for choice in self.choices for mark in _OF_TOOLS)

    def _repr_markdown_(self) -> str:
        """Show it in notebooks: texts, images, tool calls, sources, and a line with its cost."""
        texts = [choice.message.markdown for choice in self.choices]
        line = [self.model, usd(self.billing.cost, "unknown cost")]
        if self.usage is not None:
            counts = (self.usage.prompt_tokens, "in"), (self.usage.completion_tokens, "out")
            line += [f"{counted(n, 'token')} {where}" for n, where in counts if n is not None]
        return "\n\n".join([*texts, f"*{' · '.join(line)}*"])


_OF_TOOLS = ("<tool_call>", "<｜DSML｜", "<|DSML|", "<｜tool▁calls▁begin｜>", "<function_calls>")


@dataclass(slots=True, repr=False)
class ChatChunk(Readable):
    """A normalised chunk of a stream: what is new since the last one.

    The finish reason is on the last chunk of each choice (``index``); the last chunk of all also
    has usage and billing. The stream's ``snapshot`` is the completion so far.
    """

    text: str = ""
    reasoning: str = ""
    tool_calls: Sequence[ToolCallDelta] = ()
    citations: Sequence[Citation] = ()
    images: Sequence[str] = ()
    refusal: str | None = None
    audio: dict[str, Any] | None = None
    logprobs: dict[str, Any] | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    billing: Billing | None = None
    index: int = 0
    id: str = ""
    model: str = ""
    raw: dict[str, Any] = field(default_factory=dict, repr=False)

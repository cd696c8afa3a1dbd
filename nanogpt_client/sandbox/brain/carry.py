"""What flows from earlier tool results into a later call: the text that "it" stands for, and files.

A result that tells where a file is (`saved at /out/fox.png`) stands for what the file was made
from; any other result for what it says, a long one for the sentences that answer its question.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from nanogpt_client.sandbox.answers.text import sentences, terms
from nanogpt_client.sandbox.brain import mine
from nanogpt_client.sandbox.brain.extract import extract, lead
from nanogpt_client.sandbox.media.words import stem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from nanogpt_client.sandbox.brain.conversation import Call

_ENDINGS = {
    "sound": "wav mp3 ogg opus flac aac m4a pcm",
    "picture": "png jpg jpeg webp gif",
    "film": "mp4 mov webm mkv",
}
_KIND_OF = {ending: kind for kind, endings in _ENDINGS.items() for ending in endings.split()}
_WORDS = {
    "sound": frozenset("audio sound recording recordings speech".split()),
    "picture": frozenset("image images picture pictures photo photos mask".split()),
    "film": frozenset("video film movie clip".split()),
}
_PLACES = frozenset("path url file address".split())
_AROUND_A_FILE = 400  # characters that a result may say besides where its files are
_LONG = 240  # characters of a result that is said as it is
_MOST = 2  # sentences of a longer one
_ADDRESS = re.compile(r"[(<\[]?\bhttps?://\S+")
_ASKED = re.compile(
    r"^(?:what|who|where|how|when|why)\b (?:.*\babout |(?:is|are|was|were) )?(.+?)"
    r"(?: is| are| was| were)?[?.! ]*$",
    re.IGNORECASE,
)
_DEPICTS = frozenset(map(stem, "draw paint picture image photo video film".split()))
_HEARS = frozenset(map(stem, "transcribe search find speak".split()))
_NUMBERING = re.compile(r"^\s*(?:\[\d+\]|\d+[.)]|[-*•])\s*", re.MULTILINE)


def kinds_of_file(text: str) -> set[str]:
    """Return which kinds of media files a text names: sound, picture, film."""
    paths = (*mine.found("url", text), *mine.found("path", text))
    return {kind for span in paths if (kind := kind_of_file(span.value))}


def files(texts: Iterable[str]) -> list[str]:
    """Return the texts that tell where a media file is."""
    return [text for text in texts if kinds_of_file(text)]


def kind_of_file(path: str) -> str:
    """Return sound, picture or film by the ending of a path or address, "" for others."""
    return _KIND_OF.get(path.partition("?")[0].rpartition(".")[2].lower(), "")


def fits(path: str, name: Collection[str], about: Collection[str]) -> bool:
    """Tell whether a file is of the kind that a field's name, else its description, speaks of."""
    meant = _kinds_meant(name) or _kinds_meant(about)
    kind = kind_of_file(path)
    return not meant or not kind or kind in meant


def works_on_file(name: Collection[str], about: Collection[str]) -> bool:
    """Tell whether a field, by its name and description, takes the place of a media file."""
    return bool(_kinds_meant(name)) and not _PLACES.isdisjoint(about)


def _kinds_meant(words: Collection[str]) -> set[str]:
    return {kind for kind, names in _WORDS.items() if names.intersection(words)}


class Told(NamedTuple):
    """What a later step means by "it": the text, and what a longer one that it is from is about."""

    text: str = ""
    subject: str = ""
    is_answer: bool = True

    @property
    def depicted(self) -> str:
        """What a picture of it may show besides its subject."""
        return f": {self.text}" if self.is_answer else ""


def told_by(calls: Sequence[Call]) -> Told:
    """Return what was found out last, else what was made."""
    good = [c for c in reversed(calls) if c.result and not c.failed and not c.is_handoff]
    call = next((c for c in good if not _is_file(c.result or "")), None)
    if call is None:
        return Told(_given(good[0])) if good else Told()
    question, result = _given(call), call.result or ""
    if len(result) <= _LONG and not _ADDRESS.search(result):
        return Told(result.strip())
    passages = [_prose(result)]
    found, subject = extract(question, passages, _MOST), _ASKED.sub(r"\1", question)
    return Told(found.text or lead(passages, _MOST).text, subject, bool(found.text))


def depicts(known: Collection[str]) -> bool:
    """Tell whether a tool that speaks of these words makes pictures or films."""
    return bool(_DEPICTS & set(known)) and not _HEARS & set(known)


def says_what(text: str, known: Collection[str]) -> bool:
    """Tell whether a step names its own subject, beyond the words that its tool speaks of."""
    return any(word not in known for word in terms(text))


def _is_file(result: str) -> bool:
    """Tell whether a result is little more than the place of a file, and names no other pages."""
    pages = [span for span in mine.found("url", result) if not kind_of_file(span.value)]
    is_short = len(_ADDRESS.sub("", result)) <= _AROUND_A_FILE
    return not pages and is_short and bool(kinds_of_file(result))


def _prose(result: str) -> str:
    """Return the whole sentences of a result, without numbers, titles and addresses."""
    plain = _NUMBERING.sub("", _ADDRESS.sub("", result))
    said = [each for each in sentences(plain) if each[-1] in ".!?…" and len(each.split()) > 3]
    return "\n".join(said) or plain


def _given(call: Call) -> str:
    """Return the longest text that a call was given: its prompt, its query, what to say."""
    texts = (value for value in call.arguments.values() if isinstance(value, str))
    return max((text for text in texts if not kind_of_file(text)), key=len, default="")

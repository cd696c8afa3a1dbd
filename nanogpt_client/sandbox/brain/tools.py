"""Read the tools of a request and tell how well each fits a piece of it.

Fit is lexical: words shared with the tool's name count most, then its description, parameters
and enum values; words of one family (draw, picture, image) count for each other; arithmetic
fits calculators. Words that all tools share say nothing.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nanogpt_client.sandbox.answers.text import sentences, terms
from nanogpt_client.sandbox.brain import arith, mine
from nanogpt_client.sandbox.brain.carry import works_on_file
from nanogpt_client.sandbox.brain.entity import beside, outstanding_names
from nanogpt_client.sandbox.brain.kin import KIN, families
from nanogpt_client.sandbox.brain.phrase import points_back, without_courtesy
from nanogpt_client.sandbox.brain.source import split_name
from nanogpt_client.sandbox.brain.wording import meanings
from nanogpt_client.sandbox.media.words import stem, units

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

FITS = 2.2  # a tool fits a request from this score on
_OPERATES = 2.0  # for doing just the operation that a sum asks for
_SAME_VERB = 1.7  # for opening with the verb of the tool's name
_ADDRESSED = 1.5  # for giving a value beside the name of a parameter
_SHORT = 400  # characters of a piece that is searched for such values
_MOSTLY = 1.3  # for covering at least half of what the request says
_NAMED, _IN_NAME, _KIN_OF_NAME, _TOLD, _KIN_OF_TOLD, _IN_PARAMETERS = 9.0, 3.0, 2.5, 1.0, 1.1, 0.5
_HEAD = 1.0  # for being what a text speaks of first
_NO_FILE = 1.0  # against a tool that works on a file where none is spoken of
_TOO_EARLY = 4.0  # against foretelling what is asked for as a fact
_GENERIC = frozenset(
    map(
        stem,
        """get set run do tool function fetch make call execute api use used using nano nanogpt gpt
        agent agents
        my the a an of for to in on with from by and or is are be this that it input output return
        returns given value values result results text string number one two about request
        need ask me you i what how can please""".split(),
    )
)
_ANYBODY = frozenset(map(stem, "user users person people".split()))  # in any description
_QUESTION = re.compile(
    r"^\W*(?:\w+,? )?(?:who|what|when|where|which|why|how|is|are|does|do|did|tell me (?:about"
    r"|who|what)"
    r"|find|search|look up|give me (?:info|facts)|research)\b",
    re.IGNORECASE,
)
_CALCULATES = frozenset(
    map(stem, "calculate calculator math arithmetic expression compute".split())
)
_SEARCHES = frozenset(
    map(stem, "search find lookup retrieve query knowledge docs documents browse web wiki".split())
)
_IDIOMS = (  # of words so common that they say nothing by themselves
    (
        "say",
        re.compile(r"\W*say\b", re.IGNORECASE),
    ),
    ("search", re.compile(r"\W*look (?:for|up|into)\b", re.IGNORECASE)),
    ("transcribe", re.compile(r".*\bwrite down (?:what|every|all|the words)\b", re.IGNORECASE)),
)
_FORETELLS = frozenset(map(stem, "estimate estimator forecast predict preview".split()))
_EDITS = families([stem("edit")])
_ASKS_AHEAD = re.compile(
    r"\b(?:would|will|could|might|estimat\w*|predict\w*|forecast|expected|before|afford"
    r"|(?:what|how much) (?:does|do|is|are))\b",
    re.IGNORECASE,
)
_EXAMPLE = re.compile(r"\b(?:such as|for example|for instance|e\.g\.|like)\b.*|[\"'`].*?[\"'`]")
_FREE_TEXT = frozenset("input query question q text prompt search_query request message".split())


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the model may call."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    alias: str = ""  # the name to match with the request, where it is not the tool's own

    @property
    def properties(self) -> dict[str, Any]:
        """The schemas of the parameters by name."""
        found = self.parameters.get("properties")
        return found if isinstance(found, dict) else {}

    @property
    def is_form(self) -> bool:
        """Whether the tool is a class that an answer is to be given as, by the look of its name."""
        return self.name[:1].isupper() and "_" not in self.name

    @property
    def is_calculator(self) -> bool:
        """Whether the tool takes a written-out sum, and nothing else that is required."""
        required = [*(self.parameters.get("required") or self.properties)]
        words = {*split_name(self.name), *map(str.lower, re.findall(r"\w+", self.description))}
        one = self.properties.get(required[0]) if len(required) == 1 else None
        is_text = isinstance(one, dict) and one.get("type", "string") == "string"
        return is_text and bool({stem(word) for word in words} & _CALCULATES)

    @property
    def main_text(self) -> str:
        """The first parameter, if it takes any text: the prompt of a tool that requires nothing."""
        name = next(iter(self.properties), "")
        return name if name in _FREE_TEXT else ""

    @property
    def needs_file(self) -> bool:
        """Whether the tool cannot do without the path or address of a picture, sound or film."""
        return bool(self._files())

    def lacks_file(self, arguments: Mapping[str, Any]) -> bool:
        """Tell whether mere words stand where a file is needed: `the picture you drew`."""
        given = (str(arguments.get(name, "")).replace(" ", "") for name in self._files())
        return any(value.isalpha() for value in given)

    def _files(self) -> list[str]:
        """Return the required parameters that take the place of a media file."""
        return [
            name
            for name in self.parameters.get("required") or ()
            if isinstance(schema := self.properties.get(name), dict)
            and works_on_file(
                split_name(name), re.findall(r"[a-z]+", str(schema.get("description")).lower())
            )
        ]

    @property
    def foretells(self) -> bool:
        """Whether the tool tells what is to come: by its name, or the verb it is described with."""
        words = (*units(self.alias or self.name), *units(self.description)[:1])
        return not _FORETELLS.isdisjoint(words)

    @property
    def edits(self) -> bool:
        """Whether the tool changes a picture, sound or film that there is."""
        return self.needs_file and not _EDITS.isdisjoint(families(units(self.alias or self.name)))

    @property
    def is_question_tool(self) -> bool:
        """Whether the tool takes a question or a search, and nothing else that is required."""
        required = set(self.parameters.get("required") or self.properties)
        words = {*split_name(self.name), *map(str.lower, re.findall(r"\w+", self.description))}
        searches = bool({stem(word) for word in words} & _SEARCHES) or "question" in words
        return bool(required) and required <= _FREE_TEXT and searches


def tools_of(body: Mapping[str, Any]) -> list[Tool]:
    """Read the function tools of a wire request."""
    found = []
    for each in body.get("tools") or ():
        function = each.get("function") if isinstance(each, dict) else None
        if isinstance(function, dict) and function.get("name"):
            schema = function.get("parameters")
            found.append(
                Tool(
                    str(function["name"]),
                    str(function.get("description") or ""),
                    schema if isinstance(schema, dict) else {},
                )
            )
    return found


@dataclass(frozen=True, slots=True)
class _Profile:
    """A tool's words by where they stand."""

    name: frozenset[str]
    told: frozenset[str]
    parameters: frozenset[str]


class Toolbox:
    """The tools of one request, ready to be matched with pieces of it."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self.tools = list(tools)
        self._profiles = [_profile(tool) for tool in tools]
        frequency = Counter(
            word for profile in self._profiles for word in profile.name | profile.told
        )
        self._rarity = {
            word: math.log((1 + len(tools)) / count) / math.log(1 + len(tools))
            for word, count in frequency.items()
        }

    def best(self, text: str) -> tuple[Tool | None, float]:
        """Return the tool that fits a text best, and its score."""
        scores = self.scores(text)
        if not scores:
            return None, 0.0
        number = max(range(len(scores)), key=lambda i: (scores[i], -i))
        return self.tools[number], scores[number]

    def scores(self, text: str) -> list[float]:
        """Return how well each tool fits a text; `FITS` and more means that it should be used."""
        if not any(_is_named(tool, text) for tool in self.tools):
            for plain in meanings(text):
                scores = self._scores(plain)
                if max(scores, default=0) >= FITS and self._does(scores.index(max(scores)), plain):
                    return scores
        return self._scores(text)

    def _does(self, number: int, plain: str) -> bool:
        """Tell whether a tool speaks of all that some plain words say."""
        profile, words = self._profiles[number], frozenset(terms(plain)) - _GENERIC
        return _shared(words, profile.name | profile.told) == len(words)

    def _scores(self, text: str) -> list[float]:
        text = without_courtesy(text)
        words = frozenset(terms(text)) - _GENERIC
        words |= {stem(word) for word, idiom in _IDIOMS if idiom.match(text)}
        sums = arith.sums(text)
        wanted = frozenset(stem(arith.operation(each)) for each in sums)
        if sums:
            words |= {*wanted, stem("calculate")}
        spelt = {unit for span in outstanding_names(text) for unit in units(span.value)}
        plain = {word for word in words - spelt if word.isalpha()}
        scores = [
            self._score(tool, profile, text, words)
            + _OPERATES * bool(families(wanted) & families(profile.name | profile.told))
            + _MOSTLY
            * (bool(plain) and 2 * _shared(plain, profile.name | profile.told) >= len(plain))
            - out_of_place
            for tool, profile, out_of_place in zip(
                self.tools, self._profiles, self._out_of_place(text), strict=True
            )
        ]
        if words and not sums and _QUESTION.search(text) and max(scores, default=0) < FITS:
            return [s + FITS * t.is_question_tool for s, t in zip(scores, self.tools, strict=True)]
        return self._headed(text, scores)

    def _out_of_place(self, text: str) -> list[float]:
        """Return what speaks against each tool: no file to work on, nothing to foretell."""
        has_file = points_back(text) or bool(mine.found("path", text) or mine.found("url", text))
        asks_ahead = _ASKS_AHEAD.search(text) is not None
        return [
            _NO_FILE * (not has_file and tool.needs_file)
            + _TOO_EARLY * (not asks_ahead and tool.foretells)
            for tool in self.tools
        ]

    def _headed(self, text: str, scores: Sequence[float]) -> list[float]:
        """Of the tools that fit, prefer those that a text speaks of first.

        "The transcript of the recording" wants the transcript.
        """
        known = [families(profile.name) for profile in self._profiles]
        heads = (families([unit]) & frozenset().union(*known) for unit in units(text))
        head = next(filter(None, heads), frozenset())
        return [
            score + _HEAD * (score >= FITS and not head.isdisjoint(its_own))
            for score, its_own in zip(scores, known, strict=True)
        ]

    def _score(self, tool: Tool, profile: _Profile, text: str, words: frozenset[str]) -> float:
        score = _NAMED * _is_named(tool, text)
        score += sum(_IN_NAME * self._weight(word) for word in words & profile.name)
        score += _ADDRESSED * _gives_parameter(tool, text)
        score += _SAME_VERB * _opens_with_verb_of(tool, text)
        if not words & profile.name:
            score += _KIN_OF_NAME * bool(families(words) & families(profile.name))
        told = profile.told - profile.name
        score += sum(_TOLD * self._weight(word) for word in words & told)
        related = families(told)
        score += _KIN_OF_TOLD * min(2, sum(not related.isdisjoint(KIN.get(w, ())) for w in words))
        score += _IN_PARAMETERS * len(words & (profile.parameters - profile.name - told))
        return score

    def _weight(self, word: str) -> float:
        return 0.35 + 0.65 * self._rarity.get(word, 1.0)


def vocabulary(tool: Tool) -> frozenset[str]:
    """Return the stems of the words that a tool is described with, and those of their families."""
    about = _EXAMPLE.sub("", tool.description)
    words = {
        unit for text in (tool.alias or tool.name, about, *tool.properties) for unit in units(text)
    }
    known = families(words)
    return frozenset(words | {word for word, kin in KIN.items() if not known.isdisjoint(kin)})


def _profile(tool: Tool) -> _Profile:
    """Collect a tool's words; of a long description the first sentences count."""
    about = " ".join(sentences(tool.description)[:4])
    parameters: list[str] = []
    for name, schema in tool.properties.items():
        parameters += units(name)
        if isinstance(schema, dict):
            parameters += terms(str(schema.get("description") or ""))
            parameters += [unit for each in _enum(schema) for unit in units(str(each))]
    return _Profile(
        frozenset(unit for word in split_name(tool.alias or tool.name) for unit in units(word))
        - _GENERIC,
        frozenset(terms(about)) - _GENERIC - _ANYBODY,
        frozenset(parameters) - _GENERIC,
    )


def _enum(schema: dict[str, Any]) -> Iterable[Any]:
    found = schema.get("enum")
    return found if isinstance(found, list) else ()


def _is_named(tool: Tool, text: str) -> bool:
    """Tell whether the text calls the tool by its name."""
    if "_" not in tool.name and "-" not in tool.name and tool.name.islower():
        return re.search(rf"\b{re.escape(tool.name)}(?:\(| tool\b| function\b)", text) is not None
    return re.search(rf"(?<!\w){re.escape(tool.name)}(?!\w)", text, re.IGNORECASE) is not None


def _gives_parameter(tool: Tool, text: str) -> bool:
    """Tell whether a short request gives a value beside a parameter's name: `the city of Ulm`."""
    if len(text) > _SHORT:
        return False
    known = vocabulary(tool)
    return any(next(beside(split_name(name), text, known), None) for name in tool.properties)


def _opens_with_verb_of(tool: Tool, text: str) -> bool:
    """Tell whether a request opens with the verb of the tool's name: `Set the …`, set_config."""
    verb = next(iter(split_name(tool.name)), "")
    return re.match(rf"\W*(?:please )?{re.escape(verb)}\b", text, re.IGNORECASE) is not None


def _shared(words: Iterable[str], known: frozenset[str]) -> int:
    """Count the words that are known, themselves or one of their family."""
    related = families(known)
    return sum(word in known or not related.isdisjoint(KIN.get(word, ())) for word in words)

"""Answer prompts that show the form of their answer, in that form.

A prompt may print the JSON schema to follow, number documents and ask for a list of them, end
where its own example has an output, ask for a score in a line of its own, for YES or NO, or for
triplets. Each is known by what it shows, not by whose prompt it is.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from nanogpt_client.sandbox.answers.text import rank, sentences, terms
from nanogpt_client.sandbox.brain.conversation import parse
from nanogpt_client.sandbox.brain.json_mode import printed_schema
from nanogpt_client.sandbox.brain.merge import merged
from nanogpt_client.sandbox.media.words import units

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from nanogpt_client.sandbox.brain.conversation import Conversation

_TO_FOLLOW = re.compile(r"\bschema\b[^\n{]{0,160}:\s*(?:```\w*\s*)?(?=\{)", re.IGNORECASE)
_DOCUMENTS = re.compile(
    r"^(?:Document|Passage|Text|Source) (\d+):\s*\n([\s\S]*?)(?=^\w+ \d+:|^(?:Question|Query):|\Z)",
    re.MULTILINE,
)
_QUESTION = re.compile(r"^(?:Question|Query): *(.+)$", re.MULTILINE)
_NUMBER_OF = re.compile(r"number|index|\bid\b|_id$", re.IGNORECASE)
_SCORE_OF = re.compile(r"score|relevance|rating|rank", re.IGNORECASE)
_HEADING = re.compile(r"^(?:#{1,4} *|<)([A-Z][\w -]*?)>?[ \t]*$", re.MULTILINE)
_FENCED = re.compile(r"```\w*\s*\n([\s\S]*?)\n```")
_SCORED = re.compile(
    r"^Example (?:Response|Output|Answer):\s*\n(\d+(?:\.\d+)?)\s*\n\S", re.MULTILINE
)
_RANGE = re.compile(r"\bbetween (\d+) and (\d+)|\b(?:from )?(\d+) ?(?:to|-|–) ?(\d+)")
_TRIPLETS = re.compile(r"\((\w+), ?(\w+), ?(\w+)\)")
_EXAMPLE = re.compile(r"^\([^(),\n]+,[^(),\n]+,[^(),\n]+\)\s*$", re.MULTILINE)
_LAST_TEXT = re.compile(r"^Text:\s*([\s\S]+?)\s*^\w+:\s*\Z", re.MULTILINE)
_CLAUSE = re.compile(
    r"^(.+?) ((?:is|are|was|were|be|has|have|had|can|may|will|does?"
    r"|\w+(?:ed|es|s))(?: (?:in|on|at|by|of|for|from|to|with|as))?) (.+)$",
    re.IGNORECASE,
)
_YES_OR_NO = re.compile(r"\bYES ?(?:/|or) ?NO\b")
_CLAIM = re.compile(r"^(?:Information|Statement|Claim|Query and Response):", re.MULTILINE)
_JUDGED = re.compile(r":\s*([\s\S]+?)\s*^Context:\s*([\s\S]+?)\s*^Answer:\s*\Z", re.MULTILINE)
_JUDGED_AGAIN = re.compile(
    r"context information:\s*([\s\S]+?)\s*^We have provided an existing YES/NO answer:\s*(\w+)"
    r"[\s\S]*?^-{5,}\s*\n([\s\S]*?)\n-{5,}",
    re.MULTILINE,
)
_WELL = 0.6  # of a claim's words must stand in what supports it
_ARTICLE = re.compile(r"^(?:the|an?)\s+", re.IGNORECASE)


def followed_schema(talk: Conversation) -> Any:
    """Return the JSON schema that the prompt prints below words such as `schema to follow:`."""
    for text in (talk.request, talk.system):
        if match := _TO_FOLLOW.search(text):
            return printed_schema(text[match.start() :])
    return None


def write(talk: Conversation, schema: Any) -> str:
    """Return the answer in the form that the prompt shows, or "" where it shows none.

    Args:
        talk: the conversation.
        schema: the JSON schema that the answer must follow, or None.
    """
    if schema is not None:
        return _numbered(talk.request, schema)
    for form in _FORMS:
        if written := form(talk):
            return written
    return ""


class _Document(NamedTuple):
    number: int
    relevance: float  # 0 to 1


def _numbered(request: str, schema: Any) -> str:
    """List the numbered documents of a prompt that answer its question, best first."""
    found = [(int(number), text) for number, text in _DOCUMENTS.findall(request)]
    list_of = _list_of_numbers(schema) if found else None
    if list_of is None:
        return ""
    name, item = list_of
    asked = _QUESTION.findall(request)
    scores = rank(asked[-1] if asked else "", [text for _, text in found])
    ranked = [_Document(number, score) for (number, _), score in zip(found, scores, strict=True)]
    ranked.sort(key=lambda each: (-each.relevance, each.number))
    chosen = [each for each in ranked if each.relevance > 0] or ranked[:1]
    return json.dumps({name: [_entry(each, item["properties"]) for each in chosen]})


def _list_of_numbers(schema: Any) -> tuple[str, dict[str, Any]] | None:
    """Return the only member of a schema, and its items, if they are numbers with scores."""
    members = schema.get("properties", {}) if isinstance(schema, dict) else {}
    for name, member in members.items():
        item = merged(member.get("items", {}), schema) if isinstance(member, dict) else None
        keys = item.get("properties", {}) if isinstance(item, dict) else {}
        kinds = {_role(key) for key in keys}
        if len(members) == 1 and isinstance(item, dict) and kinds == {"number", "score"}:
            return name, item
    return None


def _entry(document: _Document, properties: Mapping[str, Any]) -> dict[str, int]:
    entry = {}
    for key, schema in properties.items():
        low, high = schema.get("minimum", 1), schema.get("maximum", 10)
        score = round(low + document.relevance * (high - low))
        entry[key] = document.number if _role(key) == "number" else score
    return entry


def _role(key: str) -> str:
    """Return what a member of a list of documents is for."""
    roles = (("number", _NUMBER_OF), ("score", _SCORE_OF))
    return next((role for role, pattern in roles if pattern.search(key)), "")


def _as_in_example(talk: Conversation) -> str:
    """Write the JSON that the prompt's example has under the heading where the prompt ends."""
    shown = list(_sections(talk.request))
    if not shown or shown[-1][1].strip():
        return ""
    heading = shown[-1][0]
    inputs = dict(shown[:-1])  # the last of each name: those of the question, not of the example
    examples = [text for name, text in shown[:-1] if name == heading]
    value = _fenced(examples[-1]) if examples else None
    items = next(iter(value.values())) if isinstance(value, dict) and len(value) == 1 else value
    if not isinstance(items, list) or not items or not isinstance(items[0], dict):
        return ""
    choices = _choices(inputs.values())
    question = [text.strip() for name, text in inputs.items() if re.search("question|query", name)]
    made = [
        {
            key: _best(part, choices) if _is_choice(key, items, talk.request) else part
            for key in items[0]
        }
        for part in sentences(question[-1] if question else "")
    ]
    written = {next(iter(value)): made} if isinstance(value, dict) else made
    return f"```json\n{json.dumps(written, ensure_ascii=False, indent=4)}\n```" if made else ""


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """Yield the headings of a text, in lower case, with what stands below each."""
    found = list(_HEADING.finditer(text))
    ends = [*(match.start() for match in found[1:]), len(text)]
    for match, end in zip(found, ends, strict=False):
        yield match[1].lower(), text[match.end() : end]


def _fenced(text: str) -> Any:
    match = _FENCED.search(text)
    return parse(match[1]) if match else None


def _choices(inputs: Any) -> dict[str, str]:
    """Return what an input offers by name: the members of its JSON object."""
    offered = [value for text in inputs if isinstance(value := _fenced(text), dict)]
    texts = [each for each in offered if each and all(isinstance(v, str) for v in each.values())]
    return texts[-1] if texts else {}


def _best(part: str, choices: Mapping[str, str]) -> str:
    names = list(choices)
    scores = rank(part, [f"{name} {about}" for name, about in choices.items()])
    return names[max(range(len(names)), key=lambda i: (scores[i], -i))] if names else ""


def _is_choice(key: str, items: Sequence[Mapping[str, Any]], text: str) -> bool:
    """Tell whether a member names one of the things that the example's input offers."""
    return all(f'"{item.get(key)}": "' in text for item in items)


def _scored(talk: Conversation) -> str:
    """Write a score in a line of its own, and the reason for it below."""
    prompt = f"{talk.system}\n{talk.request}"
    example, limits = _SCORED.search(prompt), _RANGE.search(prompt)
    parts = [text.strip() for _, text in _sections(talk.request) if text.strip()]
    if not example or not limits or not parts:
        return ""
    low, high = (float(each) for each in limits.groups() if each is not None)
    share = _shared(parts[-1], parts[-2] if len(parts) > 1 else "")
    digits = len(example[1].partition(".")[2])
    reason = f"The answer has {share:.0%} of the words of what it is compared with."
    return f"{low + share * (high - low):.{digits}f}\n{reason}"


def _verdict(talk: Conversation) -> str:
    """Say YES or NO: whether a context bears out what is claimed."""
    request = talk.request
    if not _YES_OR_NO.search(request):
        return ""
    if match := _JUDGED_AGAIN.search(request):
        claim, before, context = match.groups()
    elif (last := [each.end() - 1 for each in _CLAIM.finditer(request)]) and (
        match := _JUDGED.match(request, last[-1])
    ):
        claim, context, before = *match.groups(), "NO"
    else:
        return ""
    answer = claim.rpartition("Response:")[2]
    return "YES" if before == "YES" or _shared(context, answer) >= _WELL else "NO"


def _shared(text: str, other: str) -> float:
    """Return how much of another text a text holds, from 0 to 1."""
    wanted, have = set(terms(other)), set(units(text))
    return len(wanted & have) / len(wanted) if wanted else 0.0


def _triplets(talk: Conversation) -> str:
    """Write one triplet for each statement of the prompt's last text, in brackets or as JSON."""
    form = _TRIPLETS.search(talk.request)
    text = form and _LAST_TEXT.search(talk.request[_last_rule(talk.request) :])
    if not form or not text:
        return ""
    clauses = [_CLAUSE.match(each.rstrip(".!").strip()) for each in sentences(text[1])]
    parts = [[_part(each) for each in clause.groups()] for clause in clauses if clause]
    keys = dict.fromkeys(re.findall(rf"'((?:{'|'.join(form.groups())})\w*)':", talk.request))
    if keys.keys() >= set(form.groups()):
        made = [dict(zip(form.groups(), part, strict=True)) for part in parts]
        return json.dumps([{key: each.get(key, "Thing") for key in keys} for each in made])
    if not _EXAMPLE.search(talk.request):
        return ""
    return "\n".join(f"({', '.join(part)})" for part in parts) or "None."


def _part(text: str) -> str:
    """Return a part of a statement without its article and what would break the brackets."""
    return re.sub(r"[(),]", "", _ARTICLE.sub("", text)).strip()


def _last_rule(text: str) -> int:
    """Return the place of the last rule of dashes, below which the prompt's own text stands."""
    return max((match.end() for match in re.finditer(r"^-{5,}\s*$", text, re.MULTILINE)), default=0)


_FORMS: Sequence[Callable[[Conversation], str]] = (_as_in_example, _scored, _verdict, _triplets)

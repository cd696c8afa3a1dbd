"""Find the values that a text mentions: numbers, names, quotes, addresses, dates.

Each finder returns `Span`s in the order of the text. Results are cached per text, since a
schema filler asks for them once per field.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import NamedTuple

from nanogpt_client.sandbox.media.words import stem


class Span(NamedTuple):
    """A value found at text[start:end]."""

    value: str
    start: int
    end: int


class Number(NamedTuple):
    """A number with the stemmed words just before and after it."""

    value: float
    start: int
    end: int
    before: tuple[str, ...]
    after: tuple[str, ...]


_UP = r"[^\W\d_a-z\u00df-\u00f6\u00f8-\u00ff]"  # a capital, or a letter of a script without case
_NAME_WORD = rf"{_UP}(?:[\w&]|['’-](?=\w)|\.(?=[A-Z]\b))*(?:(?<=\b[A-Z])\.(?= [A-Z]))?"
_LINK = r"(?: (?:of|de|da|di|van|von|der|den|la|le|du|del|the|bin|e|y) )"
_NAME = re.compile(rf"\b{_NAME_WORD}(?:(?:{_LINK}| ){_NAME_WORD})*(?:, [A-Z]{{2,3}}\b)?")
_QUOTED = re.compile(
    r"\"([^\"\n]+)\"|“([^”\n]+)”|«\s*([^»\n]+?)\s*»|`([^`\n]+)`|「([^」\n]+)」"
    r"|(?<![\w])[‘']([^'’\n]*(?:['’]\w[^'’\n]*)*)['’](?!\w)"
)
_URL = re.compile(r"(?:https?|ftp|file|data)://?[^\s<>\"'`）)\]]+|\bwww\.[^\s<>\"'`)\]]+")
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_DOMAIN = re.compile(r"(?<![\w.@/-])(?:[a-z0-9-]+\.)+[a-z]{2,}(?![\w@-])", re.IGNORECASE)
_PATH = re.compile(
    r"(?<![\w:/])(?:~|\.{1,2}|[A-Za-z]:)?[\\/][\w.\-\\/]*[\w]"
    r"|\b[\w-]+(?:/[\w.-]+)*\.[A-Za-z]\w{1,4}\b"
)
_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?"
    r"|Sep(?:tember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
)
_DATE = re.compile(
    r"\b\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
    rf"|\b\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH}(?:,? \d{{4}})?\b"
    rf"|\b{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?\b|\b{_MONTH} \d{{4}}\b"
    r"|\b\d{1,2}[/.]\d{1,2}[/.]\d{2,4}\b"
    r"|\b(?:(?:next|last|this) )?(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b"
    r"|\b(?:today|tomorrow|yesterday|tonight|next (?:week|month|year)|last (?:week|month|year))\b",
    re.IGNORECASE,
)
_TIME = re.compile(r"\b\d{1,2}:\d{2}(?::\d{2})?(?: ?[ap]\.?m\.?)?|\b\d{1,2} ?[ap]\.?m\b|\bnoon\b")
_PHONE = re.compile(r"(?<!\w)\+?\(?\d[\d ()-]{6,}\d(?!\w)")
_CODE = re.compile(r"(?<![\w.])#?(?=[\w-]*\d)(?=[\w-]*[A-Za-z#-])[A-Za-z0-9][\w-]{2,}(?!\w)|#\d+")
_SLUG = re.compile(  # no media type
    r"(?<![\w:/.])(?!(?:application|audio|image|text|video)/)[A-Za-z][\w.-]*/[A-Za-z][\w.:-]*\w"
)
_HEX = re.compile(r"#[0-9A-Fa-f]{3,8}\b")
_DIGITS = re.compile(
    r"(?:(?<![\w.)%])[-−])?(?:(?<![\w.])|(?<=\d[x×]))\d+(?:,\d{3})*(?:\.\d+)?(?:[eE][+-]?\d+)?"
    r"(?:\s(thousand|million|billion)\b|(k)\b)?"
)
_SMALL = dict(
    zip(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
        " fifteen sixteen seventeen eighteen nineteen".split(),
        range(20),
        strict=True,
    )
)
_TENS = dict(
    zip(
        "twenty thirty forty fifty sixty seventy eighty ninety".split(),
        range(20, 100, 10),
        strict=True,
    )
)
_SCALE = {"hundred": 100, "thousand": 1000, "k": 1000, "million": 10**6, "billion": 10**9}
_NUMBER_WORD = "|".join([*_SMALL, *_TENS, "dozen", "hundred", "thousand", "million", "billion"])
_SPELLED = re.compile(
    rf"\b(?:a )?(?:{_NUMBER_WORD})(?:(?:-| and | )(?:{_NUMBER_WORD}))*\b"
    r"(?! (?:of|by|another|or more|day)\b)",
    re.IGNORECASE,
)
_OPENERS = frozenset(
    """a about add after all also am an and answer any are as ask at be before book both buy but by
    calculate call can check compare compute convert could count create define delete describe did
    divide do does draw each email every explain extract fetch fill film finally find first for from
    generate get give go hand has have he hello her here hey hi his how i i'd i'll i'm i've if in is
    it its it's joke
    know let list listen look make may me message might mr mrs multiply my need next
    no not note now ok okay on once open or our paint parse please post query read remember remind
    reply report respond return run save say search second see send set she should show solve some
    speak subtract sum summarise summarize tell thank thanks that the their them then there these
    they third this those to today tomorrow transcribe translate turn type update use user using we
    weather what what's when where which while who who's whose why will with would write yes you
    your call draw given based consider context question query answer input output thought
    """.split()
)
_IS_VERB = re.compile(r"\s*(?:an?|the|my|our|your|me|us|this|all|some|any|it)\s")
_NOT_NAMES = frozenset("JSON API URL PNG JPEG PDF CSV HTML XML SQL AI LLM TTS STT RAG Q A".split())


@lru_cache(maxsize=512)
def quoted(text: str) -> tuple[Span, ...]:
    """Return what stands in quotation marks or backticks, without the marks."""
    found = []
    for match in _QUOTED.finditer(text):
        group = next(i for i in range(1, 7) if match[i] is not None)
        if match[group].strip():
            found.append(Span(match[group].strip(), match.start(group), match.end(group)))
    return tuple(found)


@lru_cache(maxsize=2048)
def found(kind: str, text: str) -> tuple[Span, ...]:
    """Return the values of a kind: url, email, path, date, time, phone, code or hex."""
    pattern = _KINDS[kind]
    spans = (Span(m[0].rstrip(".,;:!?"), m.start(), m.end()) for m in pattern.finditer(text))
    return tuple(span for span in spans if span.value)


_KINDS = {
    "url": _URL,
    "email": _EMAIL,
    "domain": _DOMAIN,
    "path": _PATH,
    "date": _DATE,
    "time": _TIME,
    "phone": _PHONE,
    "code": _CODE,
    "hex": _HEX,
    "slug": _SLUG,
}


@lru_cache(maxsize=512)
def names(text: str) -> tuple[Span, ...]:
    """Return proper names: capitalised runs, and words in scripts without capitals."""
    spans = []
    masked = _masked(text, "url", "email", "date")
    for match in _NAME.finditer(masked):
        span = _without_opener(Span(match[0], match.start(), match.end()), masked)
        if span.value and span.value not in _NOT_NAMES:
            spans.append(span)
    return tuple(spans)


def _without_opener(span: Span, text: str) -> Span:
    """Drop the words that are capitalised only because a sentence begins with them."""
    opens = not text[: span.start].rstrip(" \"'“‘(*") or bool(
        re.search(r"[.!?:;\n>-]\s*[\"'“‘(*]*$", text[: span.start])
    )
    value, start = span.value, span.start
    while value:
        word = re.split(r"[ ,]", value, maxsplit=1)[0]
        rest = value[len(word) :].lstrip(" ,")
        first = opens and (word.lower() in _OPENERS or _IS_VERB.match(text[span.end - len(rest) :]))
        if not first and word != "I" and word[:2] not in {"I'", "I’"}:
            break
        start, value = span.end - len(rest), rest
    return Span(value, start, span.end)


@lru_cache(maxsize=512)
def numbers(text: str) -> tuple[Number, ...]:
    """Return the numbers of the text, in digits or in English words."""
    masked = _masked(text, "url", "email", "hex", "time")
    masked = re.sub(r"\d{4}-\d{2}-\d{2}\S*|\b[A-Za-z]+-?\d\w*", _spaces, masked)
    digits = [(m.start(), m.end(), _digits_value(m)) for m in _DIGITS.finditer(masked)]
    spelled = [(m.start(), m.end(), _spelled_value(m[0])) for m in _SPELLED.finditer(masked)]
    inside = {i for start, end, _ in digits for i in range(start, end)}
    both = sorted(digits + [word for word in spelled if word[0] not in inside])
    return tuple(_number(text, *each) for each in both if math.isfinite(each[2]))


def whole(value: float) -> int | float:
    """Return an int where the number is one."""
    return int(value) if value == int(value) else value


def _number(text: str, start: int, end: int, value: float) -> Number:
    before = re.findall(r"[^\W_]+", text[max(0, start - 40) : start])[-3:]
    after = re.findall(r"[^\W\d_]+|[%°$€£]", text[end : end + 30])[:2]
    if start and text[start - 1] in "$€£¥":
        before.append(text[start - 1])
    return Number(value, start, end, _stems(before), _stems(after))


def _stems(words: list[str]) -> tuple[str, ...]:
    return tuple(stem(word.lower()) for word in words)


def _digits_value(match: re.Match[str]) -> float:
    scale = match[1] or match[2] or ""
    digits = match[0].removesuffix(scale).strip().replace(",", "").replace("−", "-")
    return float(digits) * _SCALE.get(scale, 1)


def _spelled_value(phrase: str) -> float:
    """Read an English number phrase: `two hundred and five`, `a dozen`."""
    total, current = 0.0, 0.0
    for word in re.split(r"[ -]", phrase.lower()):
        if word in _SMALL or word in _TENS:
            current += {**_SMALL, **_TENS}[word]
        elif word == "dozen":
            current = (current or 1) * 12
        elif word == "hundred":
            current = (current or 1) * 100
        elif word in _SCALE:
            total += (current or 1) * _SCALE[word]
            current = 0
    return total + current


def _masked(text: str, *kinds: str) -> str:
    """Return `text` with the values of some kinds blanked out, positions kept."""
    for kind in kinds:
        text = _KINDS[kind].sub(_spaces, text)
    return text


def _spaces(match: re.Match[str]) -> str:
    return " " * len(match[0])

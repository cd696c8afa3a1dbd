"""Write strings that match a regular expression or a JSON schema `format`.

A small reader of the regular expressions that schemas use: literals, classes, groups,
alternatives, repeats and anchors. What it cannot read (look-around, back-references) yields
None; callers check every result with `re` anyway.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple


class Format(NamedTuple):
    """What strings of a format look like, and an example."""

    pattern: str
    example: str


_DAY = r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})"
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)(?:\.[A-Za-z0-9-]{1,63})*"
_BYTE = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_URI = r"[A-Za-z][A-Za-z0-9+.-]*:[!-;=?-Z\[\]_a-z~]+"
_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
FORMATS = {
    "date": Format(_DAY, "2025-01-15"),
    "date-time": Format(rf"{_DAY}[Tt]{_CLOCK}", "2025-01-15T12:00:00Z"),
    "time": Format(_CLOCK, "12:00:00Z"),
    "duration": Format(r"P(?=.)(?:\d+[YMWD])*(?:T(?:\d+[HMS])+)?", "PT1H"),
    "email": Format(rf"[\w.+-]+@{_HOST}", "user@example.com"),
    "idn-email": Format(rf"[\w.+-]+@{_HOST}", "user@example.com"),
    "hostname": Format(_HOST, "example.com"),
    "ipv4": Format(rf"{_BYTE}(?:\.{_BYTE}){{3}}", "192.0.2.1"),
    "ipv6": Format(r"[0-9A-Fa-f:.]*::?[0-9A-Fa-f:.]*", "2001:db8::1"),
    "uri": Format(_URI, "https://example.com/"),
    "url": Format(_URI, "https://example.com/"),
    "uri-reference": Format(r"\S*", "https://example.com/"),
    "iri": Format(r"[A-Za-z][A-Za-z0-9+.-]*:\S+", "https://example.com/"),
    "uuid": Format(_UUID, "00000000-0000-4000-8000-000000000000"),
    "regex": Format(r".*", ".*"),
    "json-pointer": Format(r"(?:/[^~]*)*", "/a"),
}

_CLASSES = {"d": "0123456789", "w": "abcdefghijklmnopqrstuvwxyz0123456789_", "s": " "}
_PRINTABLE = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 !#$%&()*+,-./:;<=>?@_~"
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}
_REPEAT = re.compile(r"(\*|\+|\?|\{(\d*)(,?)(\d*)\})[?+]?")
_MOST = 2000


class _UnreadableError(Exception):
    """The expression uses something that this reader does not know."""


@dataclass(slots=True)
class _Reader:
    """Walk through an expression and write a shortest match, then longer ones by `extra`."""

    source: str
    extra: int = 0  # further repeats wanted of the first part that can repeat
    at: int = 0

    def alternatives(self) -> str:
        """Read `a|b|c` up to the end or a closing bracket; the first alternative is taken."""
        first = self.sequence()
        while self.at < len(self.source) and self.source[self.at] == "|":
            self.at += 1
            self.sequence()
        return first

    def sequence(self) -> str:
        """Read pieces and their repeats."""
        written = []
        while self.at < len(self.source) and self.source[self.at] not in "|)":
            written.append(self.repeated(self.piece()))
        return "".join(written)

    def repeated(self, piece: str) -> str:
        """Read the repeat after a piece and apply it."""
        match = _REPEAT.match(self.source, self.at)
        if not match or (match[1][0] == "{" and not (match[2] or match[4])):
            return piece
        self.at = match.end()
        least = {"*": 0, "+": 1, "?": 0}.get(match[1], int(match[2] or 0))
        most = {"*": _MOST, "+": _MOST, "?": 1}.get(match[1])
        if most is None:
            most = int(match[4]) if match[4] else _MOST if match[3] else least
        if not piece or least > _MOST:
            return piece * (least > 0)
        more = min(most - least, -(-self.extra // len(piece)), _MOST)
        self.extra -= more * len(piece)
        return piece * (least + more)

    def piece(self) -> str:
        """Read one literal, class, group or anchor."""
        character = self.source[self.at]
        self.at += 1
        if character == "(":
            return self.group()
        if character == "[":
            return self.bracket()[:1]
        if character == "\\":
            return self.escape()[:1]
        if character in "^$":
            return ""
        if character in "*+?":
            raise _UnreadableError
        return "a" if character == "." else character

    def group(self) -> str:
        """Read a group; look-around and conditions are not read."""
        if self.source.startswith("?", self.at):
            opened = re.compile(r"\?(?::|P?<[A-Za-z_]\w*>)").match(self.source, self.at)
            if not opened:
                raise _UnreadableError
            self.at = opened.end()
        inside = self.alternatives()
        if not self.source.startswith(")", self.at):
            raise _UnreadableError
        self.at += 1
        return inside

    def escape(self) -> str:
        """Read what follows a backslash and return the characters it stands for."""
        if self.at >= len(self.source):
            raise _UnreadableError
        character = self.source[self.at]
        self.at += 1
        if character in "bBAZz":
            return ""
        if character.lower() in _CLASSES:
            own = _CLASSES[character.lower()]
            return own if character.islower() else _without(own)
        if character in "xu":
            size = 2 if character == "x" else 4
            digits = self.source[self.at : self.at + size]
            self.at += size
            if re.fullmatch(r"[0-9A-Fa-f]+", digits):
                return chr(int(digits, 16))
            raise _UnreadableError
        if character.isalnum() and character not in _CONTROLS:
            raise _UnreadableError
        return _CONTROLS.get(character, character)

    def bracket(self) -> str:
        """Read a character class and return its characters."""
        negated = self.source.startswith("^", self.at)
        self.at += negated
        members = ""
        first = True
        while first or not self.source.startswith("]", self.at):
            first = False
            if self.at >= len(self.source):
                raise _UnreadableError
            low = self.member()
            if (
                self.source.startswith("-", self.at)
                and self.source[self.at + 1 : self.at + 2] != "]"
            ):
                self.at += 1
                high = self.member()
                members += "".join(
                    map(chr, range(ord(low[:1]), min(ord(high[:1]), ord(low[:1]) + 300) + 1))
                )
            else:
                members += low
        self.at += 1
        return _without(members) if negated else members

    def member(self) -> str:
        """Read one member of a character class."""
        character = self.source[self.at : self.at + 1]
        self.at += 1
        found = self.escape() if character == "\\" else character
        if not found:
            raise _UnreadableError
        return found


def example(pattern: str, least: int = 0) -> str | None:
    """Return a string that matches `pattern`, at least `least` characters long if it can be."""
    for extra in dict.fromkeys((0, least)):
        reader = _Reader(pattern, extra)
        try:
            written = reader.alternatives()
            if reader.at < len(pattern):
                return None
            if re.search(pattern, written) and len(written) >= least:
                return written
            short = least - len(written)
            if short > 0 and re.search(pattern, written + "a" * short):
                return written + "a" * short
        except (_UnreadableError, re.error):
            return None
    return None


def _without(excluded: str) -> str:
    return "".join(each for each in _PRINTABLE if each not in excluded)

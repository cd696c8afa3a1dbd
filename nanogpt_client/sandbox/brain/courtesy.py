"""Answer courtesy: greetings, thanks, goodbyes, and the question who is speaking."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "NanoGPT's sandbox emulator"


class _Talk(NamedTuple):
    """A kind of courtesy: texts that are nothing else, and what may be answered."""

    pattern: re.Pattern[str]
    answers: tuple[str, ...]


def _talk(pattern: str, *answers: str) -> _Talk:
    return _Talk(re.compile(rf"\W*(?:{pattern})\W*", re.IGNORECASE), answers)


_KINDS = (
    _talk(
        r"(?:hi|hello|hey|hiya|howdy|greetings|good (?:morning|afternoon|evening|day)|hallo"
        r"|bonjour|hola)(?: there| again| all| everyone| world)?"
        r"(?:,? (?:how are you|how's it going).*)?",
        f"Hello! I am {NAME}. What would you like to try?",
        f"Hello! This is {NAME}, ready for your prompts.",
        f"Hi there! You are talking to {NAME}; give me some context or a tool to work with.",
    ),
    _talk(
        r"(?:how are you|how do you do|how's it going|what's up|how are things)"
        r"(?: doing)?(?: today)?",
        f"I am well, thank you, and running offline: I am {NAME}. How are you?",
        f"All is well here in {NAME}. What can I do for you?",
    ),
    _talk(
        r"(?:thanks|thank you|thx|cheers|great|perfect|awesome|nice|ok|okay|cool)"
        r"(?:,? (?:so much|very much|a lot|for .*|that's all|that is all|you))*",
        f"You are welcome! {NAME} is here when you need it.",
        "You are welcome!",
    ),
    _talk(
        r"(?:bye|goodbye|see you|good night|farewell)(?: .*)?",
        "Goodbye, and good luck with what you build!",
    ),
    _talk(
        r"(?:(?:hi|hello|hey|so),? )?(?:(?:who|what) (?:exactly )?are you|(?:what|which)"
        r"(?: ai| language)? model (?:are you|is this)|are you (?:there|human|a robot|a person|real"
        r"|conscious|a bot|a real|an? (?:ai|llm|language))(?: ?model)?|introduce yourself"
        r"|what(?:'s| is) your name|(?:how )?can you help(?: me)?|what can you do(?: for me)?"
        r"|help(?: me)?)",
        f"I am {NAME}: no model weights, only rules. I answer from the context I am given, call "
        "tools, fill JSON schemas and cite the pages of web searches.",
    ),
)

_STATEMENT = re.compile(
    r"\W*(?:(?:hi|hello|hey)\b[,!.]? *)?(?:i am|i'm|i live|i like|i love|i have|i work|i prefer"
    r"|(?:my|our) \w+(?: \w+)? (?:is|are))\b[^?.!]*[.!]?\W*$",
    re.IGNORECASE,
)


def is_small_talk(text: str) -> bool:
    """Tell whether a text is only courtesy, or asks who is speaking."""
    return bool(courtesy(text))


def is_statement(text: str) -> bool:
    """Tell whether a user only says something of themselves, and asks for nothing."""
    return _STATEMENT.match(text) is not None


def courtesy(text: str) -> str:
    """Return the answer to courtesy, or ""."""
    return next((pick(text, k.answers) for k in _KINDS if k.pattern.fullmatch(text)), "")


def pick(seed: str, options: Sequence[str]) -> str:
    """Choose an option by the text: the same text always gets the same one."""
    number = int.from_bytes(blake2b(seed.encode(errors="replace"), digest_size=4).digest(), "big")
    return options[number % len(options)]

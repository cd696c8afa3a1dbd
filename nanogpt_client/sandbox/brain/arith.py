"""Find and work out arithmetic in plain words: `12 times 7`, `15% of 80`, `subtract 3 from 10`."""

from __future__ import annotations

import ast
import math
import operator
import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Sum(NamedTuple):
    """An expression found in a text, and its value."""

    text: str
    value: float
    start: int
    end: int


_N = r"((?<!\d)-?\d+(?:,\d{3})*(?:\.\d+)?)"
_PHRASES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), form)
    for pattern, form in (
        (rf"{_N}\s*(?:%|percent) of {_N}", r"(\1/100*\2)"),
        (rf"(?:the )?(?:square root of|sqrt)\s*\(?{_N}\)?", r"((\1)**0.5)"),
        (rf"(?:the )?square of {_N}", r"((\1)**2)"),
        (rf"{_N} squared", r"((\1)**2)"),
        (rf"{_N} cubed", r"(\1**3)"),
        (rf"(?:the )?sum of {_N}(?:,| and| plus) {_N}", r"(\1+\2)"),
        (rf"\badd(?:ing)? {_N} (?:and|to|plus|with) {_N}", r"(\1+\2)"),
        (rf"(?:the )?product of {_N} (?:and|by|with) {_N}", r"(\1*\2)"),
        (rf"\bmultiply(?:ing)? {_N} (?:and|by|with|times) {_N}", r"(\1*\2)"),
        (rf"\bsubtract(?:ing)? {_N} from {_N}", r"(\2-\1)"),
        (rf"(?:the )?difference (?:between|of) {_N} and {_N}", r"(\1-\2)"),
        (rf"\bdivid(?:e|ing) {_N} by {_N}", r"(\1/\2)"),
    )
)
_WORDS = {
    "times": "*", "multiplied by": "*", "x": "*", "×": "*", "·": "*", "plus": "+", "minus": "-",
    "−": "-", "–": "-", "divided by": "/", "over": "/", "÷": "/", "to the power of": "**",
    "^": "**", "mod": "%", "modulo": "%",
}  # fmt: skip
_SIGN = (
    r"\*\*|//|[*/+^%×·÷−–-]|\b(?:times|plus|minus|multiplied by|divided by|over|to the power "
    r"of|mod|modulo|x)\b"
)
_PIECE = r"\({0,9}\s{0,3}-?\d+(?:,\d{3})*(?:\.\d+)?\s*\)*"
_EXPRESSION = re.compile(
    rf"(?<![\w.]){_PIECE}(?:\s*(?:{_SIGN})\s*{_PIECE})+(?![\w%])|\([^()\n]*\*\*[^()\n]*\)"
)
_BARE = re.compile(r"^\(*[\d.,]+(?:[-–/][\d.,]+)+\)*$")  # 555-1234 and 1/2 are seldom sums
_ASKED = re.compile(
    r"what(?:'s| is| are)|calculat|comput|evaluat|solve|work out|how much|=|result", re.IGNORECASE
)
_OPERATORS: dict[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_VERBS: dict[type[ast.AST], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.FloorDiv: "divide",
    ast.Mod: "modulo",
    ast.Pow: "power",
}
_LARGEST = 10**12
_LONGEST = 300
_HIGHEST_POWER = 64


@lru_cache(maxsize=256)
def sums(text: str) -> tuple[Sum, ...]:
    """Return the expressions of a text that can be worked out, in order."""
    found: list[Sum] = []
    rest = text
    for pattern, form in _PHRASES:
        for match in pattern.finditer(text):
            value = _value(match.expand(form))
            if value is not None and match[0] in rest:
                found.append(Sum(match[0], value, match.start(), match.end()))
                rest = rest[: match.start()] + " " * len(match[0]) + rest[match.end() :]
    for match in _EXPRESSION.finditer(rest):
        expression = match[0].strip()
        is_bare = _BARE.match(expression) and not _ASKED.search(text)
        if is_bare or len(expression) > _LONGEST:
            continue
        value = _value(symbols(expression))
        if value is not None:
            found.append(Sum(expression, value, match.start(), match.end()))
    return tuple(sorted(found, key=lambda each: each.start))


def operation(found: Sum) -> str:
    """Return the word for the last operation of a sum: `3 + 4` is "add"."""
    tree = _parsed(symbols(_rewritten(found.text)))
    return _VERBS[type(tree.op)] if isinstance(tree, ast.BinOp) else "calculate"


def single_operations(found: Sum) -> list[str]:
    """Return the sum's operations one by one, inner ones worked out: `2 * 4`, `20 + 8`."""
    steps: list[str] = []

    def work(node: ast.AST) -> str:
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            sign = ast.unparse(ast.BinOp(ast.Constant(1), node.op, ast.Constant(1)))[2:-2]
            steps.append(f"{work(node.left)} {sign} {work(node.right)}")
        return show(_evaluate(node))

    work(_parsed(symbols(_rewritten(found.text))))
    return steps


def symbols(expression: str) -> str:
    """Write an expression with Python's operators."""
    for word in sorted(_WORDS, key=len, reverse=True):
        pattern = rf"\b{word}\b" if word.isalpha() or " " in word else re.escape(word)
        expression = re.sub(pattern, _WORDS[word], expression, flags=re.IGNORECASE)
    return re.sub(r"(?<=\d),(?=\d{3})", "", expression).strip()


def show(value: float) -> str:
    """Write a number without needless decimals."""
    return str(int(value)) if value == int(value) else f"{value:.10g}"


def _rewritten(text: str) -> str:
    """Write a phrase such as `sum of 3 and 4` as an expression."""
    for pattern, form in _PHRASES:
        if match := pattern.fullmatch(text):
            return match.expand(form)
    return text


def _parsed(expression: str) -> ast.AST:
    """Parse an expression; brackets that the text around it closes are evened out."""
    opened = expression.count("(") - expression.count(")")
    if opened < 0:
        expression = expression[:opened] if expression.endswith(")" * -opened) else expression
    even = expression + ")" * max(0, opened)
    return ast.parse(even.replace(",", "").strip(), mode="eval").body


def _value(expression: str) -> float | None:
    """Work out an expression, or None where it is none or too large."""
    try:
        value = float(_evaluate(_parsed(expression)))
    except (SyntaxError, ZeroDivisionError, OverflowError, ValueError):
        return None
    return value if math.isfinite(value) else None


def _evaluate(node: ast.AST) -> float:
    """Evaluate a tree of numbers and the operators of `_OPERATORS`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_evaluate(node.operand)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = _evaluate(node.left), _evaluate(node.right)
        if isinstance(node.op, ast.Pow) and (abs(right) > _HIGHEST_POWER or abs(left) > _LARGEST):
            message = "power too large"
            raise ValueError(message)
        return _real(_OPERATORS[type(node.op)](left, right))
    message = "not arithmetic"
    raise ValueError(message)


def _real(value: complex) -> float:
    """Refuse the complex roots of negative numbers."""
    if isinstance(value, complex):
        message = "not a real number"
        raise ValueError(message)  # noqa: TRY004 - callers treat it as any other impossible sum
    return value

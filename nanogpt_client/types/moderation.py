"""What a moderation model says of a content.

Follows https://docs.nano-gpt.com/api-reference/endpoint/moderations
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nanogpt_client import errors  # by module: it reads its fields with this package's `_read`
from nanogpt_client.types._coerce import as_dict, as_float, as_text, dicts
from nanogpt_client.types.billing import Billing
from nanogpt_client.types.chat import Usage
from nanogpt_client.types.display import Readable

__all__ = ["Moderation", "ModerationResult"]


@dataclass(frozen=True, slots=True, repr=False)
class ModerationResult(Readable):
    """One content: whether it is unsafe, by category; the categories are the model's own.

    ``scores`` are the model's confidence from 0 to 1, as far as it reports it.
    """

    flagged: bool
    categories: dict[str, bool]
    scores: dict[str, float]
    raw: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, raw: dict[str, Any]) -> ModerationResult:
        """Read one result.

        Raises:
            InvalidResponseError: it does not say whether the content is flagged.
        """
        flagged = raw.get("flagged")
        if not isinstance(flagged, bool):
            msg = f"NanoGPT moderated without a verdict: {str(raw)[:200]}"
            raise errors.InvalidResponseError(msg)
        categories, scores = as_dict(raw.get("categories")), as_dict(raw.get("category_scores"))
        return cls(
            flagged,
            {name: found for name, found in categories.items() if isinstance(found, bool)},
            {name: score for name, v in scores.items() if (score := as_float(v)) is not None},
            raw,
        )


@dataclass(frozen=True, slots=True, repr=False)
class Moderation(Readable):
    """One result for each content, in their order: iterate over it."""

    results: tuple[ModerationResult, ...]
    model: str
    usage: Usage | None
    billing: Billing
    raw: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, body: Mapping[str, Any], billing: Billing) -> Moderation:
        """Read a response, or the ``moderation`` of a refused chat.

        Raises:
            InvalidResponseError: a result does not say whether its content is flagged.
        """
        results = tuple(map(ModerationResult.read, dicts(body.get("results"))))
        usage = Usage.read(body.get("usage"), body.get("x_nanogpt_pricing"))
        return cls(results, as_text(body.get("model")), usage, billing, dict(body))

    def __iter__(self) -> Iterator[ModerationResult]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    @property
    def flagged(self) -> bool:
        """Whether any content is unsafe."""
        return any(result.flagged for result in self.results)

    @property
    def categories(self) -> tuple[str, ...]:
        """The names of the categories for which any content is flagged."""
        names = (n for each in self.results for n, is_it in each.categories.items() if is_it)
        return tuple(dict.fromkeys(names))

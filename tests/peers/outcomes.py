"""What came of one call over a sample, and how it is judged, whatever the framework."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.peers.wire import serving

PATIENCE = 15.0  # seconds, for clients that try again for minutes


@dataclass(frozen=True)
class Outcome:
    """What came of one call."""

    message: Any = None
    error: BaseException | None = None
    posts: int = 0
    ended: bool = True

    def holds(self, *wanted: Any) -> bool:
        """Whether each value is found somewhere in the message."""
        found = [] if self.message is None else list(_leaves(self.message.model_dump()))
        return all(any(_same(value, leaf) for leaf in found) for value in wanted)


Judge = Callable[[Outcome], str]


def verdicts(
    rows: Mapping[str, tuple[str, Judge]], ask: Callable[[str, str], Any]
) -> dict[str, str]:
    """Return a verdict per row; ``ask(base_url, sample)`` makes the call, once per sample."""
    outcomes: dict[str, Outcome] = {}
    for sample, _ in rows.values():
        if sample not in outcomes:
            outcomes[sample] = _outcome(ask, sample)
    return {row: judge(outcomes[sample]) for row, (sample, judge) in rows.items()}


def with_partial(outcome: Outcome) -> str:
    """Judge whether the error of a stream holds the text before it."""
    partial = getattr(outcome.error, "partial", None)
    return "kept" if getattr(partial, "text", "") else "lost"


def sends(outcome: Outcome) -> str:
    """Tell how often the request was sent."""
    return str(outcome.posts) if outcome.ended else f"{outcome.posts} in {PATIENCE:.0f} s, and on"


def _outcome(ask: Callable[[str, str], Any], sample: str) -> Outcome:
    with serving(sample) as server:
        ended: list[Outcome] = []

        def call() -> None:
            try:
                ended.append(Outcome(ask(server.base_url, sample)))
            except Exception as error:  # noqa: BLE001 - whatever a client raises is its verdict
                ended.append(Outcome(error=error))

        thread = threading.Thread(target=call, daemon=True)
        thread.start()
        thread.join(PATIENCE)
        outcome = ended[0] if ended else Outcome(ended=False)
        return replace(outcome, posts=server.posts)


def _leaves(value: Any) -> Iterator[Any]:
    """Yield every text and number in nested values."""
    if isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _same(wanted: Any, found: Any) -> bool:
    if isinstance(found, bool) or found is None:
        return False
    if isinstance(wanted, str):
        # LlamaIndex keeps a picture's base64 as bytes, and its address as an object.
        text = found.decode("latin-1") if isinstance(found, bytes) else str(found)
        return wanted in text
    try:
        return bool(abs(float(found) - wanted) < 1e-12)
    except ValueError:
        return False

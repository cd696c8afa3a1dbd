"""What calls cost, in OpenTelemetry: a span for each call, and metrics by model.

>>> client = NanoGPTClient(ledger=Ledger(on_entry=OpenTelemetryExporter()))

Names are those of OpenTelemetry's conventions for generative AI; those of costs are its draft
(https://github.com/open-telemetry/semantic-conventions-genai/pull/443). Spans contain no prompts
and no responses. Needs the package ``opentelemetry-api``, and something that configures its SDK.
"""

from __future__ import annotations

import importlib
import pickle
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, Final

from nanogpt_client._version import __version__
from nanogpt_client.types.ledger_entry import LedgerEntry

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, TracerProvider

__all__ = ["OpenTelemetryExporter", "cost_attributes"]

PROVIDER: Final = "nanogpt"
CURRENCY: Final = "USD"

# By the kind of a ledger entry; another kind is an operation of its own name.
_OPERATIONS: Final = {
    "embedding": "embeddings",
    "search": "retrieval",
    "image": "generate_content",
    "speech": "generate_content",
    "transcription": "generate_content",
    "video": "generate_content",
}
_OUTPUT_TYPES: Final = {"image": "image", "speech": "speech"}
_NOT_OPERATIONS: Final = frozenset("account catalog deposit download payment voices".split())
_JOBS: Final = frozenset({"image", "speech", "transcription", "video", "voice"})

_SECONDS: Final = [0.01 * 2**power for power in range(14)]
_TOKENS: Final = [4**power for power in range(14)]
_DOLLARS: Final = [10.0**power * part for power in range(-6, 2) for part in (1, 2, 5)]


class OpenTelemetryExporter:
    """A ledger's ``on_entry`` that makes an OpenTelemetry span of each call, and records metrics.

    Spans are children of the span that is current where the call ends: ``chat openai/gpt-5.2``,
    with operation, model, tokens, cost in USD, request id, and on failure the error's name.
    Metrics by operation and model: ``gen_ai.client.operation.duration`` (seconds),
    ``gen_ai.client.token.usage`` (tokens), ``gen_ai.client.operation.cost`` (USD), and
    ``nanogpt.client.spent``, the sum of USD as in `Ledger.spent`, refunds included. An unknown cost
    is no attribute and no measurement. Free requests, such as those for a job's status, get no
    span.

    A pickle uses the providers of the process that loads it.

    Args:
        tracer_provider: by default the global one; likewise ``meter_provider``.
        kinds: the kinds of ledger entries that get a span, e.g. ``["embedding"]`` where another
            tracer makes the spans of chats, or ``()`` for metrics only; by default all.

    Raises:
        ModuleNotFoundError: ``opentelemetry-api`` is not installed.
    """

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        kinds: Collection[str] | None = None,
    ) -> None:
        trace, metrics = _opentelemetry("trace"), _opentelemetry("metrics")
        self._has_own_provider = tracer_provider is not None or meter_provider is not None
        self._kinds = None if kinds is None else frozenset(kinds)
        self._trace = trace
        self._tracer = trace.get_tracer(__name__, __version__, tracer_provider)
        meter = metrics.get_meter(__name__, __version__, meter_provider)
        self._duration = meter.create_histogram(
            "gen_ai.client.operation.duration",
            unit="s",
            description="GenAI operation duration.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            description="Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )
        self._cost = meter.create_histogram(
            "gen_ai.client.operation.cost",
            unit=CURRENCY,
            description="Cost of a GenAI operation, as NanoGPT reported it.",
            explicit_bucket_boundaries_advisory=_DOLLARS,
        )
        self._spent = meter.create_up_down_counter(
            "nanogpt.client.spent",
            unit=CURRENCY,
            description="Spent with NanoGPT, refunds included.",
        )

    def __call__(self, entry: LedgerEntry) -> None:
        """Export one entry."""
        labels = _labels(entry)
        if entry.cost:
            self._spent.add(float(entry.cost), labels)
        if _is_operation(entry):
            self._measure(entry, labels)
            if self._kinds is None or entry.kind in self._kinds:
                self._end_span(entry, labels)

    def __reduce__(self) -> tuple[Any, ...]:
        if self._has_own_provider:
            raise pickle.PicklingError(
                "an OpenTelemetryExporter with a provider of its own cannot be pickled: set the "
                "global providers in each process instead"
            )
        return _exporter, (self._kinds,)

    def _measure(self, entry: LedgerEntry, labels: dict[str, str]) -> None:
        self._duration.record(entry.seconds, labels | dict(_error_type(entry)))
        for kind, tokens in (("input", entry.prompt_tokens), ("output", entry.completion_tokens)):
            if tokens is not None:
                self._tokens.record(tokens, labels | {"gen_ai.token.type": kind})
        if entry.cost is not None and entry.cost >= 0:
            cost = cost_attributes(entry)
            self._cost.record(cost.pop("gen_ai.usage.cost.amount"), labels | cost)

    def _end_span(self, entry: LedgerEntry, labels: dict[str, str]) -> None:
        name = labels["gen_ai.operation.name"]
        span: Span = self._tracer.start_span(
            f"{name} {entry.model}" if entry.model else name,
            kind=self._trace.SpanKind.CLIENT,
            attributes=labels | dict(_attributes(entry)),
            start_time=int(entry.started_at * 1e9),
        )
        if error := dict(_error_type(entry)):
            span.set_status(self._trace.StatusCode.ERROR, error["error.type"])
        span.end(int((entry.started_at + entry.seconds) * 1e9))


def cost_attributes(entry: LedgerEntry) -> dict[str, Any]:
    """Return OpenTelemetry's attributes of a cost in USD, none if it is unknown."""
    if entry.cost is None:
        return {}
    return {
        "gen_ai.usage.cost.amount": float(entry.cost),
        "gen_ai.usage.cost.currency": CURRENCY,
        # That a call which was refused costs nothing is concluded here.
        "gen_ai.usage.cost.source": "provider" if entry.cost or not _has_failed(entry) else "local",
    }


def _exporter(kinds: Collection[str] | None) -> OpenTelemetryExporter:
    return OpenTelemetryExporter(kinds=kinds)


def _opentelemetry(part: str) -> Any:
    try:
        return importlib.import_module(f"opentelemetry.{part}")
    except ModuleNotFoundError as error:
        msg = "OpenTelemetryExporter needs OpenTelemetry: pip install opentelemetry-sdk"
        raise ModuleNotFoundError(msg, name=error.name) from error


def _is_operation(entry: LedgerEntry) -> bool:
    """Return whether an entry is a call of a model or of a search, and no status of a job."""
    is_status = entry.kind in _JOBS and entry.model is None and not entry.cost
    return entry.kind not in _NOT_OPERATIONS and not is_status


def _labels(entry: LedgerEntry) -> dict[str, str]:
    """Return the attributes that spans and metrics share."""
    labels = {
        "gen_ai.operation.name": _OPERATIONS.get(entry.kind, entry.kind),
        "gen_ai.provider.name": PROVIDER,
    }
    return labels | ({"gen_ai.request.model": entry.model} if entry.model else {})


def _attributes(entry: LedgerEntry) -> Iterator[tuple[str, Any]]:
    """Yield the attributes of a span alone."""
    optional = {
        "gen_ai.usage.input_tokens": entry.prompt_tokens,
        "gen_ai.usage.output_tokens": entry.completion_tokens,
        "gen_ai.output.type": _OUTPUT_TYPES.get(entry.kind),
        "nanogpt.request.id": entry.request_id,
        "nanogpt.scope": entry.scope or None,
    }
    yield from ((name, value) for name, value in optional.items() if value is not None)
    yield from cost_attributes(entry).items()
    yield from _error_type(entry)
    yield "nanogpt.kind", entry.kind
    yield "nanogpt.sends", entry.sends
    if entry.outcome == "abandoned":
        yield "nanogpt.outcome", entry.outcome


def _error_type(entry: LedgerEntry) -> Iterator[tuple[str, str]]:
    if _has_failed(entry):
        yield "error.type", entry.outcome


def _has_failed(entry: LedgerEntry) -> bool:
    """Return whether a call ended with an error; a stream that its reader left did not."""
    return entry.outcome not in {"ok", "abandoned"}

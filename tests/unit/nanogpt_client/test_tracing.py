"""OpenTelemetry: each call is a span with model, tokens and exact cost, and is measured."""

from __future__ import annotations

import pickle
import sys
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from nanogpt_client import Ledger, LedgerEntry, NanoGPTClient, NanoGPTError
from nanogpt_client.tracing import OpenTelemetryExporter

MODEL = "openai/gpt-5.2"
AMOUNT = "gen_ai.usage.cost.amount"


class Telemetry(NamedTuple):
    exported: InMemorySpanExporter
    tracers: TracerProvider
    reader: InMemoryMetricReader
    meters: MeterProvider

    @property
    def spans(self) -> dict[str, Any]:
        return {span.name: span for span in self.exported.get_finished_spans()}

    @property
    def sums(self) -> dict[tuple[str, str | None], Any]:
        """Sums of each metric by model."""
        data: Any = self.reader.get_metrics_data()
        return {
            (metric.name, point.attributes.get("gen_ai.request.model")): getattr(
                point, "sum", getattr(point, "value", None)
            )
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            for point in metric.data.data_points
            if point.attributes.get("gen_ai.token.type") != "output"
        }


@pytest.fixture
def telemetry():
    exported, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracers, meters = TracerProvider(), MeterProvider([reader])
    tracers.add_span_processor(SimpleSpanProcessor(exported))
    yield Telemetry(exported, tracers, reader, meters)
    tracers.shutdown()
    meters.shutdown()


def exporter(telemetry: Telemetry, **options: Any) -> OpenTelemetryExporter:
    return OpenTelemetryExporter(
        tracer_provider=telemetry.tracers, meter_provider=telemetry.meters, **options
    )


@pytest.fixture
def client(sandbox, telemetry):
    ledger = Ledger(on_entry=exporter(telemetry))
    with NanoGPTClient(sandbox.api_key, base_url=sandbox.base_url, ledger=ledger) as client:
        yield client


def test_calls_are_spans_with_model_tokens_and_the_exact_cost(client, telemetry):
    client.chat("hi", model=MODEL)
    list(client.stream_chat("hello", model="openai/gpt-5-mini"))
    client.embed("hi", model="text-embedding-3-small")
    client.generate_image("a fox", model="hidream")
    client.search_web("Nano")
    spans = telemetry.spans
    assert list(spans) == [
        f"chat {MODEL}",
        "chat openai/gpt-5-mini",
        "embeddings text-embedding-3-small",
        "generate_content hidream",
        "retrieval",
    ]
    entries = [each for each in client.ledger if each.cost]
    for entry, span in zip(entries, spans.values(), strict=True):
        assert Decimal(str(span.attributes[AMOUNT])) == entry.cost
        assert span.attributes["gen_ai.usage.cost.currency"] == "USD"
        assert span.attributes["gen_ai.usage.cost.source"] == "provider"
        assert span.attributes["gen_ai.provider.name"] == "nanogpt"
        assert span.attributes.get("gen_ai.request.model") == entry.model
        assert span.attributes.get("gen_ai.usage.input_tokens") == entry.prompt_tokens
        assert span.attributes.get("gen_ai.usage.output_tokens") == entry.completion_tokens
        assert span.kind is SpanKind.CLIENT
        assert (span.end_time - span.start_time) / 1e9 == pytest.approx(entry.seconds, abs=1e-4)


def test_metrics_are_by_model_and_free_requests_are_not_counted(client, telemetry):
    client.chat("hi", model=MODEL)
    client.chat("hi", model=MODEL)
    client.balance()
    sums = telemetry.sums
    total = client.ledger.totals_by("model")[MODEL]
    assert sums["gen_ai.client.operation.cost", MODEL] == pytest.approx(float(total.cost))
    assert sums["nanogpt.client.spent", MODEL] == pytest.approx(float(total.cost))
    assert sums["gen_ai.client.token.usage", MODEL] == total.prompt_tokens
    assert {model for _, model in sums} == {MODEL}


def test_a_refund_takes_back_what_was_spent(telemetry):
    export = exporter(telemetry)
    export(LedgerEntry("video", "v", "ok", Decimal("0.35")))
    export(LedgerEntry("video", "v", "ok", Decimal("-0.35")))
    assert telemetry.sums["nanogpt.client.spent", "v"] == 0


def test_an_unknown_cost_is_no_attribute_and_no_measurement(telemetry):
    exporter(telemetry)(LedgerEntry("chat", "m", "abandoned", None))
    (span,) = telemetry.spans.values()
    assert not [name for name in span.attributes if "cost" in name]
    assert "gen_ai.client.operation.cost" not in {name for name, _ in telemetry.sums}
    assert span.attributes["nanogpt.outcome"] == "abandoned"
    assert span.status.status_code is StatusCode.UNSET


def test_a_failure_is_an_error_whose_cost_is_concluded(client, telemetry):
    with pytest.raises(NanoGPTError):
        client.chat("hi", model="sandbox/fault/401")
    (span,) = telemetry.spans.values()
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"] == "AuthenticationError"
    assert (span.attributes[AMOUNT], span.attributes["gen_ai.usage.cost.source"]) == (0, "local")


def test_spans_are_children_of_the_current_one(client, telemetry):
    with telemetry.tracers.get_tracer("app").start_as_current_span("request") as request:
        client.chat("hi", model=MODEL)
    child = telemetry.spans[f"chat {MODEL}"]
    assert child.parent.span_id == request.get_span_context().span_id


def test_spans_contain_neither_prompts_nor_responses_nor_the_key(client, telemetry):
    client.chat("what nobody may know", model=MODEL)
    text = "".join(span.to_json() for span in telemetry.spans.values())
    assert "nobody" not in text
    assert client.config.api_key.get_secret_value() not in text


def test_kinds_choose_what_gets_a_span(telemetry):
    export = exporter(telemetry, kinds=["embedding"])
    export(LedgerEntry("chat", "m", "ok", Decimal(1)))
    export(LedgerEntry("embedding", "e", "ok", Decimal(1)))
    assert list(telemetry.spans) == ["embeddings e"]
    assert telemetry.sums["nanogpt.client.spent", "m"] == 1


def test_a_pickle_uses_the_global_providers(telemetry):
    again = pickle.loads(pickle.dumps(OpenTelemetryExporter(kinds=["chat"])))
    again(LedgerEntry("chat", "m", "ok", Decimal(1)))
    assert again._kinds == {"chat"}
    with pytest.raises(pickle.PicklingError, match="set the global providers in each process"):
        pickle.dumps(exporter(telemetry))


def test_without_opentelemetry_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", None)
    with pytest.raises(ModuleNotFoundError, match="pip install opentelemetry-sdk"):
        OpenTelemetryExporter()

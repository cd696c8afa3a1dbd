"""Write the snapshot of the catalogue anew: ``python -m nanogpt_client.refresh_bundled_models``.

It asks NanoGPT's ``GET /v1/models?detailed=true``; ``--facts FILE`` reads a collection of facts in
the form that models.dev keeps instead.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nanogpt_client.client import NanoGPTClient
from nanogpt_client.types._coerce import as_dict
from nanogpt_client.types.catalog import Model

SNAPSHOT = Path(__file__).with_name("data") / "models.jsonl"

_KEPT = (
    "id", "name", "owned_by", "context_length", "max_output_tokens", "capabilities",
    "architecture", "pricing",
)  # fmt: skip


def from_catalogue(models: Iterable[Model]) -> list[dict[str, Any]]:
    """Return what is kept of NanoGPT's own list."""
    return [{key: value for key in _KEPT if (value := m.raw.get(key)) is not None} for m in models]


def from_facts(collection: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a collection of facts, by model id, in the shape of NanoGPT's own list."""
    return [_from_fact(model_id, fact) for model_id, fact in collection.items()]


def _from_fact(model_id: str, fact: Mapping[str, Any]) -> dict[str, Any]:
    modalities = fact.get("input") or ["text"]
    price = as_dict(fact.get("usd_per_million"))
    return {
        "id": model_id,
        "name": fact.get("name") or model_id,
        "context_length": fact.get("context"),
        "max_output_tokens": fact.get("max_output"),
        "capabilities": {
            "vision": "image" in modalities,
            "reasoning": fact.get("reasoning") is True,
            "tool_calling": fact.get("tool_call") is True,
            "structured_output": fact.get("structured_output") is True,
            "pdf_upload": "pdf" in modalities,
            "audio_input": "audio" in modalities,
            "video_input": "video" in modalities,
        },
        "architecture": {"input_modalities": modalities, "output_modalities": fact.get("output")},
        "pricing": {"prompt": price.get("input"), "completion": price.get("output")},
    }


def write(models: Iterable[Mapping[str, Any]], path: Path) -> int:
    """Write one model a line, sorted for readable diffs; return how many there are."""
    lines = sorted(json.dumps(model, ensure_ascii=False, separators=(",", ":")) for model in models)
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return len(lines)


def main(arguments: list[str] | None = None) -> None:
    """Write the snapshot anew."""
    parser = argparse.ArgumentParser(
        "python -m nanogpt_client.refresh_bundled_models", description=main.__doc__
    )
    parser.add_argument("--facts", type=Path, help="read this file instead of asking NanoGPT")
    parser.add_argument("--output", type=Path, default=SNAPSHOT)
    options = parser.parse_args(arguments)
    if options.facts is not None:
        models = from_facts(json.loads(options.facts.read_text("utf-8"))["models"])
    else:
        with NanoGPTClient() as client:
            models = from_catalogue(client.list_models("text"))
    print(f"{write(models, options.output)} models written to {options.output}")  # noqa: T201


if __name__ == "__main__":
    main()

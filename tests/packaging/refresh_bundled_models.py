"""Update the bundled catalogue: ``python -m tests.packaging.refresh_bundled_models``.

Reads NanoGPT's ``GET /v1/models?detailed=true``, or with ``--metadata FILE`` a collection in the
format of models.dev.
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
from tests.support.paths import ROOT

SNAPSHOT = ROOT / "nanogpt_client" / "data" / "models.jsonl"

_FIELDS = (
    "id", "name", "owned_by", "context_length", "max_output_tokens", "capabilities",
    "architecture", "pricing",
)  # fmt: skip


def from_catalogue(models: Iterable[Model]) -> list[dict[str, Any]]:
    """Return the bundled fields of NanoGPT's own list."""
    return [
        {key: value for key in _FIELDS if (value := m.raw.get(key)) is not None} for m in models
    ]


def from_metadata(collection: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a collection of metadata, by model id, in the format of NanoGPT's own list."""
    return [_from_metadata(model_id, metadata) for model_id, metadata in collection.items()]


def _from_metadata(model_id: str, metadata: Mapping[str, Any]) -> dict[str, Any]:
    modalities = metadata.get("input") or ["text"]
    price = as_dict(metadata.get("usd_per_million"))
    return {
        "id": model_id,
        "name": metadata.get("name") or model_id,
        "context_length": metadata.get("context"),
        "max_output_tokens": metadata.get("max_output"),
        "capabilities": {
            "vision": "image" in modalities,
            "reasoning": metadata.get("reasoning") is True,
            "tool_calling": metadata.get("tool_call") is True,
            "structured_output": metadata.get("structured_output") is True,
            "pdf_upload": "pdf" in modalities,
            "audio_input": "audio" in modalities,
            "video_input": "video" in modalities,
        },
        "architecture": {
            "input_modalities": modalities,
            "output_modalities": metadata.get("output"),
        },
        "pricing": {"prompt": price.get("input"), "completion": price.get("output")},
    }


def write(models: Iterable[Mapping[str, Any]], path: Path) -> int:
    """Write one model per line, sorted for readable diffs; return their number."""
    lines = sorted(json.dumps(model, ensure_ascii=False, separators=(",", ":")) for model in models)
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return len(lines)


def main(arguments: list[str] | None = None) -> None:
    """Update the bundled catalogue."""
    parser = argparse.ArgumentParser(
        "python -m tests.packaging.refresh_bundled_models", description=main.__doc__
    )
    parser.add_argument("--metadata", type=Path, help="read this file instead of asking NanoGPT")
    parser.add_argument("--output", type=Path, default=SNAPSHOT)
    options = parser.parse_args(arguments)
    if options.metadata is not None:
        models = from_metadata(json.loads(options.metadata.read_text("utf-8"))["models"])
    else:
        with NanoGPTClient() as client:
            models = from_catalogue(client.list_models("text"))
    print(f"{write(models, options.output)} models written to {options.output}")  # noqa: T201


if __name__ == "__main__":
    main()

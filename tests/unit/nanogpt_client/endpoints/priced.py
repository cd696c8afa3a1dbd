"""List entries with prices, and what stands in them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from nanogpt_client.types.catalog import Model

RESOLUTIONS = {"480p": 0.05, "720p": 0.1}
MODES = {"text_to_video": 0.13, "image_to_video": 0.14, "video_edit": 0.16}
SOUND = {"with_audio": 4.8, "without_audio": 3.2}
NO = None  # nothing is said of parameters


def model(parameters: Any = None, **pricing: Any) -> Model:
    return Model.read({"id": "m", "pricing": pricing, "supported_parameters": parameters})


def select(default, *values):
    return {"type": "select", "default": default, "options": [{"value": v} for v in values]}


def switch(default):
    return {"type": "switch", "default": default}


def nested(**parameters):
    defaults = {name: said["default"] for name, said in parameters.items() if "default" in said}
    return {"parameters": parameters, "defaults": defaults}


def decimal(usd):
    return None if usd is None else Decimal(usd)

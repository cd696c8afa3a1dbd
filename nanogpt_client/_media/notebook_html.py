"""HTML of results for notebooks, with the media embedded, or their URL if not downloaded."""

from __future__ import annotations

from html import escape
from typing import Any

from nanogpt_client._media import files


def image(file: Any) -> str:
    """Return an ``<img>``."""
    return f'<img src="{_address(file)}" style="max-width: 24em">'


def audio(file: Any) -> str:
    """Return a player."""
    return f'<audio controls src="{_address(file)}"></audio>'


def video(file: Any) -> str:
    """Return a player; a video that is not downloaded is played from its URL."""
    return f'<video controls src="{_address(file)}" style="max-width: 32em"></video>'


def transcript(found: Any) -> str:
    """Return the segments as a table, or the plain text."""
    if not found.segments:
        return f"<p>{escape(found.text)}</p>"
    rows = "".join(
        f"<tr><td>{_clock(part.start)}</td><td>{escape(part.speaker or '')}</td>"
        f"<td>{escape(part.text)}</td></tr>"
        for part in found.segments
    )
    return f"<table>{rows}</table>"


def _address(file: Any) -> str:
    return files.data_url(file.bytes, file.mime_type) if file.data else escape(file.url or "")


def _clock(seconds: float | None) -> str:
    return "" if seconds is None else f"{int(seconds) // 60}:{seconds % 60:04.1f}"

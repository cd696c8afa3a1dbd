"""Motifs for prompts that name no figure (orbs, waves, shards), and a sky of stars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.random import Generator
    from PIL.ImageDraw import ImageDraw

    from nanogpt_client.sandbox.brain.colours import RGB
    from nanogpt_client.sandbox.brain.layout import Sheet


def paint_motif(draw: ImageDraw, sheet: Sheet, palette: Iterator[RGB], rng: Generator) -> None:
    """Fill the sheet with one of three abstract motifs."""
    (_orbs, _waves, _shards)[int(rng.integers(3))](draw, sheet, palette, rng)


def _orbs(draw: ImageDraw, sheet: Sheet, palette: Iterator[RGB], rng: Generator) -> None:
    side = min(sheet.width, sheet.art)
    for _ in range(9):
        reach = side * rng.uniform(0.08, 0.34)
        x, y = rng.uniform(0.05, 0.95) * sheet.width, rng.uniform(0.08, 0.92) * sheet.art
        draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=(*next(palette), 120))


def _waves(draw: ImageDraw, sheet: Sheet, palette: Iterator[RGB], rng: Generator) -> None:
    x = np.linspace(0, 1, 121)
    for level in np.linspace(0.22, 0.85, 7):
        swing, turns, phase = rng.uniform(0.03, 0.09), rng.uniform(0.7, 1.8), rng.uniform(0, 6.3)
        y = (level + swing * np.sin(2 * np.pi * turns * x + phase)) * sheet.art
        edge = np.column_stack([x * sheet.width, y]).ravel().tolist()
        corners = [sheet.width, sheet.height, 0, sheet.height]
        draw.polygon([*edge, *corners], fill=(*next(palette), 105))


def _shards(draw: ImageDraw, sheet: Sheet, palette: Iterator[RGB], rng: Generator) -> None:
    side = min(sheet.width, sheet.art)
    for _ in range(14):
        centre = rng.uniform(0.05, 0.95, 2) * (sheet.width, sheet.art)
        angles = rng.uniform(0, 2 * np.pi) + np.array([0.0, 1.9, 4.1])
        reach = side * rng.uniform(0.12, 0.36)
        corners = centre + reach * np.column_stack([np.cos(angles), np.sin(angles)])
        draw.polygon(corners.ravel().tolist(), fill=(*next(palette), 115))


def sprinkle_stars(draw: ImageDraw, sheet: Sheet, rng: Generator) -> None:
    """Scatter small stars over the upper part of the sheet."""
    for x, y, light in rng.random((70, 3)):
        reach = max(sheet.width, sheet.height) * (0.0008 + 0.0018 * light)
        left, top = x * sheet.width, y * sheet.art * 0.8
        draw.ellipse((left, top, left + 2 * reach, top + 2 * reach), fill=(255, 250, 225, 210))

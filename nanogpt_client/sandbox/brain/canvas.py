"""Paint a scene: a soft gradient, then the named figures, or an abstract motif if there are none.

Everything that the prompt leaves open comes from one generator seeded by prompt and seed, so the
same request gives the same picture.
"""

from __future__ import annotations

from hashlib import sha256
from itertools import cycle
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from nanogpt_client.sandbox.brain.colours import from_hsv, mix
from nanogpt_client.sandbox.brain.layout import ON_LAND, Sheet, placed
from nanogpt_client.sandbox.brain.motifs import paint_motif, sprinkle_stars
from nanogpt_client.sandbox.brain.picture_files import opaque
from nanogpt_client.sandbox.brain.scene import Scene, read_scene
from nanogpt_client.sandbox.brain.shapes import NATURAL, paint_shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.random import Generator

    from nanogpt_client.sandbox.brain.colours import RGB

_MESH: Final = 48  # the gradient is computed this small, then enlarged
_SMOOTH_BELOW: Final = 2_000  # pixels of the longer side up to which edges are smoothed
_SKIES: Final = (  # top and bottom, for scenes on land that name no colour
    ((92, 160, 240), (218, 238, 252)),
    ((120, 150, 226), (252, 222, 200)),
    ((80, 178, 214), (226, 244, 226)),
)
_MEADOW, _WATER = (104, 168, 92), (44, 122, 172)
_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)


def _generator(prompt: str, seed: int) -> Generator:
    """Return the random numbers that belong to a prompt and a seed."""
    digest = sha256(f"{seed}\n{prompt}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16]))


def paint(prompt: str, seed: int, sheet: Sheet) -> Image.Image:
    """Return the picture of a prompt (RGB), without its caption."""
    scene, rng = read_scene(prompt), _generator(prompt, seed)
    backdrop = _backdrop(scene, rng)
    picture = backdrop.resize((sheet.width, sheet.height), Image.Resampling.BICUBIC)
    scenery = _layer(sheet, lambda draw, large: _paint_scenery(draw, large, scene, rng))
    picture.paste(scenery, mask=scenery)
    return _with_figures(picture, scene, sheet, rng)


def fitted(source: Image.Image, sheet: Sheet) -> Image.Image:
    """Return a source picture (RGB, on white) scaled to fill the sheet, cut at sides or foot."""
    return ImageOps.fit(opaque(source), (sheet.width, sheet.height), centering=(0.5, 0.0))


def repaint(
    source: Image.Image, prompt: str, seed: int, sheet: Sheet, strength: float
) -> Image.Image:
    """Return the source in the colours of the prompt and with its figures on it.

    Both come through as far as the strength (0..1) says.
    """
    scene, rng = read_scene(prompt), _generator(prompt, seed)
    tone = scene.ground[0] if scene.ground else next(_palette(scene, rng))
    dark, light = mix(tone, _BLACK, 0.75), mix(tone, _WHITE, 0.65)
    painted = ImageOps.colorize(source.convert("L"), dark, light, mid=tone)
    if scene.figures:
        painted = _with_figures(painted, scene, sheet, rng)
    return Image.blend(source, painted, strength)


def within(mask: Image.Image, changed: Image.Image, kept: Image.Image) -> Image.Image:
    """Return the changed picture where the mask is transparent, or white if it has no holes."""
    clear = ImageOps.invert(mask.convert("RGBA").getchannel("A"))
    area = clear if clear.getbbox() else mask.convert("L")
    area = area.resize(kept.size, Image.Resampling.NEAREST)
    return Image.composite(changed, kept, area)


def _with_figures(picture: Image.Image, scene: Scene, sheet: Sheet, rng: Generator) -> Image.Image:
    """Return the picture with the figures of the scene on it, or with a motif if it has none."""
    palette = _palette(scene, rng)

    def paint_figures(draw: ImageDraw.ImageDraw, large: Sheet) -> None:
        for figure, box in placed(scene.figures, large, rng):
            colour = figure.colour or NATURAL.get(figure.shape) or next(palette)
            paint_shape(draw, figure.shape, box, colour)

    if scene.figures:
        layer = _layer(sheet, paint_figures)
        picture = _shaded(picture, layer)
    else:
        layer = _layer(sheet, lambda draw, large: paint_motif(draw, large, palette, rng))
        picture = picture.copy()
    picture.paste(layer, mask=layer)
    return picture


def _layer(sheet: Sheet, paint: Callable[[ImageDraw.ImageDraw, Sheet], None]) -> Image.Image:
    """Return what `paint` painted on clear ground, with smooth edges, in the size of the sheet."""
    factor = 2 if max(sheet.width, sheet.height) < _SMOOTH_BELOW else 1
    large = Sheet(sheet.width * factor, sheet.height * factor, sheet.art * factor)
    layer = Image.new("RGBA", (large.width, large.height))
    paint(ImageDraw.Draw(layer, "RGBA"), large)
    return layer.resize((sheet.width, sheet.height), Image.Resampling.BOX)


def _palette(scene: Scene, rng: Generator) -> Iterator[RGB]:
    """Return endless colours: those of the prompt, or a chord of five on the colour wheel."""
    hue, lightness = float(rng.random()), 0.94
    chord = [from_hsv(hue + step, 0.7, lightness) for step in (0, 0.08, 0.42, 0.5, 0.58)]
    return cycle(scene.accents or chord)


def _backdrop(scene: Scene, rng: Generator) -> Image.Image:
    """Return a small gradient between the ground's colours with soft spots of light in it."""
    hue = float(rng.random())
    ground = scene.ground or (_SKIES[int(hue * len(_SKIES))] if _is_land(scene) else None)
    if ground is None:
        top, bottom = from_hsv(hue, 0.5, 0.98), from_hsv(hue + 0.14, 0.62, 0.72)
        spots = [from_hsv(hue + shift, 0.55, 0.95) for shift in (-0.12, 0.06, 0.22, 0.5)]
    else:
        top, bottom = ground
        spots = [mix(top, _WHITE, 0.14), mix(bottom, _BLACK, 0.12), mix(top, bottom, 0.5)]
    y, x = np.mgrid[0:_MESH, 0:_MESH] / (_MESH - 1)
    mesh = np.array(top) + (np.array(bottom) - top) * y[..., None]
    for spot in spots:
        column, row, reach = rng.random(), rng.random(), rng.uniform(0.18, 0.4)
        weight = 0.8 * np.exp(-((x - column) ** 2 + (y - row) ** 2) / (2 * reach**2))
        mesh += (np.array(spot) - mesh) * weight[..., None]
    return Image.fromarray(np.round(mesh).astype(np.uint8))


def _is_land(scene: Scene) -> bool:
    return any(figure.shape in ON_LAND for figure in scene.figures)


def _paint_scenery(draw: ImageDraw.ImageDraw, sheet: Sheet, scene: Scene, rng: Generator) -> None:
    """Paint the stars of a night, and the land (or water) that figures stand on."""
    if scene.starry:
        sprinkle_stars(draw, sheet, rng)
    if not _is_land(scene):
        return
    afloat = any(figure.shape == "boat" for figure in scene.figures)
    plain = _WATER if afloat else _MEADOW
    colour = mix(scene.ground[1], _BLACK, 0.25) if scene.ground else plain
    x = np.linspace(0, 1, 61)
    swing, phase = (0.006, 12.0) if afloat else (0.03, 1.0), rng.uniform(0, 6.3)
    y = (0.86 + swing[0] * np.sin(2 * np.pi * swing[1] * x + phase)) * sheet.art
    edge = np.column_stack([x * sheet.width, y]).ravel().tolist()
    draw.polygon([*edge, sheet.width, sheet.height, 0, sheet.height], fill=colour)


def _shaded(picture: Image.Image, layer: Image.Image) -> Image.Image:
    """Return the picture with a soft shadow of the layer on it."""
    width, height = picture.size
    scale = min(1.0, 480 / max(width, height))
    small = layer.getchannel("A").resize(
        (max(1, round(width * scale)), max(1, round(height * scale)))
    )
    reach = max(small.size) / 60
    shadow = Image.new("L", small.size)
    shadow.paste(small, (round(reach * 0.4), round(reach * 0.7)))
    shadow = shadow.filter(ImageFilter.GaussianBlur(reach)).point(lambda value: value * 0.45)
    shaded = picture.copy()
    shaded.paste(_BLACK, (0, 0), shadow.resize(picture.size, Image.Resampling.BILINEAR))
    return shaded

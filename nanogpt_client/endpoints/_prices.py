"""What media cost, by the prices of NanoGPT's lists of models.

A price stands under a heading that names its unit (``per_second``, ``per_thousand_chars``,
``per_video`` …), as a number or as a table whose keys tell what it depends on: a resolution, a
duration, with or without audio, the kind of source, a mode. Tables may nest, and headings may stand
in tables. What the caller leaves open has the model's default. A heading that is not known here
might change the price, so an entry with one has no known price.

Follows https://docs.nano-gpt.com/api-reference/endpoint/video-models, which says no more than that
"pricing structures vary by model"; the headings are those that several public captures of the live
lists show.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import Any

from nanogpt_client.endpoints import _model_limits, _split_text
from nanogpt_client.endpoints._parameters import parameter, plain
from nanogpt_client.types._coerce import as_dict, as_number, as_text, first
from nanogpt_client.types.catalog import Model

_UNITS = (
    ("second", re.compile(r"(output_)?per_second(_by_\w+)?")),
    ("minute", re.compile(r"per_minute(_by_\w+)?")),
    ("characters", re.compile(r"per_thousand_chars")),
    ("block", re.compile(r"per_prompt_char_block")),
    ("interval", re.compile(r"per_billing_interval")),
    ("piece", re.compile(r"per_(video|generation|duration|resolution|mode)(_\w+)?|base_price")),
)
# Headings that say nothing without a table under them.
_TABLED = re.compile(r"\w*per_(duration|resolution|mode)\w*|\w+_by_\w+")
# Headings that hold one choice of a table: text_to_video_per_second, text_image_with_audio_….
_CHOICE = re.compile(r"(text_image_)?(\w+_to_video|with_audio|without_audio)_per_second")
# What stands beside prices and is none, or is read where it is needed.
_ASIDE = re.compile(
    r"currency|unit|note|minimum|(default|min|max|fixed)_\w+|supported_durations|variant"
    r"|base_duration|prompt_char_block_size|billing_interval_\w+"
    r"|audio_multiplier|frame_(multiplier|threshold)"
    # Prices of inputs that these calls do not send.
    r"|(video_)?(reference|edit)_\w+|included_reference_images|extra_reference_image|lora"
)
# What the keys of a table tell that it depends on.
_DEPENDS = {
    "duration": re.compile(r"\d+(\.\d+)?"),
    "resolution": re.compile(r"\d+(\.\d+)?[pk]"),
    "size": re.compile(r"\d+x\d+"),
    "aspect_ratio": re.compile(r"\d+:\d+"),
    "audio": re.compile(r"with(out)?_audio"),
    "source": re.compile(r"\w+_to_video(_\w+)?|video_edit|video_extend|edit|extend"),
}
_AUDIO = ("audio", "generate_audio", "generateAudio", "sound")
_LENGTHS = ("default_duration", "fixed_duration_seconds")


def price(model: Model, work: Mapping[str, Any]) -> Decimal | None:
    """Return USD for the words of `WorkOptions`; ``None`` where the entry does not say.

    A text that is too long for one call is priced in the pieces that it is spoken in, and pictures
    of a size that has no price of its own as the dearest: never more than that.
    """
    total = Decimal(0)
    for piece in _calls(model, work):
        found = set(_costs(model, piece))
        if len(found) != 1 or (usd := found.pop()) is None:
            return None
        total += usd
    return total


def reservation(model: Model | None, work: Mapping[str, Any]) -> Callable[[], Decimal] | None:
    """Return what a `Budget` sets aside for a call: the most that it may cost, if that is known."""
    if model is None:
        return None
    most = max((usd for usd in _costs(model, work) if usd is not None), default=None)
    return None if most is None else lambda: most


def _calls(model: Model, work: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    text, most = work.get("text"), _model_limits.most_characters(model)
    if text is None or len(text) <= most:
        return [work]
    return [{**work, "text": piece} for piece in _split_text.split_text(text, most)] or [work]


def _costs(model: Model, work: Mapping[str, Any]) -> Iterator[Decimal | None]:
    """Yield what one call may cost: one number where all is said, ``None`` for what is unread."""
    pricing = as_dict(model.raw.get("pricing"))
    if as_text(pricing.get("currency") or "USD").upper() != "USD":
        return
    if "multiplier_parameter" in pricing:  # names another word of the request
        return
    if "per_image" in pricing:
        yield _images(model, pricing["per_image"], work)
        return
    reader = _Reader(pricing, _terms(model, pricing, work))
    least = _dollars(pricing.get("minimum")) or Decimal(0)
    for usd in reader.read(pricing):
        for factor in reader.factors():
            yield None if usd is None else max(usd * factor, least)


def _images(model: Model, listed: Any, work: Mapping[str, Any]) -> Decimal | None:
    """Return the price of a size, else of the model's own or ``auto``, else of the dearest."""
    count = as_number(model.supported_parameters.get("fixed_image_count")) or work.get("n") or 1
    usd = _dollars(listed)
    prices = {
        plain(size): number
        for size, value in as_dict(listed).items()
        if (number := _dollars(value)) is not None
    }
    if prices:
        size = plain(work.get("size") or "auto")
        preset = parameter(model, "resolution", "resolutions", "size").default
        sizes = [plain(preset), "auto"] if size == "auto" and preset else [size]
        usd = next((prices[name] for name in sizes if name in prices), max(prices.values()))
    return None if usd is None else usd * int(count)


@dataclass(frozen=True, slots=True)
class _Terms:
    """What a price may depend on; ``None`` is not known, ``chosen`` is levelled by `plain`."""

    seconds: Decimal | None
    characters: int | None
    images: int
    frames: Decimal | None
    chosen: Mapping[str, str | None]


def _terms(model: Model, pricing: Mapping[str, Any], work: Mapping[str, Any]) -> _Terms:
    def said(*names: str, presets: tuple[str, ...] = ()) -> Any:
        """Return what the call says, else the model's default, its only value, or its price's."""
        given = next((work[name] for name in names if _is_said(work.get(name))), None)
        if given is not None:
            return given
        listed = parameter(model, *names)
        only = listed.values[0] if len(listed.values) == 1 else None
        return listed.default or only or first(pricing, *presets)

    seconds = said("seconds", "duration", presets=_LENGTHS)
    resolution = said("resolution", presets=("default_resolution",))
    chosen = {
        "duration": seconds,
        "resolution": resolution,
        "size": said("size") or resolution,
        "aspect_ratio": said("aspect_ratio"),
        "audio": _sound(said(*_AUDIO)),
        "source": _source(model, work),
        "mode": said("mode", presets=("default_mode",)),
    }
    return _Terms(
        seconds=as_number(plain(seconds)),
        characters=None if work.get("text") is None else len(work["text"]),
        images=int(work.get("n") or 1),
        frames=as_number(said("num_frames")),
        chosen={
            subject: None if value is None or plain(value) == "auto" else plain(value)
            for subject, value in chosen.items()
        },
    )


def _is_said(value: Any) -> bool:
    """Whether a call chose a value; a mode that names the source alone is not the model's."""
    return value is not None and not plain(value).endswith("_to_video")


def _source(model: Model, work: Mapping[str, Any]) -> str:
    """Return what a video is made from; without a word of it a picture only where it must be."""
    mode, image = plain(work.get("mode")), work.get("image")
    if mode.endswith("_to_video"):
        return mode
    if image is None:
        image = {"image_to_video", "text_to_video"} & model.capabilities == {"image_to_video"}
    return "image_to_video" if image else "text_to_video"


def _sound(value: Any) -> str | None:
    """Return whether a video has sound, in the words of price lists; other values say nothing."""
    word = plain(value)
    if word in {"true", "on", "yes", "1"}:
        return "with_audio"
    return "without_audio" if word in {"false", "off", "no", "0"} else None


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads a price out of an entry's ``pricing``."""

    pricing: Mapping[str, Any]
    terms: _Terms

    def read(self, node: Any, unit: str | None = None) -> Iterator[Decimal | None]:
        """Yield every price that the call may have: a number, a table, or headings."""
        if as_number(node) is not None:
            yield self._times(_dollars(node), unit or "piece")
            return
        entries = {
            key: value
            for key, value in as_dict(node).items()
            if not _ASIDE.fullmatch(key) and (as_number(value) is not None or as_dict(value))
        }
        headed = _under_headings(entries)
        if entries.keys() == {"base_price", "per_extra_second"}:
            yield self._extended(entries)
            return
        if headed is None:
            yield from self._table(entries, unit)
            return
        # Zero is how lists say that a unit is not billed, beside the one that is.
        billed = [(u, value) for u, value in headed if as_number(value) != 0] or headed
        for own_unit, value in billed:
            yield from self.read(value, own_unit)

    def _extended(self, entries: Mapping[str, Any]) -> Decimal | None:
        """Return a price for so many seconds, and for each one more."""
        base, more = _dollars(entries["base_price"]), _dollars(entries["per_extra_second"])
        within, seconds = as_number(self.pricing.get("base_duration")), self.terms.seconds
        if base is None or more is None or within is None or seconds is None:
            return None
        return base + more * max(seconds - within, Decimal(0))

    def factors(self) -> list[Decimal]:
        """Return what the price may be multiplied by: for sound, and for many frames."""
        sound = _dollars(self.pricing.get("audio_multiplier"))
        many = _dollars(self.pricing.get("frame_multiplier"))
        few = as_number(self.pricing.get("frame_threshold"))
        frames = self.terms.frames
        base = Decimal(1)
        if many is not None and few is not None and frames is not None and frames > few:
            base = many
        heard = self.terms.chosen["audio"]
        with_sound = [] if sound is None or heard == "without_audio" else [base * sound]
        return with_sound if with_sound and heard else [base, *with_sound]

    def _table(self, entries: Mapping[str, Any], unit: str | None) -> Iterator[Decimal | None]:
        prices = {plain(key): value for key, value in entries.items()}
        subject = _subject(prices)
        wanted = self.terms.chosen[subject]
        if not prices or (subject == "mode" and unit is None):  # words that say nothing here
            yield None
        elif wanted in prices:
            yield from self.read(prices[wanted], unit)
        elif wanted is not None:
            yield None
        else:
            for value in prices.values():
                yield from self.read(value, unit)

    def _times(self, usd: Decimal | None, unit: str) -> Decimal | None:
        if not usd:
            return usd
        many = self._amount(unit)
        return None if many is None else usd * many

    def _amount(self, unit: str) -> Decimal | None:
        """Return how many units are billed."""
        seconds, characters = self.terms.seconds, self.terms.characters
        if unit == "piece":
            return Decimal(1) if self.terms.images == 1 else None
        if unit == "characters":
            return None if characters is None else Decimal(characters) / 1000
        if unit == "block":
            return _blocks(characters, self.pricing.get("prompt_char_block_size"))
        if unit == "interval":
            return _blocks(seconds, self.pricing.get("billing_interval_seconds"))
        if seconds is None:
            return None
        return seconds / 60 if unit == "minute" else seconds


def _under_headings(entries: Mapping[str, Any]) -> list[tuple[str, Any]] | None:
    """Return each price with its unit; ``None`` if no key is a heading, or not all of them are."""
    found: list[tuple[str, Any]] = []
    choices: dict[str, Any] = {}
    for key, value in entries.items():
        unit = next((unit for unit, form in _UNITS if form.fullmatch(key)), None)
        if _TABLED.fullmatch(key) and not isinstance(value, dict):
            unit = None
        if choice := _CHOICE.fullmatch(key):
            choices[choice[2]] = value
        elif unit is not None:
            found.append((unit, value))
    known = len(found) + len(choices)
    if choices:
        found.append(("second", choices))
    return found if known and known == len(entries) else None


def _dollars(value: Any) -> Decimal | None:
    """Return a price, or what one is multiplied by; what is negative is none."""
    number = as_number(value)
    return number if number is not None and number >= 0 else None


def _blocks(amount: Decimal | int | None, size: Any) -> Decimal | None:
    each = _dollars(size)
    return None if amount is None or not each else Decimal(ceil(amount / each))


def _subject(keys: Mapping[str, Any]) -> str:
    """Return what a table depends on, told by its keys."""
    named = [key for key in keys if key not in {"auto", "default"}]
    for subject, form in _DEPENDS.items():
        if named and all(form.fullmatch(key) for key in named):
            return subject
    return "mode"

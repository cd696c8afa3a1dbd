"""Prices of media in USD, from NanoGPT's lists of models.

A price has a key that names its unit (``per_second``, ``per_thousand_chars``, ``per_video`` …) and
is a number, or a table whose keys show what it depends on: a resolution, a duration, with or
without audio, the kind of source, a mode. Tables may be nested, and tables may hold such keys. An
option that the call omits has the model's default. An unrecognised key could change the price, so
the price of an entry that has one is unknown.

Follows https://docs.nano-gpt.com/api-reference/endpoint/video-models, which only says that
"pricing structures vary by model"; the keys are from several public captures of the live lists.
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
from nanogpt_client.types._coerce import as_count, as_dict, as_number, as_text, first
from nanogpt_client.types.catalog import Model

_UNITS = (
    ("second", re.compile(r"(output_)?per_second(_by_\w+)?")),
    ("minute", re.compile(r"per_minute(_by_\w+)?")),
    ("characters", re.compile(r"per_thousand_chars")),
    ("block", re.compile(r"per_prompt_char_block")),
    ("interval", re.compile(r"per_billing_interval")),
    ("item", re.compile(r"per_(video|generation|duration|resolution|mode)(_\w+)?|base_price")),
)
# Keys that need a table as their value.
_TABLED = re.compile(r"\w*per_(duration|resolution|mode)\w*|\w+_by_\w+")
# Keys that are one row of a table: text_to_video_per_second, text_image_with_audio_….
_CHOICE = re.compile(r"(text_image_)?(\w+_to_video|with_audio|without_audio)_per_second")
# Keys beside prices that are no prices, or are read where they are needed.
_NOT_PRICES = re.compile(
    r"currency|unit|note|minimum|(default|min|max|fixed)_\w+|supported_durations|variant"
    r"|base_duration|prompt_char_block_size|billing_interval_\w+"
    r"|audio_multiplier|frame_(multiplier|threshold)"
    # Prices of inputs that these calls do not send.
    r"|(video_)?(reference|edit)_\w+|included_reference_images|extra_reference_image|lora"
)
# What a table depends on, by the form of its keys.
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
    """Return the price in USD for `WorkOptions`; ``None`` if the entry does not determine it.

    A text that is too long for one call is priced in the parts that `speak_long` sends, and images
    of a size without a price at the highest listed price.
    """
    total = Decimal(0)
    for part in _calls(model, work):
        found = set(_costs(model, part))
        if len(found) != 1 or (usd := found.pop()) is None:
            return None
        total += usd
    return total


def reservation(model: Model | None, work: Mapping[str, Any]) -> Callable[[], Decimal] | None:
    """Return the USD that a `Budget` reserves for a call: its highest possible cost, if any."""
    if model is None:
        return None
    most = max((usd for usd in _costs(model, work) if usd is not None), default=None)
    return None if most is None else lambda: most


def _calls(model: Model, work: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    text, most = work.get("text"), _model_limits.most_characters(model)
    if text is None or len(text) <= most:
        return [work]
    return [{**work, "text": part} for part in _split_text.split_text(text, most)] or [work]


def _costs(model: Model, work: Mapping[str, Any]) -> Iterator[Decimal | None]:
    """Yield the possible costs of one call; ``None`` for a price that cannot be determined."""
    pricing = as_dict(model.raw.get("pricing"))
    if as_text(pricing.get("currency") or "USD").upper() != "USD":
        return
    if "multiplier_parameter" in pricing:  # depends on another option of the request
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
    """Return the price of the size, else of the default size or ``auto``, else the highest."""
    fixed = as_count(model.supported_parameters.get("fixed_image_count"))
    count = fixed or as_count(work.get("n")) or 1
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
    return None if usd is None else usd * count


@dataclass(frozen=True, slots=True)
class _Terms:
    """What a price may depend on; ``None`` is unknown, ``chosen`` is normalised by `plain`."""

    seconds: Decimal | None
    characters: int | None
    images: int
    frames: Decimal | None
    chosen: Mapping[str, str | None]


def _terms(model: Model, pricing: Mapping[str, Any], work: Mapping[str, Any]) -> _Terms:
    def chosen_value(*names: str, presets: tuple[str, ...] = ()) -> Any:
        """Return the call's value, else the default or only value of the model, or the price's."""
        given = next((work[name] for name in names if _is_chosen(work.get(name))), None)
        if given is not None:
            return given
        listed = parameter(model, *names)
        only = listed.values[0] if len(listed.values) == 1 else None
        return listed.default or only or first(pricing, *presets)

    seconds = chosen_value("seconds", "duration", presets=_LENGTHS)
    resolution = chosen_value("resolution", presets=("default_resolution",))
    chosen = {
        "duration": seconds,
        "resolution": resolution,
        "size": chosen_value("size") or resolution,
        "aspect_ratio": chosen_value("aspect_ratio"),
        "audio": _audio(chosen_value(*_AUDIO)),
        "source": _source(model, work),
        "mode": chosen_value("mode", presets=("default_mode",)),
    }
    return _Terms(
        seconds=as_number(plain(seconds)),
        characters=None if work.get("text") is None else len(work["text"]),
        images=as_count(work.get("n")) or 1,
        frames=as_number(chosen_value("num_frames")),
        chosen={
            subject: None if value is None or plain(value) == "auto" else plain(value)
            for subject, value in chosen.items()
        },
    )


def _is_chosen(value: Any) -> bool:
    """Whether a call chose a value; a mode such as ``image_to_video`` only names the source."""
    return value is not None and not plain(value).endswith("_to_video")


def _source(model: Model, work: Mapping[str, Any]) -> str:
    """Return what a video is made from; by default an image only where the model requires one."""
    mode, image = plain(work.get("mode")), work.get("image")
    if mode.endswith("_to_video"):
        return mode
    if image is None:
        image = {"image_to_video", "text_to_video"} & model.capabilities == {"image_to_video"}
    return "image_to_video" if image else "text_to_video"


def _audio(value: Any) -> str | None:
    """Return whether a video has audio, as price tables name it; ``None`` if unknown."""
    text = plain(value)
    if text in {"true", "on", "yes", "1"}:
        return "with_audio"
    return "without_audio" if text in {"false", "off", "no", "0"} else None


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the price from an entry's ``pricing``."""

    pricing: Mapping[str, Any]
    terms: _Terms

    def read(self, node: Any, unit: str | None = None) -> Iterator[Decimal | None]:
        """Yield every price that the call may have, from a number, a table, or keys with units."""
        if as_number(node) is not None:
            yield self._times(_dollars(node), unit or "item")
            return
        entries = {
            key: value
            for key, value in as_dict(node).items()
            if not _NOT_PRICES.fullmatch(key) and (as_number(value) is not None or as_dict(value))
        }
        by_unit = _with_units(entries)
        if entries.keys() == {"base_price", "per_extra_second"}:
            yield self._extended(entries)
            return
        if by_unit is None:
            yield from self._table(entries, unit)
            return
        # A zero beside another price means that this unit is not billed.
        billed = [(u, value) for u, value in by_unit if as_number(value) != 0] or by_unit
        for own_unit, value in billed:
            yield from self.read(value, own_unit)

    def _extended(self, entries: Mapping[str, Any]) -> Decimal | None:
        """Return a base price for some seconds, plus a price for each further second."""
        base, more = _dollars(entries["base_price"]), _dollars(entries["per_extra_second"])
        within, seconds = as_number(self.pricing.get("base_duration")), self.terms.seconds
        if base is None or more is None or within is None or seconds is None:
            return None
        return base + more * max(seconds - within, Decimal(0))

    def factors(self) -> list[Decimal]:
        """Return the possible factors of the price: for audio, and for many frames."""
        audio_factor = _dollars(self.pricing.get("audio_multiplier"))
        many = _dollars(self.pricing.get("frame_multiplier"))
        few = as_number(self.pricing.get("frame_threshold"))
        frames = self.terms.frames
        base = Decimal(1)
        if many is not None and few is not None and frames is not None and frames > few:
            base = many
        audio = self.terms.chosen["audio"]
        with_audio_factor = (
            [] if audio_factor is None or audio == "without_audio" else [base * audio_factor]
        )
        return with_audio_factor if with_audio_factor and audio else [base, *with_audio_factor]

    def _table(self, entries: Mapping[str, Any], unit: str | None) -> Iterator[Decimal | None]:
        prices = {plain(key): value for key, value in entries.items()}
        subject = _subject(prices)
        wanted = self.terms.chosen[subject]
        if not prices or (subject == "mode" and unit is None):  # its keys cannot be interpreted
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
        if unit == "item":
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


def _with_units(entries: Mapping[str, Any]) -> list[tuple[str, Any]] | None:
    """Return each price with its unit; ``None`` unless all keys name units."""
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
    matched = len(found) + len(choices)
    if choices:
        found.append(("second", choices))
    return found if matched and matched == len(entries) else None


def _dollars(value: Any) -> Decimal | None:
    """Return a price or a factor; ``None`` if it is not a number, or negative."""
    number = as_number(value)
    return number if number is not None and number >= 0 else None


def _blocks(amount: Decimal | int | None, size: Any) -> Decimal | None:
    each = _dollars(size)
    return None if amount is None or not each else Decimal(ceil(amount / each))


def _subject(keys: Mapping[str, Any]) -> str:
    """Return what a table depends on, by its keys."""
    named = [key for key in keys if key not in {"auto", "default"}]
    for subject, form in _DEPENDS.items():
        if named and all(form.fullmatch(key) for key in named):
            return subject
    return "mode"

"""Waveforms drawn as pictures: an ECG as on paper, anything else one channel below the other (PS3.3 C.10.9).

May touch data sets, numpy and Pillow. Rules: every count is compared with the bytes that are there before anything is
made; a channel of which something is missing is drawn as far as it goes; however long a recording is, what is drawn is
bounded by the picture's width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.dataset import Dataset
from kerma.errors import PixelError
from kerma.pixels.attributes import item, items, number, text, whole
from kerma.pixels.extras import pillow
from kerma.pixels.tables import raw_bytes

Array = NDArray[Any]

MOST_CHANNELS = 64
"""Channels that are drawn of one object."""
_TYPES = {"SB": "i1", "UB": "u1", "SS": "i2", "US": "u2", "SL": "i4", "UL": "u4", "SV": "i8", "UV": "u8"}
_BITS = {8: "SB", 16: "SS", 32: "SL", 64: "SV"}
_LEADS = ("I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6")
_MILLIVOLTS = {"MV": 1.0, "UV": 0.001, "NV": 0.000001, "V": 1000.0}
"""By UCUM code, upper case: units that an ECG comes in."""
_MM = 4
"""Pixels of a millimetre of the paper."""
_PAPER, _FINE, _COARSE, _INK, _TEXT = (255, 252, 248), (250, 222, 218), (238, 178, 172), (20, 20, 30), (60, 60, 70)
_EDGE, _ROW = 20, 100


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel: its name, its values in ``unit``, samples a second."""

    name: str
    values: Array
    unit: str
    rate: float

    @property
    def seconds(self) -> float:
        return len(self.values) / self.rate


def channels(ds: Dataset) -> list[Channel]:
    """The channels of all multiplex groups, in order, at most ``MOST_CHANNELS``. ``PixelError`` where there is none."""
    found: list[Channel] = []
    for group in items(ds, "WaveformSequence"):
        found += _of_group(group, MOST_CHANNELS - len(found))
        if len(found) >= MOST_CHANNELS:
            break
    if not found:
        raise PixelError("the object has no waveform that can be drawn")
    return found


def draw(ds: Dataset) -> Array:
    """A picture of the waveforms, RGB; an ECG of twelve leads at 25 mm/s and 10 mm/mV, four of them side by side."""
    found = channels(ds)
    leads = _twelve(found)
    return _ecg(leads) if leads is not None else _stacked(found)


# -- reading -----------------------------------------------------------------------------------------------------------


def _of_group(group: Dataset, room: int) -> list[Channel]:
    count, samples = whole(group, "NumberOfWaveformChannels"), whole(group, "NumberOfWaveformSamples")
    rate = number(group, "SamplingFrequency", 0.0) or 0.0
    kind = text(group, "WaveformSampleInterpretation") or _BITS.get(whole(group, "WaveformBitsAllocated"), "")
    if count < 1 or samples < 1 or rate <= 0 or "WaveformData" not in group:
        return []
    raw, little = raw_bytes(group, "WaveformData")
    dtype = np.dtype(_TYPES.get(kind, "u1")).newbyteorder("<" if little else ">")
    there = min(samples, len(raw) // (dtype.itemsize * count))
    if there < 1:
        return []
    grid = np.frombuffer(raw, dtype, there * count).reshape(there, count)
    defined = items(group, "ChannelDefinitionSequence")
    return [
        _channel(defined[at] if at < len(defined) else Dataset(), at, grid[:, at], kind, rate)
        for at in range(min(count, room))
    ]


def _channel(definition: Dataset, at: int, stored: Array, kind: str, rate: float) -> Channel:
    source = item(definition, "ChannelSourceSequence")
    name = text(definition, "ChannelLabel") or ("" if source is None else text(source, "CodeMeaning"))
    values = _expanded(stored, kind)
    sensitivity = number(definition, "ChannelSensitivity")
    unit = ""
    if sensitivity is not None:
        factor = number(definition, "ChannelSensitivityCorrectionFactor", 1.0)
        values = values * sensitivity * (1.0 if factor is None else factor) + (
            number(definition, "ChannelBaseline", 0.0) or 0.0
        )
        units = item(definition, "ChannelSensitivityUnitsSequence")
        unit = "" if units is None else text(units, "CodeValue")
    return Channel(name or f"Channel {at + 1}", values, unit, rate)


def _expanded(stored: Array, kind: str) -> Array:
    """Samples as numbers; those of sound, mu-law (MB) and A-law (AB), as ITU-T G.711 has them."""
    if kind not in {"MB", "AB"}:
        return stored.astype("f8")
    byte = (stored.astype("i4") & 0xFF) ^ (0xFF if kind == "MB" else 0x55)
    exponent, mantissa = byte >> 4 & 7, byte & 15
    if kind == "MB":
        size = ((mantissa << 3) + 132 << exponent) - 132
        return np.where(byte & 0x80, -size, size).astype("f8")
    size = np.where(exponent == 0, (mantissa << 4) + 8, ((mantissa << 4) + 264) << np.maximum(exponent - 1, 0))
    return np.where(byte & 0x80, size, -size).astype("f8")


def _lead(name: str) -> str:
    """The lead that a channel's name tells: "Lead aVR (Einthoven)" is AVR."""
    for word in name.replace(",", " ").replace("-", " ").upper().split():
        if word in _LEADS:
            return word
    return ""


def _twelve(found: list[Channel]) -> dict[str, Channel] | None:
    """The twelve leads by name, if all are there in volts."""
    leads: dict[str, Channel] = {}
    for each in found:
        name = _lead(each.name)
        if name and each.unit.upper() in _MILLIVOLTS:
            leads.setdefault(name, each)
    return leads if len(leads) == len(_LEADS) else None


# -- drawing -----------------------------------------------------------------------------------------------------------


def _ecg(leads: dict[str, Channel]) -> Array:
    """Three rows of four leads, and lead II all along below them."""
    seconds = min(max(min(each.seconds for each in leads.values()), 1.0), 10.0)
    width = round(seconds * 25 * _MM)
    row = 30 * _MM
    sheet = _Sheet(2 * _EDGE + width, 2 * _EDGE + 4 * row + 2 * _MM * 5)
    sheet.grid()
    quarter = seconds / 4
    for at, name in enumerate(_LEADS):
        column, line = divmod(at, 3)
        left, middle = _EDGE + column * width / 4, _EDGE + line * row + row / 2
        sheet.trace(_cut(leads[name], column * quarter, quarter), left, middle, width / 4, row)
        sheet.label(_printed(name), left + 4, middle - row / 2 + 2)
    middle = _EDGE + 3 * row + row / 2
    sheet.trace(_cut(leads["II"], 0, seconds), _EDGE, middle, width, row)
    sheet.label("II", _EDGE + 4, middle - row / 2 + 2)
    sheet.label("25 mm/s   10 mm/mV", _EDGE, sheet.height - _EDGE)
    return sheet.array()


def _printed(lead: str) -> str:
    return lead.replace("AV", "aV") if lead.startswith("AV") else lead


def _cut(channel: Channel, start: float, seconds: float) -> Array:
    """That time of a lead in millimetres, its middle at 0."""
    first, last = round(start * channel.rate), round((start + seconds) * channel.rate)
    values = channel.values * _MILLIVOLTS[channel.unit.upper()] * 10
    return np.asarray((values - np.median(values))[first:last])


def _stacked(found: list[Channel]) -> Array:
    """Each channel in a row of its own, all of it, as high as the row."""
    width = 1000
    sheet = _Sheet(2 * _EDGE + width, 2 * _EDGE + _ROW * len(found))
    for at, each in enumerate(found):
        top = _EDGE + at * _ROW
        low, high = float(each.values.min()), float(each.values.max())
        scale = (_ROW - 24) / (high - low) if high > low else 0.0
        sheet.line(_EDGE, top + _ROW, _EDGE + width, top + _ROW, _FINE)
        sheet.trace((each.values - (low + high) / 2) * scale / _MM, _EDGE, top + _ROW / 2 + 8, width, _ROW)
        unit = f"   {low:g} to {high:g} {each.unit}" if each.unit else ""
        sheet.label(f"{each.name[:48]}{unit}   {each.seconds:g} s", _EDGE, top + 2)
    return sheet.array()


class _Sheet:
    """A picture that lines are drawn on."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._canvas = pillow("Image").new("RGB", (width, height), _PAPER)
        self._board = pillow("ImageDraw").Draw(self._canvas)
        self._font = pillow("ImageFont").load_default(size=14.0)

    def grid(self) -> None:
        """Millimetre paper."""
        for step, colour in ((_MM, _FINE), (5 * _MM, _COARSE)):
            for x in range(0, self.width, step):
                self.line(x, 0, x, self.height, colour)
            for y in range(0, self.height, step):
                self.line(0, y, self.width, y, colour)

    def line(self, x0: float, y0: float, x1: float, y1: float, colour: tuple[int, int, int]) -> None:
        self._board.line([(x0, y0), (x1, y1)], fill=colour)

    def label(self, words: str, x: float, y: float) -> None:
        plain = "".join(char if char.isprintable() else " " for char in words)
        self._board.text((x, y), plain, fill=_TEXT, font=self._font)

    def trace(self, millimetres: Array, left: float, middle: float, width: float, height: float) -> None:
        """A curve over ``width`` pixels; it may reach into its neighbours' rows, as on paper, and no further."""
        if len(millimetres) < 2:
            return
        x, y = _thinned(millimetres, round(width) * 2)
        half = height
        down = np.clip(middle - y * _MM, middle - half, middle + half)
        across = left + x * (width / max(len(millimetres) - 1, 1))
        self._board.line(list(zip(across.tolist(), down.tolist(), strict=True)), fill=_INK, width=1, joint="curve")

    def array(self) -> Array:
        return np.asarray(self._canvas)


def _thinned(values: Array, most: int) -> tuple[Array, Array]:
    """Places and values of a curve of at most ``most`` points: the lowest and highest of each stretch are kept."""
    if len(values) <= most:
        return np.arange(len(values), dtype="f8"), values
    stretch = -(-len(values) // (most // 2))
    whole_ones = len(values) // stretch
    grid = values[: whole_ones * stretch].reshape(whole_ones, stretch)
    both = np.stack([grid.min(axis=1), grid.max(axis=1)], axis=1)
    x = np.repeat(np.arange(whole_ones, dtype="f8") * stretch, 2)
    x[1::2] += stretch / 2
    return x, both.reshape(-1)

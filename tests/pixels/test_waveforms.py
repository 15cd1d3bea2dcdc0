"""Waveforms as pictures: what is there is drawn, however little or much."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kerma
from kerma.dataset import Dataset
from kerma.errors import PixelError
from kerma.pixels import waveforms


def recording(samples: Any, *, kind: str = "SS", rate: float = 100, said: int | None = None, **channel: Any) -> Dataset:
    """A waveform object of one group; ``samples`` are rows of channels."""
    group = Dataset()
    group.NumberOfWaveformChannels, group.NumberOfWaveformSamples = samples.shape[1], said or len(samples)
    group.SamplingFrequency, group.WaveformSampleInterpretation = rate, kind
    group.WaveformBitsAllocated = samples.dtype.itemsize * 8
    definition = Dataset()
    for keyword, value in channel.items():
        setattr(definition, keyword, value)
    group.ChannelDefinitionSequence = [definition] * samples.shape[1]
    group.add("WaveformData", "OB" if samples.dtype.itemsize == 1 else "OW", samples.tobytes())
    ds = Dataset()
    ds.WaveformSequence = [group]
    return ds


def test_values_are_in_their_unit() -> None:
    samples = np.array([[1, -2], [3, 4]], "<i2")
    found = waveforms.channels(recording(samples, ChannelSensitivity=2.5, ChannelBaseline=1, ChannelLabel="A"))
    assert [each.name for each in found] == ["A", "A"]
    assert found[1].values.tolist() == [-4.0, 11.0]
    assert found[0].seconds == 0.02


def test_no_more_is_read_than_is_there() -> None:
    found = waveforms.channels(recording(np.zeros((10, 2), "<i2"), said=1_000_000_000))
    assert [len(each.values) for each in found] == [10, 10]


@pytest.mark.parametrize("kind", ["SS", "SL", "MB", "??"])
def test_nothing_is_a_pixel_error(kind: str) -> None:
    with pytest.raises(PixelError):
        waveforms.draw(recording(np.zeros((0, 2), "<i2"), kind=kind, said=5))


@pytest.mark.parametrize(
    ("kind", "byte", "value"),
    [("MB", 0xFF, 0), ("MB", 0x80, 32124), ("MB", 0x00, -32124), ("AB", 0xD5, 8), ("AB", 0x2A, -32256)],
)
def test_sound_is_expanded_as_g711(kind: str, byte: int, value: int) -> None:
    found = waveforms.channels(recording(np.array([[byte]], "u1"), kind=kind))
    assert found[0].values.tolist() == [value]


def test_a_long_recording_is_a_small_picture() -> None:
    picture = waveforms.draw(recording((np.arange(2_000_000) % 777).astype("<i2").reshape(-1, 1), rate=1000))
    assert picture.shape == (140, 1040, 3)
    assert (picture.max(axis=2) < 60).any()


def test_twelve_leads_are_laid_out_as_on_paper(corpus: Path) -> None:
    picture = waveforms.draw(kerma.read(corpus / "pydicom+pydicom/src/pydicom/data/test_files/waveform_ecg.dcm"))
    assert picture.shape == (560, 1040, 3)
    ink = picture.max(axis=2) < 60
    assert all(ink[20 + row * 120 : 140 + row * 120].any() for row in range(4))

"""What is encoded here is read by others as it was: DCMTK, GDCM, and pydicom with each of its plug-ins."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.pixels import get_decoder
from tests.pixels.codecs.expected import ROOT, Case
from tests.pixels.images import image

import kerma
from kerma.pixels import encapsulate
from kerma.pixels.codecs import CODECS, encoder_of
from kerma.pixels.native import dtype_of
from kerma.pixels.targets import TARGETS, compressed_layout

Array = NDArray[Any]
GREY = (Case(8, 8), Case(8, 7, True), Case(16, 12), Case(16, 12, True), Case(16, 16), Case(16, 16, True))
COLOUR = (Case(8, 8, photometric="RGB"), Case(8, 8, photometric="YBR_FULL"), Case(16, 12, photometric="RGB"))


def takes(number: str, case: Case) -> bool:
    """Whether the syntax holds such an image."""
    target = TARGETS[ROOT + number]
    low, high = target.stored
    colours = target.colours
    if target.method and case.photometric == "YBR_FULL":
        return False
    return (
        low <= case.stored <= high
        and (target.signed or not case.signed)
        and (colours is None or case.photometric in colours)
    )


def written(path: Path, number: str, case: Case) -> Array:
    """A file of two frames in the syntax; gives the samples that were encoded."""
    uid = ROOT + number
    samples = np.stack([case.smooth(33, 48), case.smooth(33, 48)[::-1]])
    layout = compressed_layout(case.layout(33, 48), case.photometric, uid)
    streams = [encoder_of(uid)(np.ascontiguousarray(each, dtype_of(layout)), layout, {}) for each in samples]
    ds: Any = image(
        33,
        48,
        frames=2,
        samples=layout.samples,
        allocated=layout.bits_allocated,
        stored=layout.bits_stored,
        signed=layout.signed,
        photometric=layout.photometric,
        uid=uid,
    )
    encapsulate(ds, streams)
    kerma.write(ds, path)
    return samples


def near(found: Array, wanted: Array, number: str, case: Case) -> bool:
    """Equal where nothing is lost, else within what a codec may lose of a soft picture."""
    error = np.abs(found.astype("i8") - wanted.astype("i8")).max()
    return bool(error <= (0 if CODECS[ROOT + number].lossless else (1 << case.stored) // 12))


TOOLS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "dcmdjpeg": (("+cp",), ("4.50", "4.51", "4.57", "4.70")),
    "dcmdjpls": ((), ("4.80", "4.81")),
    "dcmdrle": ((), ("5",)),
    "gdcmconv": (("--raw",), ("4.50", "4.51", "4.57", "4.70", "4.80", "4.81", "4.90", "4.91", "5")),
}


@pytest.mark.parametrize(("name", "number"), [(name, number) for name, (_, all_) in TOOLS.items() for number in all_])
def test_tools_decompress_what_is_encoded(
    name: str, number: str, tmp_path: Path, program: Callable[[str], str]
) -> None:
    options, _ = TOOLS[name]
    compared = 0
    for case in (*GREY, *COLOUR):
        if not takes(number, case) or (name == "gdcmconv" and gdcm_cannot(number, case)):
            continue
        wanted = written(tmp_path / "in.dcm", number, case)
        ours = ("+cn",) if name == "dcmdjpeg" and case.photometric == "YBR_FULL" else options
        subprocess.run(
            [program(name), *ours, tmp_path / "in.dcm", tmp_path / "out.dcm"],
            check=True,
            capture_output=True,
            timeout=60,
        )
        found = kerma.pixels.array(kerma.read(tmp_path / "out.dcm"), rgb=case.photometric != "YBR_FULL")
        assert near(found, wanted, number, case), case
        compared += 1
    assert compared >= 2


def gdcm_cannot(number: str, case: Case) -> bool:
    """GDCM 3 stops at an assertion of its own where Bits Stored is not Bits Allocated in a byte, and mixes up the byte
    planes of RLE with colour of 16 bits.
    """
    return case.stored < case.allocated == 8 or (number == "5" and case.allocated > 8 and case.colour)


PLUGINS = {
    "pylibjpeg": ("4.50", "4.51", "4.57", "4.70", "4.80", "4.81", "4.90", "4.91", "4.201", "4.202", "4.203", "5"),
    "pyjpegls": ("4.80", "4.81"),
    "pydicom": ("5",),
}


@pytest.mark.parametrize(
    ("plugin", "number"), [(plugin, number) for plugin, all_ in PLUGINS.items() for number in all_]
)
def test_pydicom_decodes_what_is_encoded(plugin: str, number: str, tmp_path: Path) -> None:
    decoder = get_decoder(ROOT + number)
    assert plugin in decoder.available_plugins
    for case in (*GREY, *COLOUR):
        if not takes(number, case) or (plugin == "pylibjpeg" and number == "4.51" and case.colour and case.stored > 8):
            continue  # pydicom converts the colours of 8 bits only
        wanted = written(tmp_path / "in.dcm", number, case)
        found, _ = decoder.as_array(
            pydicom.dcmread(tmp_path / "in.dcm"), decoding_plugin=plugin, raw=case.photometric == "YBR_FULL"
        )
        assert near(found, wanted, number, case), case

"""The table of expected samples: a line for each image of the corpus, with who agrees on it.

``oracle_make`` writes it from the peers; ``tests/corpus/test_pixels`` holds Kerma to it without running one. A line
has a digest for each frame of the stored samples (colours as they are in the stream) and samples at fixed places, of
the stored and of the RGB image, for what need not be equal to the bit: streams with loss, and colours converted.
"""

from __future__ import annotations

import csv
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import kerma
from kerma.errors import KermaError

Array = NDArray[Any]
Line = dict[str, str]
ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("KERMA_CORPUS", ROOT.parent / "shared" / "corpus"))
TABLE = Path(__file__).with_name("oracle.tsv")
PAGE = ROOT / "docs" / "pixels-agreement.md"

COLUMNS = ("file", "syntax", "shape", "digests", "stored", "rgb", "peers")
FRAMES = 32
"""Frames that have a digest of their own; the last one here is of all that follow."""
PLACES = 48
"""Samples that are kept of one image."""

LOSSY = frozenset(f".4.{last}" for last in (50, 51, 52, 53, 54, 55, 56, 91, 93, 112, 203))
"""Ends of the syntaxes of which two decoders may differ by rounding; not JPEG-LS, whose decoding is exact."""


@dataclass(frozen=True)
class Ours:
    """What Kerma makes of one image."""

    uid: str
    stored: Array
    rgb: Array


def ours(path: Path) -> Ours | str:
    """Kerma's samples, both as (frames, rows, columns, samples); its refusal in a word."""
    try:
        ds = kerma.read(path)
        found = kerma.pixels.index(ds)
        stored = kerma.pixels.array(ds, rgb=False)
        rgb = kerma.pixels.array(ds) if found.layout.samples == 3 else stored
    except (KermaError, OSError) as error:
        return type(error).__name__
    layout = found.layout
    shape = (-1, layout.rows, layout.columns, layout.samples)
    return Ours(layout.transfer_syntax_uid, stored.reshape(shape), rgb.reshape(shape))


def syntax_of(uid: str) -> str:
    """The end of a transfer syntax' UID, ".4.50"; ".0" for implicit little endian."""
    return uid.removeprefix("1.2.840.10008.1.2") or ".0"


def lossy(syntax: str) -> bool:
    """Whether decoders may differ."""
    return syntax in LOSSY


def shape_text(samples: Array) -> str:
    """27x512x512x1 uint16."""
    return f"{'x'.join(map(str, samples.shape))} {samples.dtype.name}"


def digests(samples: Array) -> str:
    """Eight digits a frame."""
    each = [samples[number : number + 1] for number in range(min(len(samples), FRAMES - 1))]
    if len(samples) >= FRAMES:
        each.append(samples[FRAMES - 1 :])
    little = [np.ascontiguousarray(one, one.dtype.newbyteorder("<")) for one in each]
    return " ".join(hashlib.blake2b(one.tobytes(), digest_size=4).hexdigest() for one in little)


def places(samples: Array) -> str:
    """Samples at places that are the same for all images of one size, the last one among them."""
    flat = samples.reshape(-1)
    at = np.append((np.arange(PLACES - 1, dtype="u8") * 2654435761) % len(flat), len(flat) - 1)
    return " ".join(map(str, flat[at.astype("i8")].tolist()))


def apart(found: str, wanted: str) -> float:
    """The largest difference between two lines of samples."""
    one, other = (np.array(text.split(), "f8") for text in (found, wanted))
    return float(np.nanmax(np.abs(one - other), initial=0))


def columns_of(made: Ours | str) -> Line:
    """Kerma's part of a line. What is exact has digests, what may be rounded has samples."""
    if isinstance(made, str):
        return {"syntax": "", "shape": made, "digests": "", "stored": "", "rgb": ""}
    rounded = lossy(syntax_of(made.uid))
    converted = made.stored.shape[3] == 3 and not np.array_equal(made.stored, made.rgb)
    return {
        "syntax": syntax_of(made.uid),
        "shape": shape_text(made.stored),
        "digests": "" if rounded else digests(made.stored),
        "stored": places(made.stored) if rounded else "",
        "rgb": places(made.rgb) if converted else "",
    }


def read_table() -> list[Line]:
    """The lines as they were written."""
    with TABLE.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def corpus_names() -> list[str]:
    """Every file of the corpus' manifest."""
    with (CORPUS / "manifest.tsv").open(encoding="utf-8", newline="") as lines:
        return [row["path"] for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)]


def marks(line: Line) -> dict[str, str]:
    """Peer -> what it makes of the image: "=", "~3" (the largest difference), "shape", "refused", "crashed", "hung"."""
    return dict(one.split(":", 1) for one in line["peers"].split("; ") if one)

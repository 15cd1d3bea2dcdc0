"""Arrays of the corpus' compressed images, beside what DCMTK and GDCM decompress of them."""

from __future__ import annotations

import csv
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kerma
from kerma.errors import KermaError

_JPEG = "1.2.840.10008.1.2.4."
DECODERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "dcmdjpeg": (("dcmdjpeg", "+cn"), ("57", "70")),
    "dcmdjpls": (("dcmdjpls",), ("80", "81")),
    "gdcmconv": (("gdcmconv", "--raw"), ("57", "70", "80", "81", "90")),
}
PARTS = 2


def images(corpus: Path, numbers: tuple[str, ...]) -> list[Path]:
    """The files in these syntaxes, but those made to do harm."""
    wanted = {_JPEG + number for number in numbers}
    with (corpus / "manifest.tsv").open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        names = [row["path"] for row in rows if row["transfer_syntax"].split(" ")[0] in wanted]
    return [corpus / name for name in names if "fuzz" not in name]


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("name", DECODERS)
def test_what_peers_decompress(
    name: str, part: int, corpus: Path, tmp_path: Path, program: Callable[[str], str]
) -> None:
    (tool, *options), numbers = DECODERS[name]
    compared = 0
    for path in images(corpus, numbers)[part::PARTS]:
        target = tmp_path / "plain.dcm"
        target.unlink(missing_ok=True)
        done = subprocess.run([program(tool), *options, path, target], capture_output=True, timeout=60, check=False)
        if done.returncode or not target.is_file():
            continue
        wanted = array(target)
        if wanted is None:
            continue
        found = array(path)
        assert found is not None, path
        assert np.array_equal(found, wanted), path
        compared += 1
    assert compared >= 10


def array(path: Path) -> Any:
    """The samples as they are stored: what a peer does to colour is its own matter."""
    try:
        return kerma.pixels.array(kerma.read(path), rgb=False)
    except KermaError:
        return None

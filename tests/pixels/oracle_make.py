"""Writes the table of expected samples and its page: ``python -m tests.pixels.oracle_make``; --page: the page alone.

It runs pydicom with each plug-in, GDCM and DCMTK on every file of the corpus: some minutes on two cores.
"""

from __future__ import annotations

import concurrent.futures
import sys

import numpy as np
from tests.pixels.oracle_page import page
from tests.pixels.oracle_peers import PEERS, Seen, seen
from tests.pixels.oracle_table import COLUMNS, CORPUS, PAGE, TABLE, Ours, columns_of, corpus_names, ours, read_table

DECODED_RGB = frozenset({"RGB", "YBR_RCT", "YBR_ICT"})
"""What peers call samples that are RGB: GDCM leaves the name of what the stream was."""


def mark(theirs: Seen | str, made: Ours | str) -> str:
    """One peer beside Kerma, in a word."""
    if isinstance(theirs, str):
        return theirs.split()[0]
    if isinstance(made, str):
        return "decodes"
    mine = made.rgb if theirs.photometric in DECODED_RGB else made.stored
    if mine.shape != theirs.samples.shape:
        return "shape"
    if np.array_equal(mine, theirs.samples, equal_nan=mine.dtype.kind == "f"):
        return "="
    difference = np.abs(mine.astype("f8") - theirs.samples.astype("f8"))
    return f"~{np.nanmax(difference):.6g} in {np.count_nonzero(difference) / mine.size:.2g}"


def line_of(name: str) -> dict[str, str] | None:
    """The line of one file; None where nobody sees an image."""
    path = CORPUS / name
    made = ours(path)
    marked = {peer: mark(seen(peer, path), made) for peer in PEERS}
    if isinstance(made, str) and not any(word == "decodes" for word in marked.values()):
        return None
    peers = "; ".join(f"{peer}:{word}" for peer, word in marked.items() if word != "absent")
    return {"file": name, **columns_of(made), "peers": peers}


def write() -> None:
    """Both files, made anew."""
    if "--page" not in sys.argv:
        with concurrent.futures.ProcessPoolExecutor(2) as pool:
            found = [line for line in pool.map(line_of, corpus_names(), chunksize=10) if line is not None]
        text = "\n".join(["\t".join(COLUMNS), *("\t".join(line[name] for name in COLUMNS) for line in found)])
        TABLE.write_text(text + "\n", encoding="utf-8")
    PAGE.write_text(page(read_table()), encoding="utf-8")


if __name__ == "__main__":
    write()

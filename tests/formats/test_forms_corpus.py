"""Preambles and transfer syntaxes of the corpus are those that others found."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import kerma
from kerma.errors import KermaError

pytestmark = pytest.mark.corpus
_GUESSED = {"implLE": "1.2.840.10008.1.2", "explLE": "1.2.840.10008.1.2.1", "explBE": "1.2.840.10008.1.2.2"}


def test_preamble_and_transfer_syntax_agree_with_the_manifest(corpus: Path) -> None:
    wrong, same = [], 0
    with (corpus / "manifest.tsv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            try:
                ds = kerma.read(corpus / row["path"])
            except KermaError:
                continue  # tests/corpus is about those
            if (ds.preamble is not None) != (row["has_preamble"] == "yes"):
                wrong.append(row["path"])
            first, _, last = row["transfer_syntax"].partition(" ")
            wanted = _GUESSED.get(last.rpartition(" ")[2], first) if first == "(no" else first
            if wanted == ds.transfer_syntax_uid:
                same += 1
            elif not ds.findings:  # where others read none or nonsense, we say what was odd
                wrong.append(row["path"])
    assert not wrong
    assert same > 1500

"""The Accept headers that OHIF 3.13.2 was recorded to send, and what each gets; a number is that of its row."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qsl

import pytest

from kerma.dicomweb.media_types import Category, choose, parse_accept

OHIF = "multipart/related; type=application/octet-stream; transfer-syntax=*"
OCTETS = "application/octet-stream"
JSON = "application/dicom+json"
ROOT = "1.2.840.10008.1.2"
JPEG, SEG = f"{ROOT}.4.50", f"{ROOT}.1"
MICROSCOPY = ", ".join(
    f'multipart/related; type="image/{kind}"; transfer-syntax={ROOT}.4.{number}'
    for kind, number in zip(
        ["jpeg", "jpeg", "jpeg", "jls", "jls", "jp2", "jp2", "jpx"],
        ["50", "57", "70", "80", "81", "90", "91", "92"],
        strict=True,
    )
)


@pytest.mark.parametrize(
    ("row", "accept", "query", "stored", "category", "offered", "content_type", "multipart"),
    [
        (1, JSON, "limit=101&offset=0", None, Category.METADATA, None, JSON, False),
        (5, JSON, "", None, Category.METADATA, None, JSON, False),
        (6, OHIF, "", JPEG, Category.FRAMES, None, f"image/jpeg; transfer-syntax={JPEG}", True),
        (7, MICROSCOPY, "", JPEG, Category.FRAMES, None, f"image/jpeg; transfer-syntax={JPEG}", True),
        (
            8,
            'multipart/related; type="application/dicom"',
            "",
            SEG,
            Category.DICOM,
            None,
            f"application/dicom; transfer-syntax={SEG}",
            True,
        ),
        (
            9,
            'multipart/related; type="application/pdf", multipart/related; type="application/octet-stream"',
            "",
            SEG,
            Category.BULK,
            ("application/pdf", OCTETS),
            "application/pdf",
            True,
        ),
        (11, OCTETS, "", SEG, Category.BULK, None, f"{OCTETS}; transfer-syntax={SEG}", False),
        (
            12,
            'multipart/related; type="application/octet-stream"',
            "accept=image%2Fjpeg",
            None,
            Category.RENDERED,
            None,
            "image/jpeg",
            False,
        ),
        (13, "image/*,*/*", "accept=image/jpeg", None, Category.RENDERED, None, "image/jpeg", False),
        (13, "image/*,*/*", "", None, Category.RENDERED, None, "image/jpeg", False),
        (14, "application/dicom", "", JPEG, Category.DICOM, None, f"application/dicom; transfer-syntax={JPEG}", False),
        (15, "*/*", "", None, Category.METADATA, None, JSON, False),
        (15, None, "", None, Category.METADATA, None, JSON, False),
    ],
)
def test_row(
    row: int,
    accept: str | None,
    query: str,
    stored: str | None,
    category: Category,
    offered: Sequence[str] | None,
    content_type: str,
    multipart: bool,
) -> None:
    ranges = parse_accept(accept, dict(parse_qsl(query)).get("accept"))
    found = choose(ranges, stored, category, offered=offered)
    assert (found.content_type, found.multipart, found.transcode) == (content_type, multipart, False), row

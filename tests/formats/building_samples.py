"""Files to wrap, made here: pictures with Pillow and imagecodecs, small documents by hand."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
from PIL import Image

PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"
)
_TRIANGLE = struct.pack("<12fH", 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0)
STL = b"sample".ljust(80) + struct.pack("<I", 3) + _TRIANGLE * 3
OBJ = b"mtllib m.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"
MTL = b"newmtl a\nKd 1 0 0\n"
CDA = """<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3">
<typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
<id root="2.16.840.1.113883.19.4" extension="c266"/>
<code code="11488-4" codeSystem="2.16.840.1.113883.6.1" codeSystemName="LOINC" displayName="Consultation note"/>
<title>Consultation  of
Jörg</title>
<recordTarget><patientRole><id extension="12345" root="2.16.840.1.113883.19.5"/><patient>
<name><prefix>Dr.</prefix><given>Jörg</given><given>A</given><family>Müller</family></name>
<administrativeGenderCode code="M" codeSystem="2.16.840.1.113883.5.1"/><birthTime value="19320924"/>
</patient></patientRole></recordTarget>
<component><nonXMLBody><text mediaType="application/pdf" representation="B64">AA==</text></nonXMLBody></component>
</ClinicalDocument>""".encode()


def grey(dtype: str = "u1") -> Any:
    """64 rows of 80 columns."""
    ramp = np.add.outer(np.arange(64), np.arange(80)) % 256
    return (ramp * (257 if np.dtype(dtype).itemsize == 2 else 1)).astype(dtype)


def colour() -> Any:
    """64 rows of 80 columns of three samples."""
    ramp = grey()
    return np.stack([ramp, ramp[::-1], 255 - ramp], -1)


def picture(samples: Any, kind: str, *pages: Any, mode: str = "", **options: Any) -> bytes:
    """A picture file of an array; ``kind`` is a format of Pillow."""
    image = Image.fromarray(samples)
    image = image.convert(mode) if mode else image
    out = io.BytesIO()
    if pages:
        options |= {"save_all": True, "append_images": [Image.fromarray(page) for page in pages]}
    image.save(out, format=kind, **options)
    return out.getvalue()

"""The head of an HL7 CDA document: what its DICOM envelope repeats (PS3.3 A.45.2, C.24.2).

The whole document is parsed and little of it kept; entities and document types are refused, so nothing outside the
bytes is looked at and nothing in them grows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from kerma.encoding.source import Buffer
from kerma.errors import FormatError

NAMESPACE = "urn:hl7-org:v3"
_PIECE = 1 << 16
_SCHEMES = {"2.16.840.1.113883.6.1": "LN", "2.16.840.1.113883.6.96": "SCT", "1.2.840.10008.2.16.4": "DCM"}
_SEX = {"M": "M", "F": "F", "UN": "O"}
_LONGEST = 1024  # characters that are kept of one text


@dataclass(slots=True)
class CDAHead:
    """Identifier as PS3.3 writes it (root, a caret, extension), title, code, the patient, and embedded media types."""

    identifier: str = ""
    title: str = ""
    code: tuple[str, str, str] | None = None
    patient_id: str = ""
    patient_name: str = ""
    birth_date: str = ""
    sex: str = ""
    media_types: list[str] = field(default_factory=list)


def read_head(data: Buffer) -> CDAHead:
    """The head of a CDA document. ``FormatError`` where the bytes are not well-formed XML, or XML of another kind."""
    reader = _Reader()
    view = memoryview(data)
    try:
        for start in range(0, len(view), _PIECE):
            reader.parser.Parse(bytes(view[start : start + _PIECE]), False)
        reader.parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise FormatError(
            f"the document is not well-formed XML: {expat.ErrorString(error.code)}",
            offset=reader.parser.ErrorByteIndex,
        ) from None
    except (LookupError, ValueError):  # expat asks Python for what it does not know itself
        raise FormatError("the document is in an encoding that is not known") from None
    return reader.head


def looks_like_cda(data: Buffer) -> bool:
    """Whether the first bytes name the CDA document element."""
    return b"<ClinicalDocument" in bytes(memoryview(data)[:_PIECE]) or b":ClinicalDocument" in bytes(
        memoryview(data)[:_PIECE]
    )


class _Reader:
    """Handlers of one parse; ``path`` holds the local names of the open elements."""

    def __init__(self) -> None:
        self.head = CDAHead()
        self.path: list[str] = []
        self.text: list[str] = []
        self.names: dict[str, list[str]] = {}
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        self.parser = parser

    def _refuse(self, *_: Any) -> None:
        raise FormatError(
            "the document declares a document type or entities", hint="a CDA document has none (HL7 CDA R2)"
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        if not self.path and (local != "ClinicalDocument" or space != NAMESPACE):
            raise FormatError(f"the document element is {local[:64]!r}", hint="a CDA begins with ClinicalDocument")
        self.path.append(local)
        self.text = []
        head, place = self.head, "/".join(self.path[1:]) if len(self.path) < 8 else ""
        if place == "id" and not head.identifier:
            root, extension = attributes.get("root", ""), attributes.get("extension", "")
            head.identifier = f"{root}^{extension}" if extension else root
        elif place == "code" and head.code is None and "code" in attributes:
            system = attributes.get("codeSystem", "")
            scheme = _SCHEMES.get(system) or attributes.get("codeSystemName", "")[:16]
            head.code = attributes["code"], scheme, attributes.get("displayName", attributes["code"])[:64]
        elif place == "recordTarget/patientRole/id" and not head.patient_id:
            head.patient_id = attributes.get("extension", "").replace("\\", " ")[:64]
        elif place == "recordTarget/patientRole/patient/administrativeGenderCode":
            head.sex = _SEX.get(attributes.get("code", ""), "")
        elif place == "recordTarget/patientRole/patient/birthTime":
            value = attributes.get("value", "")[:8]
            head.birth_date = value if len(value) == 8 and value.isdigit() else ""
        media = attributes.get("mediaType", "")
        if media and media not in head.media_types and len(head.media_types) < 64:
            head.media_types.append(media[:64])

    def _characters(self, text: str) -> None:
        if len(self.text) < 16 and len(self.path) < 8:
            self.text.append(text[:_LONGEST])

    def _end(self, name: str) -> None:
        text = " ".join("".join(self.text).split())[:_LONGEST]
        place = self.path[1:]
        if place == ["title"]:
            self.head.title = text
        elif place[:4] == ["recordTarget", "patientRole", "patient", "name"]:
            if len(place) == 5 and text:
                self.names.setdefault(place[4], []).append(text)
            elif len(place) == 4 and not self.head.patient_name:
                self.head.patient_name = self._name()
        self.path.pop()
        self.text = []

    def _name(self) -> str:
        """As PN: family, the first given name, further ones, prefix, suffix."""
        family, given, prefix, suffix = (self.names.get(part, []) for part in ("family", "given", "prefix", "suffix"))
        parts = (" ".join(family), given[0] if given else "", " ".join(given[1:]), " ".join(prefix), " ".join(suffix))
        return "^".join(part.replace("^", " ").replace("=", " ").replace("\\", " ") for part in parts).rstrip("^")[:64]

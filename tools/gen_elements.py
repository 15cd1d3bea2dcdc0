"""Writes standard/_gen/elements_data.py and elements_names.py: the data elements of PS3.6 and the commands of PS3.7 E.

DCMTK's dicom.dic gives tag, keyword, VM and retired flag (it follows the newest edition); pydicom's table gives the
printed name, the VRs where DCMTK has a code of its own (``ox``, ``xs``, ``lt``, ``up``, ``na``), and the repeating
groups. Rows that both lack are given here by hand. Where the two disagree in a way not listed in ``KNOWN``, the run
ends: somebody has to look.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import NamedTuple

from tools import sources


class Row(NamedTuple):
    """One row; ``vr`` as printed, with `` or `` between alternatives. ``mask`` is set for repeating groups."""

    tag: int
    vr: str
    vm: str
    name: str
    keyword: str
    retired: bool
    mask: int = 0xFFFFFFFF


BY_HAND = (Row(0x0040E012, "UR", "1", "Display URI", "DisplayURI", retired=False),)

KNOWN = {
    (0x00102160, "retired"),  # retired in 2024d and later
    (0x30040012, "retired"),  # pydicom took the retirement of a neighbour
    (0x00283006, "vr"),  # DCMTK's lt is wider than the printed "US or OW"
}

DCMTK_VRS = {
    "ox": "OB or OW",
    "px": "OB or OW",
    "xs": "US or SS",
    "lt": "US or SS or OW",
    "up": "UL",
    "na": "",
}

NAMES = {  # keywords that do not split at capitals into the printed name
    "RTAssertionsSequence": "RT Assertions Sequence",
    "RTDoseInterpretedTypeCodeSequence": "RT Dose Interpreted Type Code Sequence",
    "RTDoseInterpretedTypeCodeModifierSequence": "RT Dose Interpreted Type Code Modifier Sequence",
    "RTDoseIntentCodeSequence": "RT Dose Intent Code Sequence",
    "PersonNamesToUseSequence": "Person Names to Use Sequence",
    "NameToUse": "Name to Use",
    "NameToUseComment": "Name to Use Comment",
    "EffectiveStartDateTime": "Effective Start DateTime",
    "EffectiveStopDateTime": "Effective Stop DateTime",
    "AnnotationDateTime": "Annotation DateTime",
    "SegmentDefinitionDateTime": "Segment Definition DateTime",
    "SexParametersForClinicalUseCategoryComment": "Sex Parameters for Clinical Use Category Comment",
    "SexParametersForClinicalUseCategorySequence": "Sex Parameters for Clinical Use Category Sequence",
    "SexParametersForClinicalUseCategoryCodeSequence": "Sex Parameters for Clinical Use Category Code Sequence",
    "SexParametersForClinicalUseCategoryReference": "Sex Parameters for Clinical Use Category Reference",
    "SinglePrecisionFloatingPointNumericValue": "Single-Precision Floating-Point Numeric Value",
    "DoublePrecisionFloatingPointNumericValue": "Double-Precision Floating-Point Numeric Value",
}

# The first tag of a repeating group of elements, where it is not the pattern with its x as 0 (that would be another
# element).
FIRST_TAGS = {
    "002804x0": 0x00280410,
    "002804x1": 0x00280411,
    "002804x2": 0x00280412,
    "002804x3": 0x00280413,
    "1000xxx0": 0x10000010,
    "1000xxx1": 0x10000011,
    "1000xxx2": 0x10000012,
    "1000xxx3": 0x10000013,
    "1000xxx4": 0x10000014,
    "1000xxx5": 0x10000015,
    "1010xxxx": 0x10100004,
}


def dcmtk_rows(text: str) -> dict[int, tuple[str, str, str, bool]]:
    """tag -> (VR code, VM, keyword, retired) of the single tags of the standard in dicom.dic."""
    rows: dict[int, tuple[str, str, str, bool]] = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        tag, vr, keyword, vm, version = line.split("\t")
        if not version.startswith("DICOM"):
            continue
        if found := re.fullmatch(r"\(([0-9A-Fa-f]{4}),([0-9A-Fa-f]{4})\)", tag):
            retired = version.endswith("/retired")
            rows[int(found[1] + found[2], 16)] = (vr, vm, keyword.removeprefix("RETIRED_"), retired)
    return rows


def repeating(table: dict[str, tuple[str, str, str, str, str]]) -> list[Row]:
    """pydicom's repeating groups; in ``50xx``, ``60xx`` and ``7Fxx`` the group is even (PS3.5 7.6)."""
    rows = []
    for pattern, (vr, vm, name, retired, keyword) in table.items():
        mask = int("".join("0" if digit == "x" else "F" for digit in pattern), 16)
        if pattern[2:4] == "xx":
            mask |= 0x0001_0000
        tag = FIRST_TAGS.get(pattern, int(pattern.replace("x", "0"), 16))
        rows.append(Row(tag, vr, vm, name, keyword, bool(retired), mask))
    return sorted(rows)


def split_keyword(keyword: str) -> str:
    """The printed name of a keyword: words at capitals; digits and runs of capitals stay whole."""
    return NAMES.get(keyword) or re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", keyword)


def merge(folder: Path) -> tuple[list[Row], list[Row]]:
    """The single rows and the repeating ones, in tag order."""
    text = sources.read(folder, "_dicom_dict.py")
    pydicom = sources.literal(text, "DicomDictionary")
    repeaters = repeating(sources.literal(text, "RepeatersDictionary"))
    first_tags = {row.tag for row in repeaters}
    dcmtk = dcmtk_rows(sources.read(folder, "dicom.dic"))
    rows = {row.tag: row for row in BY_HAND}
    for tag in sorted({*pydicom, *dcmtk} - set(rows) - first_tags):
        vr, vm, name, retired, keyword = pydicom.get(tag, ("", "", "", "", ""))
        vr = vr.replace("NONE", "")
        if tag in dcmtk:
            code, vm2, keyword2, retired2 = dcmtk[tag]
            vr2 = DCMTK_VRS.get(code, code)
            if tag in pydicom:
                told = {
                    "vr": vr == vr2,
                    "vm": vm == vm2,
                    "keyword": keyword == keyword2,
                    "retired": bool(retired) == retired2,
                }
                if strange := [what for what, same in told.items() if not same and (tag, what) not in KNOWN]:
                    sys.exit(f"{tag:08X} {keyword}: the sources disagree on {', '.join(strange)}")
            else:
                vr = vr2
            vm, keyword, retired = vm2, keyword2, retired2
            name = name or split_keyword(keyword)
        elif keyword:
            sys.exit(f"{tag:08X} {keyword}: only in the older source")
        else:
            name = ""  # a blank row of the standard: retired, its name withdrawn
        rows[tag] = Row(tag, vr, vm, name, keyword, bool(retired))
    return sorted(rows.values()), repeaters


def main(folder: Path) -> None:
    """Writes both modules and prints what was counted."""
    rows, repeaters = merge(folder)
    for row in rows + repeaters:
        if not row.name.isascii():
            sys.exit(f"{row.tag:08X}: a name that is not ASCII")
    keywords = [row.keyword for row in rows + repeaters if row.keyword]
    if len(set(keywords)) != len(keywords):
        sys.exit("a keyword stands twice")
    kinds = sorted({(row.vr, row.vm, row.retired) for row in rows + repeaters})
    if len(kinds) > 256:
        sys.exit("more than 256 kinds: the kind column is one byte a row")
    names = ("dicom.dic", "_dicom_dict.py")
    text = sources.header("Data elements of PS3.6 and PS3.7 E: tags, kinds and keywords by row.", "gen_elements", names)
    text += f'EDITION = "{sources.EDITION}"\nSINGLE = {len(rows)}  # rows before the repeating ones\n'
    text += "KINDS = (  # VRs as printed, VM, retired\n"
    text += "".join(f"    ({vr!r}, {vm!r}, {retired!r}),\n" for vr, vm, retired in kinds) + ")\n"
    text += "MASKS = (  # of the repeating rows, in their order\n"
    text += "".join(f"    0x{row.mask:08X},\n" for row in repeaters) + ")\n"
    both = rows + repeaters
    text += sources.column("TAGS", [f"{row.tag:08X}" for row in both])
    text += sources.column("ROW_KINDS", [f"{kinds.index((row.vr, row.vm, row.retired)):02X}" for row in both])
    text += sources.column("KEYWORDS", [row.keyword for row in both])
    sources.save("elements_data.py", text)
    text = sources.header("Names of the data elements of PS3.6, in the order of elements_data.", "gen_elements", names)
    sources.save("elements_names.py", text + sources.column("NAMES", [row.name for row in both]))
    print(f"{len(rows)} elements, {len(repeaters)} repeating, {len(kinds)} kinds")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

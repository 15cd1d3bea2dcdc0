"""The examples of PS3.5 annexes H to K, byte for byte as they are printed, read and written.

The bytes are in the annexes' own notations: column/row for H and I, hexadecimal for J and K. Those of I.3, which prints
characters only, follow from KS X 1001. Each example goes through an element alone, and through a file.
"""

from __future__ import annotations

import io

import pytest

import kerma
from kerma.values import Charsets, PersonName, decode, encode

EXPLICIT_LE = "1.2.840.10008.1.2.1"


def column_row(text: str) -> bytes:
    return bytes([int(pair[:2]) * 16 + int(pair[3:]) for pair in text.split()])


def hexadecimal(text: str) -> bytes:
    return bytes.fromhex(text)


H_3_1 = column_row(
    "05/09 06/01 06/13 06/01 06/04 06/01 05/14 05/04 06/01 07/02 06/15 07/05 03/13 "
    "01/11 02/04 04/02 03/11 03/03 04/05 04/04 01/11 02/08 04/02 05/14 "
    "01/11 02/04 04/02 04/02 04/00 04/15 03/10 01/11 02/08 04/02 03/13 "
    "01/11 02/04 04/02 02/04 06/04 02/04 05/14 02/04 04/00 01/11 02/08 04/02 05/14 "
    "01/11 02/04 04/02 02/04 03/15 02/04 06/13 02/04 02/06 01/11 02/08 04/02"
)
H_3_2 = column_row(
    "13/04 12/15 12/00 13/14 05/14 12/00 13/11 11/03 03/13 "
    "01/11 02/04 04/02 03/11 03/03 04/05 04/04 01/11 02/08 04/10 05/14 "
    "01/11 02/04 04/02 04/02 04/00 04/15 03/10 01/11 02/08 04/10 03/13 "
    "01/11 02/04 04/02 02/04 06/04 02/04 05/14 02/04 04/00 01/11 02/08 04/10 05/14 "
    "01/11 02/04 04/02 02/04 03/15 02/04 06/13 02/04 02/06 01/11 02/08 04/10"
)
I_2 = column_row(
    "04/08 06/15 06/14 06/07 05/14 04/07 06/09 06/12 06/04 06/15 06/14 06/07 03/13 "
    "01/11 02/04 02/09 04/03 15/11 15/03 05/14 01/11 02/04 02/09 04/03 13/01 12/14 13/04 13/07 03/13 "
    "01/11 02/04 02/09 04/03 12/08 10/11 05/14 01/11 02/04 02/09 04/03 11/01 14/06 11/05 11/15"
)
HANGUL = "한글".encode("euc_kr")
DESIGNATE_KOREAN = column_row("01/11 02/04 02/09 04/03")
I_3 = (
    DESIGNATE_KOREAN + b"The first line includes " + HANGUL + b".\r\n"
    + DESIGNATE_KOREAN + b"The second line includes " + HANGUL + b", too.\r\n"
    + b"The third line"
)  # fmt: skip
J_1 = hexadecimal("57616e675e5869616f446f6e673de78e8b5ee5b08fe69db13d")
J_2 = hexadecimal(
    "546865206669727374206c696e6520696e636c75646573e4b8ade696872e0d0a"
    "546865207365636f6e64206c696e6520696e636c75646573e4b8ade696872c20746f6f2e0d0a"
    "546865207468697264206c696e652e0d0a"
)
J_3 = hexadecimal("57616e675e5869616f446f6e673dcdf55ed0a1b6ab3d")
J_4 = hexadecimal(
    "546865206669727374206c696e6520696e636c75646573d6d0cec42e0d0a"
    "546865207365636f6e64206c696e6520696e636c75646573d6d0cec42c20746f6f2e0d0a"
    "546865207468697264206c696e652e0d0a"
)
K_2 = hexadecimal("5A68616E675E5869616F446F6E673D1B242941D5C55E1B242941D0A1B6AB3D20")
K_3 = hexadecimal(
    "312e1B242941B5DAD2BBD0D0CEC4D7D6A1A30D0A"
    "322e1B242941B5DAB6FED0D0CEC4D7D6A1A30D0A"
    "332e1B242941B5DAC8FDD0D0CEC4D7D6A1A30D0A"
)

EXAMPLES: list[tuple[str, str, str, bytes, str]] = [
    ("H.3-1", "\\ISO 2022 IR 87", "PN", H_3_1, "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    ("H.3-2", "ISO 2022 IR 13\\ISO 2022 IR 87", "PN", H_3_2, "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"),
    ("I.2-1", "\\ISO 2022 IR 149", "PN", I_2, "Hong^Gildong=洪^吉洞=홍^길동"),
    (
        "I.3-1",
        "\\ISO 2022 IR 149",
        "LT",
        I_3,
        "The first line includes 한글.\r\nThe second line includes 한글, too.\r\nThe third line",
    ),
    ("J.1-1", "ISO_IR 192", "PN", J_1, "Wang^XiaoDong=王^小東="),
    (
        "J.2-1",
        "ISO_IR 192",
        "LT",
        J_2,
        "The first line includes中文.\r\nThe second line includes中文, too.\r\nThe third line.\r\n",
    ),
    ("J.3-1", "GB18030", "PN", J_3, "Wang^XiaoDong=王^小东="),
    ("J.3-1 as GBK", "GBK", "PN", J_3, "Wang^XiaoDong=王^小东="),
    (
        "J.4-1",
        "GB18030",
        "LT",
        J_4,
        "The first line includes中文.\r\nThe second line includes中文, too.\r\nThe third line.\r\n",
    ),
    (
        "J.4-1 as GBK",
        "GBK",
        "LT",
        J_4,
        "The first line includes中文.\r\nThe second line includes中文, too.\r\nThe third line.\r\n",
    ),
    ("K.2-1", "\\ISO 2022 IR 58", "PN", K_2, "Zhang^XiaoDong=张^小东="),
    ("K.3-1", "\\ISO 2022 IR 58", "LT", K_3, "1.第一行文字。\r\n2.第二行文字。\r\n3.第三行文字。\r\n"),
]
IDS = [row[0] for row in EXAMPLES]
KEYWORDS = {"PN": "PatientName", "LT": "PatientComments"}


@pytest.mark.parametrize(("name", "terms", "vr", "raw", "text"), EXAMPLES, ids=IDS)
def test_as_printed(name: str, terms: str, vr: str, raw: bytes, text: str) -> None:
    charsets = Charsets.of(terms)
    assert charsets.findings == charsets.check(raw, vr) == ()
    assert decode(vr, raw, charsets=charsets) == text
    assert encode(vr, text, charsets=charsets) == raw + b" " * (len(raw) % 2)
    assert encode(vr, decode(vr, raw, charsets=charsets), charsets=charsets).rstrip(b" ") == raw.rstrip(b" ")


@pytest.mark.parametrize(("name", "terms", "vr", "raw", "text"), EXAMPLES, ids=IDS)
def test_through_a_file(name: str, terms: str, vr: str, raw: bytes, text: str) -> None:
    ds = kerma.Dataset()
    ds.SpecificCharacterSet = terms
    setattr(ds, KEYWORDS[vr], text)
    ds.RequestAttributesSequence = [kerma.Dataset()]
    setattr(ds.RequestAttributesSequence[0], KEYWORDS[vr], text)
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.3"
    target = io.BytesIO()
    kerma.write(ds, target, transfer_syntax_uid=EXPLICIT_LE)
    again = kerma.read(target.getvalue())
    for where in (again, again.RequestAttributesSequence[0]):
        element = where[KEYWORDS[vr]]
        assert bytes(element.raw or b"").rstrip(b" ") == raw.rstrip(b" ")
        assert element.value == text
    assert again.findings == []


def test_the_groups_of_the_names() -> None:
    name = PersonName("Yamada^Tarou=山田^太郎=やまだ^たろう")
    assert name.ideographic.family_name == "山田"
    assert name.phonetic.given_name == "たろう"
    korean = decode("PN", I_2, charsets=Charsets.of("\\ISO 2022 IR 149"))
    assert (korean.family_name, korean.ideographic.given_name, korean.phonetic.given_name) == ("Hong", "吉洞", "길동")


def test_written_from_parts_of_names() -> None:
    """A name with its groups from parts becomes the very bytes of H.3-1."""
    name = PersonName.of("Yamada", "Tarou", ideographic="山田^太郎", phonetic="やまだ^たろう")
    assert encode("PN", name, charsets=Charsets.of("\\ISO 2022 IR 87")).rstrip(b" ") == H_3_1

"""Specific Character Set: the examples of PS3.5 H to K, the rules of PS3.3 C.12.1.1.2, and what the wild makes of
them.
"""

from __future__ import annotations

import pickle

import pytest

import kerma
from kerma.dataset.lint import lint
from kerma.errors import FormatError, ValueEncodeError
from kerma.limits import Strictness
from kerma.values import DEFAULT, Charsets, decode, encode

KANJI = b"\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B"
KANJI_ROMAJI = KANJI.replace(b"\x1b(B", b"\x1b(J")

# Examples of the standard: written back to the very bytes that the standard prints.
EXACT: list[tuple[str, str, str, bytes, str]] = [
    ("H.3.1", "\\ISO 2022 IR 87", "PN", b"Yamada^Tarou=" + KANJI, "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    (
        "H.3.2",
        "ISO 2022 IR 13\\ISO 2022 IR 87",
        "PN",
        b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=" + KANJI_ROMAJI,
        "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
    ),
    (
        "I.2",
        "\\ISO 2022 IR 149",
        "PN",
        b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
        "Hong^Gildong=洪^吉洞=홍^길동",
    ),
    (
        "J.1",
        "ISO_IR 192",
        "PN",
        b"Wang^XiaoDong=\xe7\x8e\x8b^\xe5\xb0\x8f\xe6\x9d\xb1=",
        "Wang^XiaoDong=王^小東=",
    ),
    ("J.3", "GB18030", "PN", b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab=", "Wang^XiaoDong=王^小东="),
    (
        "K.1",
        "\\ISO 2022 IR 58",
        "PN",
        b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=",
        "Zhang^XiaoDong=张^小东=",
    ),
    ("Arabic", "ISO_IR 127", "PN", b"\xe2\xc8\xc7\xe6\xea^\xe4\xe6\xd2\xc7\xd1", "قباني^لنزار"),
    ("French", "ISO_IR 100", "PN", b"Buc^J\xe9r\xf4me", "Buc^Jérôme"),
    ("German", "ISO_IR 100", "PN", b"\xc4neas^R\xfcdiger", "Äneas^Rüdiger"),
    ("Greek", "ISO_IR 126", "PN", b"\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2", "Διονυσιος"),
    ("Hebrew", "ISO_IR 138", "PN", b"\xf9\xf8\xe5\xef^\xe3\xe1\xe5\xf8\xe4", "שרון^דבורה"),
    ("Russian", "ISO_IR 144", "PN", b"\xbb\xee\xda\x63\x65\xdc\xd1\x79\x70\xd3", "Люкceмбypг"),
    ("Thai", "ISO_IR 166", "LO", b"\xca\xc7\xd1\xca\xb4\xd5", "สวัสดี"),
    ("Polish", "ISO_IR 101", "LO", b"\xa3\xf3d\xbc", "Łódź"),
    ("Maltese", "ISO_IR 109", "LO", b"\xb1\xe5", "ħċ"),
    ("Latvian", "ISO_IR 110", "LO", b"R\xefga", "Rīga"),
    ("Turkish", "ISO_IR 148", "LO", b"\xddstanbul\xfe", "İstanbulş"),
    ("Euro", "ISO_IR 203", "LO", b"5 \xa4", "5 €"),
    ("Katakana", "ISO_IR 13", "LO", b"\xd4\xcf\xc0\xde", "ﾔﾏﾀﾞ"),
]


@pytest.mark.parametrize(("name", "terms", "vr", "raw", "text"), EXACT, ids=[row[0] for row in EXACT])
def test_examples_both_ways(name: str, terms: str, vr: str, raw: bytes, text: str) -> None:
    charsets = Charsets.of(terms)
    assert charsets.findings == ()
    assert charsets.decode(raw, vr) == text
    assert charsets.decode(memoryview(raw), vr) == text
    assert charsets.encode(text, vr) == raw
    assert charsets.check(raw, vr) == ()


def test_text_with_line_ends() -> None:
    """PS3.5 I.3 and K.3: each line designates anew, Korean at its head, Chinese where it is needed."""
    charsets = Charsets.of(["", "ISO 2022 IR 149"])
    raw = (
        b"\x1b$)CThe first line includes \xb1\xe6\xb5\xbf.\r\n"
        b"\x1b$)CThe second line includes \xb1\xe6\xb5\xbf, too.\r\n"
        b"The third line."
    )
    text = "The first line includes 길동.\r\nThe second line includes 길동, too.\r\nThe third line."
    assert charsets.decode(raw, "LT") == text
    assert charsets.encode(text, "LT") == raw
    assert charsets.encode("Hong 길^Gil 동=^a", "PN") == b"\x1b$)CHong \xb1\xe6^\x1b$)CGil \xb5\xbf=^a"
    # Not at the head where that would cover what another set has written before it.
    mixed = Charsets.of(["ISO 2022 IR 100", "ISO 2022 IR 149", "ISO 2022 IR 87"])
    assert mixed.encode("é 길", "LT") == b"\xe9 \x1b$)C\xb1\xe6\x1b-A"
    assert mixed.decode(mixed.encode("é 길é やま", "LT"), "LT") == "é 길é やま"
    chinese = Charsets.of(["", "ISO 2022 IR 58"])
    raw = b"1.\x1b$)A\xb5\xda\xd2\xbb\xd0\xd0\r\n2.\x1b$)A\xb5\xda\xb6\xfe\xd0\xd0\r\n"
    assert chinese.decode(raw, "LT") == "1.第一行\r\n2.第二行\r\n"
    assert chinese.encode("1.第一行\r\n2.第二行\r\n", "LT") == raw


def test_delimiters_inside_two_byte_characters() -> None:
    """A pair of JIS X 0208 or GBK may hold 5C, 5E or 3D; it divides nothing (PS3.5 6.1.2.3)."""
    japanese = Charsets.of(["", "ISO 2022 IR 87"])
    for character in "上悟召粗":  # 3E 65, 38 67, 3E 24, 41 46 and the like
        code = character.encode("iso2022_jp")
        assert japanese.decode(code, "PN") == character
    # 0x5C, 0x5E and 0x3D as halves of pairs
    text = "".join(bytes([0xA1 + 0x1B, half | 0x80]).decode("euc_jp") for half in (0x5C, 0x5E, 0x3D))
    raw = japanese.encode(f"{text}^{text}", "PN")
    assert b"\\" in raw
    assert decode("PN", raw, charsets=japanese) == f"{text}^{text}"
    chinese = Charsets.of(["GBK"])
    assert decode("LO", b"\x81\\\\\x81\\ ", charsets=chinese) == ("乗", "乗")


def test_initial_sets_return_at_delimiters() -> None:
    """PS3.5 6.1.2.5.3: the sets of value 1 are in use again after delimiters and control characters."""
    charsets = Charsets.of(["ISO 2022 IR 100", "ISO 2022 IR 144"])
    raw = b"\xe9\x1b-L\xe9\\\xe9"
    assert charsets.decode(raw, "LO") == "éщ\\é"
    assert charsets.decode(raw, "LT") == "éщ\\щ"
    assert charsets.decode(b"\x1b-L\xe9^\xe9=\xe9", "PN") == "щ^é=é"
    assert charsets.decode(b"\x1b-L\xe9^\xe9", "LO") == "щ^щ"
    assert charsets.decode(b"\x1b-L\xe9\n\xe9", "LT") == "щ\né"
    assert charsets.decode(b"\x1b-L\xe9\t\xe9", "ST") == "щ\té"
    # And the writer returns before them.
    assert charsets.encode("щ^é", "PN") == b"\x1b-L\xe9\x1b-A^\xe9"
    assert charsets.encode("щé", "LO") == b"\x1b-L\xe9\x1b-A\xe9"


def test_line_end_inside_two_byte_set() -> None:
    """A writer that forgets to return to ASCII before a line end."""
    charsets = Charsets.of(["", "ISO 2022 IR 87"])
    assert charsets.decode(b"\x1b$B;3ED\r\nok", "LT") == "山田\r\nok"


def test_first_set_of_the_list_is_taken() -> None:
    greek_first = Charsets.of(["", "ISO 2022 IR 126", "ISO 2022 IR 87"])
    assert greek_first.encode("α", "LO") == b"\x1b-F\xe1"
    kanji_first = Charsets.of(["", "ISO 2022 IR 87", "ISO 2022 IR 126"])
    assert kanji_first.encode("α", "LO") == b"\x1b$B&A\x1b(B"
    # The set in use goes on where it has the character.
    assert greek_first.encode("山α", "LO") == b"\x1b$B;3&A\x1b(B"


def test_supplementary_kanji() -> None:
    charsets = Charsets.of(["", "ISO 2022 IR 87", "ISO 2022 IR 159"])
    raw = charsets.encode("山丂", "LO")
    assert raw == b"\x1b$B;3\x1b$(D0!\x1b(B"
    assert charsets.decode(raw, "LO") == "山丂"


def test_yen_and_overline_of_romaji() -> None:
    """ISO-IR 14 has a yen sign at 5C, an overline at 7E; where 5C divides values it is the backslash (PS3.5 6.1.3)."""
    charsets = Charsets.of(["ISO_IR 13"])
    assert charsets.decode(b"a\\~", "LT") == "a¥‾"
    assert charsets.encode("a¥‾", "LT") == b"a\\~"
    assert decode("LO", b"a\\b ", charsets=charsets) == ("a", "b")
    assert encode("LO", ("a", "b"), charsets=charsets) == b"a\\b "
    for text, vr in (("¥", "LO"), ("~", "LO"), ("\\", "LT")):
        with pytest.raises(ValueEncodeError):
            charsets.encode(text, vr)


MISSPELT = [
    ("ISO_IR_100", "ISO_IR 100"),
    ("ISO IR 100", "ISO_IR 100"),
    ("ISO-IR 100", "ISO_IR 100"),
    ("ISO_IR100", "ISO_IR 100"),
    ("iso_ir 100", "ISO_IR 100"),
    ("ISO8859-1", "ISO_IR 100"),
    ("ISO-8859-5", "ISO_IR 144"),
    ("Latin1", "ISO_IR 100"),
    ("utf8", "ISO_IR 192"),
    ("UTF-8", "ISO_IR 192"),
    ("ISO 2022 IR 192", "ISO_IR 192"),
    ("GB 18030", "GB18030"),
    ("gbk", "GBK"),
    ("ISO_IR 58", "ISO 2022 IR 58"),
    ("ISO_2022_IR_6\\ISO-2022-IR-87", "ISO 2022 IR 6\\ISO 2022 IR 87"),
    ("ISO 2022-IR 6\\ISO_IR 144", "ISO 2022 IR 6\\ISO 2022 IR 144"),
    ("\\ISO 2022 87", "\\ISO 2022 IR 87"),
    ("\\ISO_IR 2022 IR 149", "\\ISO 2022 IR 149"),
    ("\\ISO2022IR58", "\\ISO 2022 IR 58"),
    ("\\ISO 2022 IR 165", "\\ISO 2022 IR 58"),
    ("ISO_IR 013", "ISO_IR 13"),
    ("IR 192", "ISO_IR 192"),
    ("ISO 10646-1", "ISO_IR 192"),
    ("GB18030-2000", "GB18030"),
    ("cp936", "GBK"),
    ("windows-1252", "ISO_IR 100"),
    ("ISO 8859-15:1999", "ISO_IR 203"),
    ("TIS-620", "ISO_IR 166"),
    ("Shift_JIS", "ISO_IR 13"),
    ("ks_c_5601-1987", "ISO 2022 IR 149"),
]


@pytest.mark.parametrize(("given", "meant"), MISSPELT)
def test_misspelt_terms(given: str, meant: str) -> None:
    charsets = Charsets.of(given)
    assert any(finding.code == "charset-term" for finding in charsets.findings)
    assert all(finding.section.startswith("PS3.") for finding in charsets.findings)
    right = Charsets.of(meant)
    assert not any(finding.code == "charset-term" for finding in right.findings)
    every = bytes(range(0x20, 0x100))
    assert charsets.decode(every, "LT") == right.decode(every, "LT")


@pytest.mark.parametrize(
    "given", ["", " ", "ISO 2022 IR 6", "ISO_IR 6", "ISO_IR 6 ", "ASCII", "nonsense", "ISO_IR 999", "\0"]
)
def test_default_repertoire(given: str) -> None:
    """No value, the default by name, and terms that nobody knows."""
    charsets = Charsets.of([given])
    assert charsets.decode(b"abc", "LO") == "abc"
    assert charsets.decode(b"J\xe9", "LO") == "Jé"
    assert charsets.check(b"J\xe9", "LO")[0].code == "charset-undeclared"
    with pytest.raises(ValueEncodeError):
        charsets.encode("é", "LO")
    codes = [finding.code for finding in charsets.findings]
    if given in {"nonsense", "ISO_IR 999"}:
        assert codes == ["charset-unknown"]
    elif given.strip() in {"ISO_IR 6", "ASCII"}:
        assert codes == ["charset-term"]
    else:
        assert codes == []


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ("ISO_IR 192\\ISO 2022 IR 87", "charset-alone"),
        ("GB18030\\GBK", "charset-alone"),
        ("ISO 2022 IR 100\\ISO_IR 192", "charset-alone"),
        ("ISO 2022 IR 87", "charset-first"),
        ("ISO 2022 IR 149\\ISO 2022 IR 100", "charset-first"),
    ],
)
def test_misplaced_terms(terms: str, code: str) -> None:
    assert code in [finding.code for finding in Charsets.of(terms).findings]


def test_multi_byte_set_without_its_escape() -> None:
    """What some writers leave out: the only upper set that was declared is meant."""
    korean = "\ud64d\uae38\ub3d9"
    raw = korean.encode("euc_kr")
    assert Charsets.of("\\ISO 2022 IR 149").decode(raw, "PN") == korean
    assert Charsets.of("ISO 2022 IR 149").decode(raw, "PN") == korean
    assert Charsets.of("ISO 2022 IR 58").decode("张".encode("gb2312"), "PN") == "张"


def test_a_set_of_several_bytes_is_announced_even_where_it_is_said_to_be_the_first() -> None:
    assert Charsets.of("ISO 2022 IR 149").encode("길동", "PN") == b"\x1b$)C\xb1\xe6\xb5\xbf"
    assert Charsets.of("ISO 2022 IR 58").encode("张", "LO") == b"\x1b$)A\xd5\xc5"
    assert Charsets.of("ISO 2022 IR 87").encode("山", "LO") == b"\x1b$B;3\x1b(B"


# Each defined term of PS3.3 tables C.12-2 to C.12-5, a text that needs it, and its bytes.
DEFINED: list[tuple[str, str, bytes]] = [
    ("ISO_IR 100", "é", b"\xe9"),
    ("ISO_IR 101", "ł", b"\xb3"),
    ("ISO_IR 109", "ħ", b"\xb1"),
    ("ISO_IR 110", "ą", b"\xb1"),
    ("ISO_IR 144", "щ", b"\xe9"),
    ("ISO_IR 127", "ب", b"\xc8"),
    ("ISO_IR 126", "α", b"\xe1"),
    ("ISO_IR 138", "ש", b"\xf9"),
    ("ISO_IR 148", "ğ", b"\xf0"),
    ("ISO_IR 203", "œ", b"\xbd"),
    ("ISO_IR 13", "ﾔ", b"\xd4"),
    ("ISO_IR 166", "ส", b"\xca"),
    ("ISO 2022 IR 6", "a", b"a"),
    ("ISO 2022 IR 100", "é", b"\xe9"),
    ("ISO 2022 IR 101", "ł", b"\xb3"),
    ("ISO 2022 IR 109", "ħ", b"\xb1"),
    ("ISO 2022 IR 110", "ą", b"\xb1"),
    ("ISO 2022 IR 144", "щ", b"\xe9"),
    ("ISO 2022 IR 127", "ب", b"\xc8"),
    ("ISO 2022 IR 126", "α", b"\xe1"),
    ("ISO 2022 IR 138", "ש", b"\xf9"),
    ("ISO 2022 IR 148", "ğ", b"\xf0"),
    ("ISO 2022 IR 203", "œ", b"\xbd"),
    ("ISO 2022 IR 13", "ﾔ", b"\xd4"),
    ("ISO 2022 IR 166", "ส", b"\xca"),
    ("\\ISO 2022 IR 100", "é", b"\x1b-A\xe9"),
    ("\\ISO 2022 IR 101", "ł", b"\x1b-B\xb3"),
    ("\\ISO 2022 IR 109", "ħ", b"\x1b-C\xb1"),
    ("\\ISO 2022 IR 110", "ą", b"\x1b-D\xb1"),
    ("\\ISO 2022 IR 144", "щ", b"\x1b-L\xe9"),
    ("\\ISO 2022 IR 127", "ب", b"\x1b-G\xc8"),
    ("\\ISO 2022 IR 126", "α", b"\x1b-F\xe1"),
    ("\\ISO 2022 IR 138", "ש", b"\x1b-H\xf9"),
    ("\\ISO 2022 IR 148", "ğ", b"\x1b-M\xf0"),
    ("\\ISO 2022 IR 203", "œ", b"\x1b-b\xbd"),
    ("\\ISO 2022 IR 13", "ﾔ", b"\x1b)I\xd4"),
    ("\\ISO 2022 IR 13", "‾", b"\x1b(J~\x1b(B"),
    ("\\ISO 2022 IR 166", "ส", b"\x1b-T\xca"),
    ("\\ISO 2022 IR 87", "山", b"\x1b$B;3\x1b(B"),
    ("\\ISO 2022 IR 159", "丂", b"\x1b$(D0!\x1b(B"),
    ("\\ISO 2022 IR 149", "길", b"\x1b$)C\xb1\xe6"),
    ("\\ISO 2022 IR 58", "张", b"\x1b$)A\xd5\xc5"),
    ("ISO_IR 192", "🩻", b"\xf0\x9f\xa9\xbb"),
    ("GB18030", "𠀀", b"\x95\x32\x82\x36"),
    ("GBK", "张", b"\xd5\xc5"),
]


@pytest.mark.parametrize("vr", ["SH", "LO", "ST", "LT", "UC", "UT", "PN"])
@pytest.mark.parametrize(("terms", "text", "raw"), DEFINED, ids=[f"{row[0]}-{row[1]}" for row in DEFINED])
def test_every_defined_term_in_every_vr(terms: str, text: str, raw: bytes, vr: str) -> None:
    charsets = Charsets.of(terms)
    assert charsets.findings == ()
    assert charsets.encode(text, vr) == raw
    assert charsets.decode(raw, vr) == text
    assert charsets.check(raw, vr) == ()
    # Twice, with what resets the sets between: both are written alike, and read alike.
    between = {"PN": ["^", "=", "\\"], "SH": ["\\"], "LO": ["\\"], "UC": ["\\"]}.get(vr, ["\r\n", "\f", "\t"])
    for mark in between:
        assert charsets.encode(text + mark + text, vr) == raw + mark.encode() + raw
        assert charsets.decode(raw + mark.encode() + raw, vr) == text + mark + text


@pytest.mark.parametrize("vr", ["AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI", "UR"])
def test_other_vrs_have_the_default_repertoire_whatever_is_declared(vr: str) -> None:
    """PS3.5 6.1.2.2 lists the VRs that Specific Character Set is for."""
    with pytest.raises(ValueEncodeError):
        encode(vr, "é", charsets=Charsets.of("ISO_IR 192"))
    if vr not in {"DS", "IS"}:
        assert decode(vr, b"\xc3\xa9", charsets=Charsets.of("ISO_IR 192")) == "Ã©"


def test_larger_sets_under_a_smaller_name() -> None:
    assert Charsets.of("\\ISO 2022 IR 58").decode(b"\x1b$)A" + "镕".encode("gbk"), "LO") == "镕"
    assert Charsets.of("\\ISO 2022 IR 149").decode(b"\x1b$)C" + "똠".encode("cp949"), "LO") == "똠"
    assert Charsets.of("GBK").decode("\U00020000".encode("gb18030"), "LO") == "\U00020000"
    assert Charsets.of("ISO_IR 13").decode("山田".encode("cp932"), "LO") == "山田"


def test_escape_of_an_undeclared_set_is_followed_and_reported() -> None:
    charsets = Charsets.of("ISO_IR 100")
    raw = b"\x1b$B;3\x1b(B"
    assert charsets.decode(raw, "LO") == "山"
    assert [finding.code for finding in charsets.check(raw, "LO")] == ["charset-escape"]
    assert DEFAULT.decode(b"\x1b$@;3\x1b(B", "LO") == "山"
    assert DEFAULT.decode(b"\x1b$(B;3\x1b(B", "LO") == "山"


def test_bytes_that_are_no_characters() -> None:
    utf8 = Charsets.of("ISO_IR 192")
    assert utf8.decode(b"M\xfcller", "PN") == "M\ufffdller"
    assert [finding.code for finding in utf8.check(b"M\xfcller", "PN")] == ["charset-bytes"]
    greek = Charsets.of("ISO_IR 126")
    assert greek.decode(b"a\xffb", "LO") == "a\ufffdb"
    with pytest.raises(ValueEncodeError):
        greek.encode("a\ufffdb", "LO")
    japanese = Charsets.of("\\ISO 2022 IR 87")
    assert japanese.decode(b"\x1b$B;\x1b(Bx", "LO") == "\ufffdx"
    assert japanese.decode(b"\x1b$B)!;3\x1b(B", "LO") == "\ufffd山"
    assert japanese.decode(b"\x1b", "LO") == "\x1b"
    assert japanese.decode(b"\x1b$B;3 ED", "LO") == "山 田"


def test_encode_refuses_and_says_what_to_do() -> None:
    with pytest.raises(ValueEncodeError, match="ISO_IR 192"):
        Charsets.of("ISO_IR 100").encode("山", "LO")
    with pytest.raises(ValueEncodeError, match="ESC"):
        Charsets.of("ISO_IR 100").encode("a\x1bb", "LO")
    with pytest.raises(ValueEncodeError):
        Charsets.of("ISO_IR 192").encode("\ud800", "LO")


def test_of_is_cached_and_comparable() -> None:
    assert Charsets.of(["ISO_IR 100"]) is Charsets.of("ISO_IR 100")
    assert Charsets.of(None) is DEFAULT
    assert Charsets.of([]) == DEFAULT
    assert hash(Charsets.of([])) == hash(DEFAULT)
    assert Charsets.of("ISO_IR 100") != Charsets.of("ISO_IR 101")
    assert pickle.loads(pickle.dumps(Charsets.of("ISO_IR 100"))) == Charsets.of("ISO_IR 100")
    huge = ["x" * 600]
    assert Charsets.of(huge) is not Charsets.of(huge)
    assert len(Charsets.of(huge).findings[0].text) < 200
    assert repr(Charsets.of("GBK")) == "Charsets.of(('GBK',))"


MISSPELT_FILE = [
    ("ISO-IR 100", "charset-term"),
    ("ISO_IR 999", "charset-unknown"),
    ("ISO_IR 192\\ISO 2022 IR 100", "charset-alone"),
]


@pytest.mark.parametrize(("term", "code"), MISSPELT_FILE)
def test_a_data_set_tells_of_its_terms(term: str, code: str) -> None:
    raw = b"\x08\0\x05\0CS" + bytes([len(term) + len(term) % 2, 0]) + term.encode().ljust(len(term) + len(term) % 2)
    raw += b"\x10\0\x10\0PN\x04\0Doe "
    ds = kerma.Dataset.from_bytes(raw, "1.2.840.10008.1.2.1")
    assert ds.PatientName == "Doe"
    assert ds.PatientName == "Doe"
    assert [(one.code, one.offset, one.path) for one in ds.findings] == [(code, 0, (0x00080005,))]
    assert [one.code for one in lint(ds)] == [code]
    assert [one.code for one in lint(ds)] == [code]
    with pytest.raises(FormatError, match=r"defined term|unknown term|stands alone"):
        kerma.Dataset.from_bytes(raw, "1.2.840.10008.1.2.1", strictness=Strictness.STRICT)
    again = kerma.Dataset.from_bytes(ds.to_bytes(), "1.2.840.10008.1.2.1")
    assert again.SpecificCharacterSet == (term if "\\" not in term else tuple(term.split("\\")))


def test_an_item_tells_of_its_terms() -> None:
    item = kerma.Dataset()
    item.SpecificCharacterSet, item.PatientName = "ISO-IR 100", "Doe"
    ds = kerma.Dataset()
    ds.ReferencedPatientSequence = [item]
    again = kerma.Dataset.from_bytes(ds.to_bytes(), "1.2.840.10008.1.2.1")
    assert [(one.code, one.path) for one in lint(again)] == [("charset-term", (0x00081120, 0, 0x00080005))]

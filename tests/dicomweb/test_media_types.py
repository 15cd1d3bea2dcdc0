"""Which representation an asker gets (PS3.18 8.7.3, 8.7.4)."""

from __future__ import annotations

import pytest

from kerma.dicomweb.media_types import (
    BROWSER,
    NATIVE,
    SYNTAXES,
    Category,
    Representation,
    choose,
    media_type_of,
    parse_accept,
)
from kerma.dicomweb.problems import HTTPProblem
from kerma.standard import transfer_syntaxes

ROOT = "1.2.840.10008.1.2"
IMPLICIT, EXPLICIT, BIG = ROOT, f"{ROOT}.1", f"{ROOT}.2"
JPEG, LOSSLESS, JLS, J2K, HT, JXL, MP4 = (f"{ROOT}.4.{n}" for n in ("50", "70", "80", "90", "201", "110", "102"))
IMAGE = frozenset({IMPLICIT, EXPLICIT, JLS, J2K, LOSSLESS, HT})
"""What most images can become."""


def frames(accept: str | None, stored: str, transcodable: frozenset[str] = IMAGE) -> tuple[str, str, bool, bool]:
    found = choose(parse_accept(accept), stored, Category.FRAMES, transcodable)
    assert found.transfer_syntax_uid is not None
    return found.media_type, found.transfer_syntax_uid, found.multipart, found.transcode


OHIF = "multipart/related; type=application/octet-stream; transfer-syntax=*"
OCTETS = "application/octet-stream"


@pytest.mark.parametrize("accept", [OHIF, None, "*/*", "multipart/related", "application/*"])
def test_frames_as_stored(accept: str | None) -> None:
    assert frames(accept, JPEG) == ("image/jpeg", JPEG, True, False)
    assert frames(accept, HT) == ("image/jphc", HT, True, False)
    assert frames(accept, f"{ROOT}.5") == ("image/dicom-rle", f"{ROOT}.5", True, False)
    assert frames(accept, BIG) == (OCTETS, BIG, True, False)
    for stored in NATIVE:
        assert frames(accept, stored) == (OCTETS, EXPLICIT, True, False)


@pytest.mark.parametrize("accept", [OHIF, None, "*/*"])
def test_no_wildcard_gets_what_browsers_cannot_decode(accept: str | None) -> None:
    for uid in (JXL, f"{ROOT}.4.92", f"{ROOT}.4.52"):
        assert frames(accept, uid) == (OCTETS, EXPLICIT, True, True)
    assert frames(accept, MP4, frozenset()) == ("video/mp4", MP4, True, False)


def test_who_names_jpeg_xl_gets_it() -> None:
    for accept in ("image/jxl", f"image/jxl; transfer-syntax={JXL}", "image/jxl;transfer-syntax=*"):
        assert frames(accept, JXL) == ("image/jxl", JXL, False, False)
    assert frames(f"{OCTETS}; transfer-syntax={JXL}", JXL) == ("image/jxl", JXL, False, False)


def test_octet_stream_without_a_syntax_is_samples() -> None:
    assert frames(OCTETS, JPEG) == (OCTETS, EXPLICIT, False, True)
    assert frames(OCTETS, IMPLICIT) == (OCTETS, EXPLICIT, False, False)
    assert frames(OCTETS, BIG) == (OCTETS, EXPLICIT, False, True)
    assert frames(f"{OCTETS}; transfer-syntax={IMPLICIT}", EXPLICIT) == (OCTETS, EXPLICIT, False, False)


def test_what_is_stored_wins_over_weights_and_order() -> None:
    assert frames("image/jls, image/jpeg;q=0.1", JPEG)[1] == JPEG
    assert frames("image/jls;q=0.5, image/jp2", JPEG)[1] == J2K
    assert frames("image/jls, image/jp2", JPEG)[1] == JLS


def test_types_with_and_without_a_syntax() -> None:
    assert frames("image/jpeg", JPEG) == ("image/jpeg", JPEG, False, False)
    assert frames("image/jpeg", EXPLICIT) == ("image/jpeg", LOSSLESS, False, True)
    assert frames(f"image/jpeg; transfer-syntax={LOSSLESS}", JPEG)[1] == LOSSLESS
    assert frames("image/jph", HT) == ("image/jph", HT, False, False)
    assert frames("image/x-jls", JLS) == ("image/x-jls", JLS, False, False)
    assert frames("image/*", JPEG) == ("image/jpeg", JPEG, False, False)
    assert frames("image/*", EXPLICIT) == ("image/jls", JLS, False, True)
    assert frames("video/h265", f"{ROOT}.4.107")[0] == "video/H265"


def test_the_eight_of_the_microscopy_viewer() -> None:
    wanted = [("image/jpeg", JPEG), ("image/jpeg", LOSSLESS), ("image/jls", JLS), ("image/jp2", J2K)]
    accept = ", ".join(f'multipart/related; type="{name}"; transfer-syntax={uid}' for name, uid in wanted)
    for name, uid in wanted:
        assert frames(accept, uid) == (name, uid, True, False)
    assert frames(accept, EXPLICIT) == ("image/jpeg", LOSSLESS, True, True)


@pytest.mark.parametrize(
    "accept",
    ["text/html", "image/png", f"image/jpeg; transfer-syntax={J2K}", "*/*;q=0", f"{OCTETS};transfer-syntax=1.2"],
)
def test_not_acceptable_says_what_is_offered(accept: str) -> None:
    with pytest.raises(HTTPProblem) as caught:
        frames(accept, JPEG)
    assert caught.value.status == 406
    assert "image/jpeg" in str(caught.value)
    assert OCTETS in str(caught.value)


def test_a_weight_of_nought_excludes() -> None:
    assert frames("image/jpeg;q=0, */*", LOSSLESS) == (OCTETS, EXPLICIT, True, True)
    assert frames(f"image/jpeg; transfer-syntax={LOSSLESS};q=0, */*", JPEG)[1] == JPEG
    with pytest.raises(HTTPProblem):
        frames("image/jpeg;q=0, */*", LOSSLESS, frozenset())
    assert frames("*/*, image/jls;q=0", JPEG)[1] == JPEG


def test_a_weight_of_nought_for_all() -> None:
    with pytest.raises(HTTPProblem):
        choose(parse_accept("application/dicom;q=0, */*"), EXPLICIT, Category.DICOM)


TYPE = "multipart/related; type=application/dicom"


@pytest.mark.parametrize(
    ("accept", "stored", "given", "transcode"),
    [
        (None, JPEG, JPEG, False),
        ("*/*", IMPLICIT, IMPLICIT, False),
        ('multipart/related; type="application/dicom"; transfer-syntax=*', JXL, JXL, False),
        ('multipart/related; type="application/dicom"', EXPLICIT, EXPLICIT, False),
        ('multipart/related; type="application/dicom"', JPEG, JPEG, False),
        ('multipart/related; type="application/dicom"', JLS, EXPLICIT, True),
        ('multipart/related; type="application/dicom"', BIG, EXPLICIT, True),
        ('multipart/related; type="application/dicom"', IMPLICIT, EXPLICIT, True),
        (f'multipart/related; type="application/dicom"; transfer-syntax="{JPEG}"', JPEG, JPEG, False),
        (f"multipart/related; type=application/dicom; transfer-syntax={JLS}", JPEG, JLS, True),
        (f"{TYPE}, {TYPE}; transfer-syntax=*", JPEG, JPEG, False),
    ],
)
def test_instances(accept: str | None, stored: str, given: str, transcode: bool) -> None:
    found = choose(parse_accept(accept), stored, Category.DICOM, IMAGE)
    assert found == Representation("application/dicom", given, True, transcode)


def test_instances_that_cannot_become_the_default() -> None:
    found = choose(parse_accept("application/dicom"), MP4, Category.DICOM, frozenset())
    assert found == Representation("application/dicom", MP4)
    assert found.content_type == f"application/dicom; transfer-syntax={MP4}"
    with pytest.raises(HTTPProblem):
        choose(parse_accept(f"application/dicom; transfer-syntax={EXPLICIT}"), MP4, Category.DICOM, frozenset())


def test_several_parts_are_a_multipart() -> None:
    ranges = parse_accept("application/dicom; transfer-syntax=*")
    assert not choose(ranges, EXPLICIT, Category.DICOM).multipart
    assert choose(ranges, EXPLICIT, Category.DICOM, single=False).multipart


def answer(accept: str | None, category: Category = Category.METADATA, **more: object) -> tuple[str, bool]:
    found = choose(parse_accept(accept), None, category, **more)  # type: ignore[arg-type]
    return found.media_type, found.multipart


def test_metadata() -> None:
    json, xml = "application/dicom+json", "application/dicom+xml"
    merged = f"{json}, {OHIF}"
    for accept in (
        None,
        "*/*",
        json,
        merged,
        "application/*",
        "text/html,application/xml;q=0.9,*/*;q=0.8",
        f"{xml};q=.1, */*",
    ):
        assert answer(accept, single=False) == (json, False)
    assert answer(f"multipart/related; type={json}", single=False) == (json, True)
    assert answer("multipart/related") == (json, False)
    assert answer("application/json") == ("application/json", False)
    assert answer(f'multipart/related; type="{xml}"') == (xml, True)
    assert answer(xml) == (xml, False)
    assert answer(xml, single=False) == (xml, True)
    assert answer("text/xml") == ("text/xml", False)
    assert answer(f"{json};q=0, */*", single=False) == (xml, True)


def test_rendered_and_documents() -> None:
    assert answer("image/*,*/*", Category.RENDERED) == ("image/jpeg", False)
    assert answer("image/png, image/jpeg", Category.RENDERED) == ("image/png", False)
    assert answer("image/gif;q=0.5, image/png;q=0.1", Category.RENDERED) == ("image/gif", False)
    assert answer(None, Category.RENDERED, offered=("video/mp4",)) == ("video/mp4", False)
    assert answer("application/pdf", Category.TEXT) == ("application/pdf", False)
    assert answer("*/*", Category.TEXT) == ("text/html", False)
    with pytest.raises(HTTPProblem, match="image/jpeg, image/png, image/gif"):
        answer("text/plain", Category.RENDERED)


def test_bulk_data() -> None:
    both = 'multipart/related; type="application/pdf", multipart/related; type="application/octet-stream"'
    pdf = ("application/pdf", OCTETS)
    assert answer(both, Category.BULK, offered=pdf) == ("application/pdf", True)
    assert answer(both, Category.BULK) == (OCTETS, True)
    assert answer(OCTETS, Category.BULK) == (OCTETS, False)
    assert answer("*/*", Category.BULK, offered=pdf) == ("application/pdf", False)
    assert choose((), BIG, Category.BULK) == Representation(OCTETS, EXPLICIT, False, True)
    assert choose((), JPEG, Category.BULK) == Representation(OCTETS, EXPLICIT, False, False)


def test_the_tables_name_known_syntaxes() -> None:
    assert {media_type_of(uid) for uids in SYNTAXES.values() for uid in uids} <= set(SYNTAXES)
    for uid in {uid for uids in SYNTAXES.values() for uid in uids} | BROWSER | NATIVE:
        assert transfer_syntaxes.get(uid) is not None, uid
    assert media_type_of(HT) == "image/jphc"
    assert media_type_of(LOSSLESS) == "image/jpeg"
    assert media_type_of(f"{ROOT}.5") == "image/dicom-rle"

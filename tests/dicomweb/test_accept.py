"""Accept and Content-Type as clients send them (PS3.18 8.7, 8.3.3.1; RFC 9110 12.5.1)."""

from __future__ import annotations

import time

import pytest

from kerma.dicomweb import accept
from kerma.dicomweb.accept import MediaType, Range, parse, parse_accept
from kerma.dicomweb.problems import HTTPProblem


def said(text: str) -> list[tuple[str, str | None, bool]]:
    return [(one.type, one.transfer_syntax, one.multipart) for one in parse_accept(text)]


OCTETS = ("application/octet-stream", "*", True)


@pytest.mark.parametrize(
    "header",
    [
        "multipart/related; type=application/octet-stream; transfer-syntax=*",
        'multipart/related; type="application/octet-stream"; transfer-syntax="*"',
        'Multipart/Related;TYPE="application/octet-stream";Transfer-Syntax=*',
        "multipart/related;transfer-syntax=*;type=application/octet-stream",
        "multipart/related; type=application/octet-stream; transfer-syntax=*; transfer-syntax=*",
        'multipart/related; type="application/octet-stream; transfer-syntax=*"',
        ", ,multipart/related; type=application/octet-stream; transfer-syntax=*; ,",
        'multipart/related; type="application/octet-stream"; transfer-syntax=*; boundary=abc; start="x"',
        'multipart/related; type="application/octet-stream; transfer-syntax=*',
    ],
)
def test_one_wish_in_many_spellings(header: str) -> None:
    assert said(header) == [OCTETS]


def test_headers_merged_by_a_browser() -> None:
    text = (
        "application/dicom+json, multipart/related; type=application/octet-stream; transfer-syntax=*; transfer-syntax=*"
    )
    assert said(text) == [("application/dicom+json", None, False), OCTETS]


def test_eight_of_the_microscopy_viewer() -> None:
    uids = ("50", "57", "70", "80", "81", "90", "91", "201")
    text = ", ".join(f'multipart/related; type="image/x{n}"; transfer-syntax=1.2.840.10008.1.2.4.{n}' for n in uids)
    assert said(text) == [(f"image/x{n}", f"1.2.840.10008.1.2.4.{n}", True) for n in uids]


def test_nothing_takes_anything() -> None:
    assert parse_accept(None) == parse_accept("") == parse_accept("  ") == ()
    assert said("*/*") == [("*/*", None, False)]
    assert said("multipart/related") == [("*/*", None, True)]


def test_weights() -> None:
    ranges = parse_accept("text/html, image/gif, image/jpeg, *; q=.2, */*; q=0, a/b;q=5, a/c;q=-1, a/d;q=x, a/e;q=nan")
    assert [one.q for one in ranges] == [1, 1, 1, 0.2, 0, 1, 0, 1, 1]
    assert ranges[3].type == "*/*"
    assert "q" not in ranges[4].params


def test_what_is_no_media_type_is_passed_over() -> None:
    assert said("nonsense, */json, image/jpeg, a b/c, /x, x/, ä/b") == [("image/jpeg", None, False)]
    with pytest.raises(HTTPProblem) as caught:
        parse_accept("nonsense, more nonsense")
    assert caught.value.status == 400
    assert "nonsense" not in str(caught.value)


def test_the_accept_of_the_url_wins() -> None:
    header = 'multipart/related; type="application/octet-stream"'
    assert parse_accept(header, "image/jpeg") == (Range("image/jpeg"),)
    assert parse_accept(header, "application/dicom json") == (Range("application/dicom+json"),)
    assert parse_accept(header, " ")[0].multipart
    assert parse_accept(header, None)[0].multipart


def test_the_transfer_syntax_of_the_url() -> None:
    assert parse_accept(None, None, "1.2.3")[0] == Range("*/*", {"transfer-syntax": "1.2.3"})
    ranges = parse_accept("application/dicom, a/b; transfer-syntax=1.2", None, "1.2.3")
    assert [one.transfer_syntax for one in ranges] == ["1.2.3", "1.2"]
    assert parse_accept("a/b", None, "1" * 65)[0].transfer_syntax is None


def test_charset() -> None:
    assert parse_accept("application/dicom+json; charset=UTF-8")[0].charset == "UTF-8"


def test_coverage_and_specificity() -> None:
    text = "*/*, image/*, image/jpeg, image/jpeg; transfer-syntax=*, image/jpeg; transfer-syntax=1.2"
    ranges = parse_accept(text)
    assert [one.specificity for one in ranges] == [0, 1, 2, 2, 3]
    assert all(one.covers("image/jpeg") for one in ranges)
    assert [one.covers("image/png") for one in ranges[:3]] == [True, True, False]
    assert not ranges[1].covers("application/dicom")


@pytest.mark.parametrize(
    "header",
    [
        ",".join(["a/b"] * 10_000),
        "a/b;" * 10_000,
        "a/b" + ";x=y" * 100,
        'a/b;x="' + "\\" * accept.MAX_HEADER,
        "x" * 1_000_000,
        "a/b, " * (accept.MAX_RANGES + 1),
    ],
)
def test_hostile_headers_are_refused_at_once(header: str) -> None:
    begun = time.process_time()
    with pytest.raises(HTTPProblem) as caught:
        parse_accept(header)
    assert caught.value.status == 400
    with pytest.raises(HTTPProblem):
        parse_accept(None, header)
    assert time.process_time() - begun < 1


def test_content_type() -> None:
    media = parse('multipart/related; type="application/dicom"; boundary="a,b;c\\"d"')
    assert media.type == "multipart/related"
    assert media.inner == "application/dicom"
    assert media.params["boundary"] == 'a,b;c"d'
    assert parse(str(media)) == media
    assert parse("Application/DICOM; transfer-syntax=1.2").transfer_syntax == "1.2"
    assert str(MediaType("a/b", {"x": "", "y": "z"})) == 'a/b; x=""; y=z'
    assert parse("application/dicom+xml").inner == "application/dicom+xml"


@pytest.mark.parametrize("text", [None, "", " ", "dicom", "*/*", "image/*", ";boundary=x", "a/b" + "c" * 20_000])
def test_what_is_no_content_type(text: str | None) -> None:
    with pytest.raises(HTTPProblem) as caught:
        parse(text)
    assert caught.value.status == 400

"""Properties of DICOMweb's headers, bodies and paths: decode of encode is the identity, and cuts never change it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kerma.dicomweb import uris
from kerma.dicomweb.accept import MAX_HEADER, MediaType, parse, parse_accept
from kerma.dicomweb.media_types import BROWSER, NATIVE, SYNTAXES, Category, choose
from kerma.dicomweb.multipart import Data, End, Parser, Part, PartEnd, Writer
from kerma.dicomweb.problems import HTTPProblem
from kerma.dicomweb.uris import Kind, Resource

TOKEN = "abcdefghijklmnopqrstuvwxyz0123456789.+-"
tokens = st.text(TOKEN, min_size=1, max_size=12)
values = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=20)
names = tokens.filter(lambda name: name != "q")
media_types = st.builds(
    lambda main, sub, params: MediaType(f"{main}/{sub}", params),
    tokens,
    tokens,
    st.dictionaries(names, values, max_size=5),
)
boundaries = st.text("abcXYZ019'()+_,-./:=?", min_size=1, max_size=70)
uids = st.lists(st.integers(0, 99_999), min_size=1, max_size=8).map(lambda arcs: ".".join(map(str, arcs)))
syntaxes = st.sampled_from(sorted({uid for found in SYNTAXES.values() for uid in found} | BROWSER | NATIVE))


@given(media_types)
def test_a_media_type_is_read_as_it_is_written(media: MediaType) -> None:
    assert parse(str(media)) == media


@given(st.lists(media_types, min_size=1, max_size=8))
def test_an_accept_header_is_read_as_it_is_written(wanted: list[MediaType]) -> None:
    found = parse_accept(", ".join(map(str, wanted)))
    assert [(one.type, dict(one.params)) for one in found] == [(one.type, dict(one.params)) for one in wanted]


@given(media_types.filter(lambda media: "type" not in media.params), st.booleans())
def test_multipart_is_unwrapped(media: MediaType, quoted: bool) -> None:
    inner = f'"{media.type}"' if quoted else media.type
    params = {name: value for name, value in media.params.items() if name not in ("boundary", "start")}
    text = str(MediaType("multipart/related", params)).replace("related", f"related; type={inner}", 1)
    (found,) = parse_accept(text)
    assert (found.type, dict(found.params), found.multipart) == (media.type, params, True)


@given(st.text(max_size=MAX_HEADER + 100), syntaxes, st.sampled_from(Category), st.booleans())
def test_any_header_gets_an_answer_or_a_refusal(text: str, stored: str, category: Category, single: bool) -> None:
    try:
        given = choose(parse_accept(text), stored, category, single=single)
    except HTTPProblem as error:
        status = error.status
    else:
        status = 200
        assert given.content_type
    assert status in (200, 400, 406)


@given(syntaxes, st.sampled_from([Category.DICOM, Category.FRAMES]), st.booleans())
def test_the_stored_syntax_by_name_is_never_transcoded(stored: str, category: Category, multipart: bool) -> None:
    inner = "application/dicom" if category is Category.DICOM else "application/octet-stream"
    accept = f'multipart/related; type="{inner}"' if multipart else inner
    given = choose(parse_accept(f"{accept}; transfer-syntax={stored}"), stored, category)
    assert not given.transcode
    assert given.multipart == multipart


bodies = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from(["X-A", "Content-Location", "Content-ID"]), tokens, max_size=3),
        st.lists(st.sampled_from([b"\r\n", b"--", b"-", b"abc", b"\r", b"\n", b" ", b"X"]) | st.binary(max_size=9)).map(
            b"".join
        ),
    ),
    max_size=5,
)


@given(boundaries, bodies, st.binary(max_size=20), st.data())
def test_a_body_is_read_as_it_is_written(
    boundary: str, parts: list[tuple[dict[str, str], bytes]], epilogue: bytes, data: st.DataObject
) -> None:
    parts = [(headers, part) for headers, part in parts if b"\r\n--" + boundary.encode() not in b"\r\n" + part]
    writer = Writer(boundary)
    body = b"".join(writer.part("a/b", headers=headers) + part for headers, part in parts) + writer.end() + epilogue
    parser = Parser(boundary)
    found: list[tuple[dict[str, str], bytes]] = []
    ends = 0
    while body:
        size = data.draw(st.integers(1, max(1, min(len(body), 80))))
        for event in parser.feed(body[:size]):
            match event:
                case Part():
                    found.append((dict(event.headers), b""))
                case Data():
                    found[-1] = found[-1][0], found[-1][1] + event.data
                case PartEnd() | End():
                    ends += 1
        body = body[size:]
    parser.close()
    expected = [
        ({"content-type": "a/b"} | {name.lower(): value for name, value in headers.items()}, part)
        for headers, part in parts
    ]
    assert found == expected
    assert ends == len(parts) + 1


resources = st.builds(
    lambda kind, found: Resource(kind, **{name: value for name, value in found.items() if "{" + name in kind.template}),
    st.sampled_from(Kind),
    st.fixed_dictionaries(
        {
            "study": uids,
            "series": uids,
            "instance": uids,
            "workitem": uids,
            "transaction": uids,
            "mpps": uids,
            "frames": st.lists(st.integers(1, (1 << 31) - 1), min_size=1, max_size=20, unique=True).map(tuple),
            "bulk": st.from_regex(r"\A[0-9A-F]{8}(/[0-9]{1,3}/[0-9A-F]{8}){0,3}\Z"),
            "aet": st.text("ABCxyz019 _/%?#&.;", min_size=1, max_size=16).map(str.strip).filter(bool),
        }
    ),
)


@given(resources)
def test_a_path_is_parsed_as_it_is_built(resource: Resource) -> None:
    assert uris.parse(resource.path()) == resource

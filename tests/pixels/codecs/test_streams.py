"""The streams that are written say of themselves what the standard wants, and options are checked."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest

from kerma.errors import PixelError, UnsupportedSyntaxError, UsageError
from kerma.formats.building.codestreams import read_head
from kerma.pixels.codecs import CODECS, encoder_of, jpegxl
from kerma.pixels.targets import TARGETS, compressed_layout
from kerma.standard import transfer_syntaxes

from .expected import ROOT, Case
from .test_round_trips import decode, encode


def segments(stream: bytes) -> dict[int, bytes]:
    """The marker segments of a JPEG or JPEG 2000 stream up to its first scan or tile."""
    found: dict[int, bytes] = {}
    pos = 2
    while True:
        marker, length = struct.unpack_from(">HH", stream, pos)
        if marker == 0xFF90:
            return found
        found[marker] = stream[pos + 4 : pos + 2 + length]
        if marker == 0xFFDA:
            return found
        pos += 2 + length


HEADS = [
    ("4.50", Case(8, 8), 8, False),
    ("4.51", Case(8, 8, photometric="RGB"), 8, False),
    ("4.51", Case(16, 12), 12, False),
    ("4.57", Case(16, 12, True), 12, False),
    ("4.70", Case(16, 16), 16, False),
    ("4.80", Case(16, 12, True), 16, False),
    ("4.90", Case(16, 12, True), 12, True),
    ("4.91", Case(16, 10), 10, False),
    ("4.201", Case(16, 12), 12, False),
    ("4.202", Case(16, 12, True), 12, True),
    ("4.202", Case(32, 20), 20, False),
    ("4.203", Case(8, 7), 7, False),
]


@pytest.mark.parametrize(("number", "case", "bits", "signed"), HEADS)
def test_a_stream_says_its_syntax_bits_and_sign(number: str, case: Case, bits: int, signed: bool) -> None:
    stream, layout = encode(ROOT + number, case, case.smooth(40, 50))
    head = read_head(stream)
    assert head is not None
    said = {"4.202": "4.201", "4.57": "4.70"}.get(number, number)  # each of these is one of those
    assert head.transfer_syntax_uid == ROOT + said
    assert (head.rows, head.columns, head.samples) == (40, 50, layout.samples)
    assert (head.bits, head.signed) == (bits, signed)


@pytest.mark.parametrize(
    ("number", "said"), [("4.90", "YBR_RCT"), ("4.91", "YBR_ICT"), ("4.201", "YBR_RCT"), ("4.203", "YBR_ICT")]
)
def test_colour_transforms_are_used_and_said(number: str, said: str) -> None:
    case = Case(8, 8, photometric="RGB")
    stream, layout = encode(ROOT + number, case, case.smooth(40, 50))
    head = read_head(stream)
    assert head is not None
    assert head.photometric == layout.photometric == said


@pytest.mark.parametrize("size", [(1, 1), (64, 64), (300, 500), (2500, 65), (40, 3000)])
@pytest.mark.parametrize("number", ["4.201", "4.202", "4.203"])
def test_htj2k_has_the_rpcl_options(number: str, size: tuple[int, int]) -> None:
    """PS3.5 10.18: order RPCL, a smallest resolution of 64 at most, the lengths of tile parts."""
    stream, _ = encode(ROOT + number, Case(16, 12), Case(16, 12).smooth(*size))
    found = segments(stream)
    style = found[0xFF52]
    levels = style[5]
    assert style[1] == 2
    assert max(-(-side // (1 << levels)) for side in size) <= 64
    lengths = found[0xFF55]
    assert (len(lengths) - 2) // 6 == levels + 1
    parts = [struct.unpack_from(">HI", lengths, 2 + 6 * number) for number in range(levels + 1)]
    main = stream.index(b"\xff\x90\x00\x0a")
    for _, length in parts:
        assert stream[main : main + 4] == b"\xff\x90\x00\x0a"
        main += length
    assert stream[main : main + 2] == b"\xff\xd9"


def test_rpcl_refuses_too_few_levels() -> None:
    case = Case(8, 8)
    with pytest.raises(PixelError, match=r"PS3\.5 10\.18"):
        encode(f"{ROOT}4.202", case, case.smooth(300, 300), levels=2)
    encode(f"{ROOT}4.201", case, case.smooth(300, 300), levels=2)


def test_jpeg_ls_begins_with_its_frame() -> None:
    for number in ("4.80", "4.81"):
        stream, _ = encode(ROOT + number, Case(8, 8), Case(8, 8).smooth(20, 24))
        assert stream[:4] == b"\xff\xd8\xff\xf7"


def test_lossless_colour_names_no_transform() -> None:
    rgb, _ = encode(f"{ROOT}4.70", Case(8, 8, photometric="RGB"), Case(8, 8, photometric="RGB").smooth(20, 24))
    assert segments(rgb)[0xFFC3][6::3] == b"RGB"
    ybr, _ = encode(f"{ROOT}4.70", Case(8, 8, photometric="YBR_FULL"), Case(8, 8, photometric="RGB").smooth(20, 24))
    found = segments(ybr)
    assert found[0xFFC3][6::3] == b"\1\2\3"
    assert found[0xFFDA][1:6:2] == b"\1\2\3"
    assert not {0xFFE0, 0xFFEE} & set(found)


@pytest.mark.parametrize(("subsampling", "factors"), [("444", 0x11), ("422", 0x21), ("420", 0x22)])
def test_chroma_of_jpeg_is_sampled_as_asked(subsampling: str, factors: int) -> None:
    case = Case(8, 8, photometric="RGB")
    stream, _ = encode(f"{ROOT}4.50", case, case.smooth(33, 47), subsampling=subsampling)
    frame = segments(stream)[0xFFC0]
    assert [frame[7], frame[10], frame[13]] == [factors, 0x11, 0x11]


@pytest.mark.parametrize("predictor", range(1, 8))
def test_predictors_of_lossless_jpeg(predictor: int) -> None:
    case = Case(16, 12)
    stream, layout = encode(f"{ROOT}4.57", case, case.smooth(33, 47), predictor=predictor)
    assert segments(stream)[0xFFDA][3] == predictor
    assert np.array_equal(decode(stream, layout).samples, case.smooth(33, 47))


@pytest.mark.parametrize("predictor", [5, 6, 7])
def test_predictors_that_decoders_disagree_on_are_refused(predictor: int) -> None:
    """With differences of 16 bits libjpeg-turbo's streams come back right from itself and wrong from others."""
    case = Case(16, 16)
    with pytest.raises(PixelError, match=f"predictor {predictor}"):
        encode(f"{ROOT}4.57", case, case.smooth(33, 47), predictor=predictor)


def test_rle_segments_are_even_and_rows_stand_alone() -> None:
    """PS3.5 G.3.1, G.5: no run goes over the end of a row."""
    case = Case(16, 16, photometric="RGB")
    stream, _ = encode(f"{ROOT}5", case, np.zeros((5, 33, 3), "u2"))
    count, *offsets = struct.unpack_from("<16I", stream)
    assert count == 6
    assert all(offset % 2 == 0 for offset in offsets)
    assert stream[offsets[0] : offsets[1]] == b"\xe0\0" * 5
    assert len(stream) % 2 == 0


def test_a_jpeg_comes_back_from_jpeg_xl_bit_by_bit() -> None:
    case = Case(8, 8, photometric="RGB")
    stream, _ = encode(f"{ROOT}4.50", case, case.smooth(120, 160))
    packed = jpegxl.repacked(stream)
    assert len(packed) < len(stream)
    assert jpegxl.unpacked(packed) == stream
    alone, _ = encode(f"{ROOT}4.110", case, case.smooth(20, 24))
    with pytest.raises(PixelError, match="holds no JPEG"):
        jpegxl.unpacked(alone)


@pytest.mark.parametrize("uid", [uid for uid, row in CODECS.items() if row.writes])
def test_options_are_those_of_the_table(uid: str) -> None:
    case = Case(8, 8)
    layout = compressed_layout(case.layout(20, 24), case.photometric, uid)
    samples = case.smooth(20, 24)
    values = {
        "subsampling": "444",
        "quality": 50,
        "effort": 3,
        "predictor": 4,
        "near": 3,
        "levels": 2,
        "rate": 5,
        "distance": 2.0,
    }
    for name, value in values.items():
        if name in CODECS[uid].options:
            assert encoder_of(uid)(samples, layout, {name: value})
            with pytest.raises(UsageError, match=name):
                encoder_of(uid)(samples, layout, {name: -1})
            with pytest.raises(UsageError, match=name):
                encoder_of(uid)(samples, layout, {name: "much"})
        else:
            with pytest.raises(UsageError, match=f"no option {name}"):
                encoder_of(uid)(samples, layout, {name: value})


@pytest.mark.parametrize("uid", [uid for uid, row in CODECS.items() if row.writes])
def test_samples_that_do_not_fit_are_refused(uid: str) -> None:
    case = Case(16, 12) if uid != f"{ROOT}4.50" else Case(8, 7)
    layout = compressed_layout(case.layout(20, 24), case.photometric, uid)
    too_large = np.full((20, 24), 1 << layout.bits_stored, "u2")
    with pytest.raises(PixelError, match="bits stored"):
        encoder_of(uid)(too_large, layout, {})
    with pytest.raises(PixelError, match="of shape"):
        encoder_of(uid)(case.smooth(20, 23), layout, {})
    with pytest.raises(PixelError, match="whole numbers"):
        encoder_of(uid)(np.zeros((20, 24)), layout, {})


def test_what_nothing_writes_is_named() -> None:
    for uid, row in transfer_syntaxes.ALL.items():
        if not row.encapsulated or (uid in CODECS and CODECS[uid].writes):
            continue
        with pytest.raises(UnsupportedSyntaxError) as caught:
            encoder_of(uid)
        assert row.name in str(caught.value)


def test_the_table_of_targets_and_that_of_codecs_agree() -> None:
    assert set(TARGETS) == {uid for uid, row in CODECS.items() if row.writes}


@pytest.mark.parametrize("number", ["50", "51", "57", "70", "80"])
@pytest.mark.parametrize("behind", [b"\0" * 100, b"\xff\xd8\xff\xd9", b"more\xff\xd9"])
def test_a_stream_ends_at_its_first_eoi(number: str, behind: bytes) -> None:
    case = Case(8, 8) if number == "50" else Case(16, 12)
    stream = encode(f"{ROOT}4.{number}", case, case.smooth(40, 40))[0]
    end = stream.rindex(b"\xff\xd9") + 2
    head = read_head(stream[:end] + behind)
    assert head is not None
    assert head.end == end


def test_tables_between_two_scans_may_hold_what_looks_like_an_eoi() -> None:
    pillow = pytest.importorskip("PIL.Image")
    out = io.BytesIO()
    image = pillow.fromarray(np.arange(64 * 64 * 3, dtype=np.uint8).reshape(64, 64, 3))
    image.save(out, "JPEG", progressive=True)
    stream = out.getvalue()
    at = stream.index(b"\xff\xda", stream.index(b"\xff\xda") + 2)  # the second scan
    comment = b"\xff\xfe\x00\x06\xff\xd9\xff\xd9"
    head = read_head(stream[:at] + comment + stream[at:] + b"behind")
    assert head is not None
    assert head.end == len(stream) + len(comment)


def test_a_lossy_stream_of_fewer_bits_than_the_data_set_says_is_told() -> None:
    eight, deep = Case(8, 8), Case(16, 12)
    stream = encode(f"{ROOT}4.51", eight, eight.smooth(40, 40))[0]
    layout = compressed_layout(deep.layout(40, 40), "MONOCHROME2", f"{ROOT}4.51")
    decode(stream, layout)
    decode(stream, layout)
    assert [finding.code for finding in layout.findings] == ["fewer-bits-in-stream"]
    whole = encode(f"{ROOT}4.51", deep, deep.smooth(40, 40))[0]
    other = compressed_layout(deep.layout(40, 40), "MONOCHROME2", f"{ROOT}4.51")
    decode(whole, other)
    assert not other.findings

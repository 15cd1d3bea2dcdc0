"""Video: frames by number from every container, MP4 without encoding anew, and streams that are broken."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import cache
from typing import Any

import av
import numpy as np
import pytest
from tests.pixels.images import image, read_back, with_frames

import kerma
from kerma.errors import KermaError, PixelError, UnsupportedSyntaxError
from kerma.pixels import codecs
from kerma.pixels.codecs.video import video

from .expected import ROOT, Array

NAMES = {"mpeg2video": "mpeg2video", "libx264": "h264", "libx265": "hevc"}
COUNT, ROWS, COLUMNS = 30, 48, 64
KINDS = [
    ("mpeg2video", "mpeg2video", f"{ROOT}4.100"),
    ("mpeg2video", "mpegts", f"{ROOT}4.101"),
    ("libx264", "mpegts", f"{ROOT}4.102"),
    ("libx264", "mp4", f"{ROOT}4.103"),
    ("libx264", "h264", f"{ROOT}4.104"),
    ("libx265", "mp4", f"{ROOT}4.107"),
    ("libx265", "hevc", f"{ROOT}4.107"),
]
IDS = [f"{codec}-{form}" for codec, form, _ in KINDS]


def picture(number: int) -> Array:
    """Frame ``number``: grey that grows, and a white bar that moves."""
    found = np.full((ROWS, COLUMNS, 3), number * 6, "u1")
    found[:, number * 2 : number * 2 + 4] = 255
    return found


@cache
def stream_of(codec: str, form: str) -> bytes:
    """Such a stream, key frames every ten frames and others in between that refer forwards and backwards."""
    out = io.BytesIO()
    options = {"libx265": {"x265-params": "log-level=none"}, "libx264": {"sc_threshold": "0"}}
    with av.open(out, "w", format=form) as container:
        stream: Any = container.add_stream(codec, rate=25, options=options.get(codec, {}))
        stream.width, stream.height, stream.pix_fmt = COLUMNS, ROWS, "yuv420p"
        stream.codec_context.gop_size, stream.codec_context.bit_rate = 10, 2_000_000
        for number in range(COUNT):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(number), format="rgb24")))
        container.mux(stream.encode())
    return out.getvalue()


def of(data: bytes, uid: str, *, frames: int = COUNT, parts: int = 1, rows: int = ROWS) -> Any:
    ds = image(rows, COLUMNS, frames=frames, samples=3, allocated=8, photometric="YBR_PARTIAL_420", uid=uid)
    size = -(-len(data) // parts)
    size += size % 2
    return with_frames(ds, [data[at : at + size] for at in range(0, len(data), size)])


def is_frame(found: Array, number: int) -> bool:
    """Whether this is that frame: nearer to it than to any other."""
    errors = [np.abs(found.astype(int) - picture(each)).mean() for each in range(COUNT)]
    return int(np.argmin(errors)) == number and min(errors) < 20


@pytest.mark.parametrize(("codec", "form", "uid"), KINDS, ids=IDS)
@pytest.mark.parametrize("parts", [1, 3, 60])
def test_frames_by_number(codec: str, form: str, uid: str, parts: int) -> None:
    ds = read_back(of(stream_of(codec, form), uid, parts=parts))
    for number in (17, 3, 4, 29, 0, 10, 9):
        found = kerma.pixels.frame(ds, number)
        assert found.shape == (ROWS, COLUMNS, 3)
        assert is_frame(found, number), number


@pytest.mark.parametrize(("codec", "form", "uid"), KINDS, ids=IDS)
def test_all_frames(codec: str, form: str, uid: str) -> None:
    ds = of(stream_of(codec, form), uid)
    found = kerma.pixels.array(ds)
    assert found.shape == (COUNT, ROWS, COLUMNS, 3)
    assert all(is_frame(each, number) for number, each in enumerate(found))
    assert all(is_frame(each, number) for number, each in enumerate(kerma.pixels.frames(ds)))
    luma = kerma.pixels.frame(ds, 5, rgb=False)[..., 0]
    assert 16 <= luma.min() <= luma.max() <= 240


def test_a_frame_is_decoded_from_its_key_frame_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frame 25 costs what is between it and the key frame before it, and the next one costs one."""
    stream = video(read_back(of(stream_of("libx264", "mp4"), f"{ROOT}4.103")))
    began: list[int] = []
    decoded = stream._decoded

    def noted(first: int) -> Iterator[Any]:
        began.append(first)
        return decoded(first)

    monkeypatch.setattr(stream, "_decoded", noted)
    assert is_frame(stream.frame(25).samples, 25)
    assert is_frame(stream.frame(26).samples, 26)
    assert began == [20]
    assert is_frame(stream.frame(3).samples, 3)
    assert began == [20, 0]


@pytest.mark.parametrize(("codec", "form", "uid"), KINDS, ids=IDS)
def test_mp4_without_encoding_anew(codec: str, form: str, uid: str) -> None:
    stream = video(read_back(of(stream_of(codec, form), uid, parts=3)))
    out = io.BytesIO()
    if form in {"h264", "hevc"}:
        with pytest.raises(PixelError, match="no times"):
            stream.save_mp4(out)
        return
    stream.save_mp4(out)
    container: Any
    with av.open(io.BytesIO(out.getvalue()), "r", format="mp4") as container:
        assert container.streams.video[0].codec_context.name == NAMES[codec]
        pictures = [each.to_ndarray(format="rgb24") for each in container.decode(video=0)]
    assert len(pictures) == COUNT
    assert all(is_frame(each, number) for number, each in enumerate(pictures))


def test_the_stream_is_kept_as_it_is() -> None:
    data = stream_of("libx264", "mp4")
    ds = read_back(of(data, f"{ROOT}4.103", parts=7))
    with video(ds).file() as file:
        assert file.read().rstrip(b"\0") == data.rstrip(b"\0")
        file.seek(100)
        assert file.read(50) == data[100:150]


def test_what_is_wrong_is_said() -> None:
    data = stream_of("libx264", "mp4")
    uid = f"{ROOT}4.103"
    with pytest.raises(PixelError, match="the video has 30 frames of 40, in frame 30"):
        kerma.pixels.frame(of(data, uid, frames=40), 30)
    with pytest.raises(PixelError, match="the video is 64 x 48, the data set says 64 x 50"):
        kerma.pixels.frame(of(data, uid, rows=50), 0)
    with pytest.raises(PixelError, match="no video stream that is known"):
        kerma.pixels.frame(of(b"#EXTM3U\nhttp://example.org/\n" * 20, uid), 0)
    with pytest.raises(PixelError, match="no video but"):
        video(with_frames(image(4, 4, uid=f"{ROOT}4.50", allocated=8), [b"\xff\xd8"]))


@pytest.mark.parametrize(("codec", "form", "uid"), KINDS, ids=IDS)
def test_broken_video_is_our_error(codec: str, form: str, uid: str) -> None:
    data = stream_of(codec, form)
    random = np.random.default_rng(3)
    spoiled = [data[: len(data) // part] for part in (2, 3, 10, 50)]
    for _ in range(12):
        changed = bytearray(data)
        for place in random.integers(0, len(changed), 12):
            changed[place] = random.integers(0, 256)
        spoiled.append(bytes(changed))
    for each in spoiled:
        ds = of(each, uid)
        for number in (25, 2):
            try:
                found = kerma.pixels.frame(ds, number)
            except PixelError:
                continue
            assert found.shape == (ROWS, COLUMNS, 3)


def test_a_package_that_is_absent_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> Any:
        raise KermaError("films need PyAV, which is not installed", hint="pip install 'kerma[video]'")

    monkeypatch.setattr(codecs.video, "av", absent)
    with pytest.raises(UnsupportedSyntaxError, match=r"MPEG.*av.*kerma\[video\]"):
        kerma.pixels.frame(of(stream_of("libx264", "mp4"), f"{ROOT}4.103"), 0)

"""Pictures and films as files, read by the libraries that others read them with; terminals, read by our own eyes."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from kerma.dataset import Dataset
from kerma.errors import KermaError, UsageError
from kerma.pixels import extras, save_film, save_picture, terminal
from kerma.pixels.pictures import encoded, frame_milliseconds
from kerma.pixels.shapes import scaled

Array = NDArray[Any]
GREY = (np.arange(30 * 41) % 251).astype("u1").reshape(30, 41)
COLOUR = np.stack([GREY, GREY.T.reshape(30, 41), 255 - GREY], axis=-1)


@pytest.mark.parametrize("picture", [GREY, COLOUR], ids=["grey", "colour"])
@pytest.mark.parametrize("suffix", [".png", ".PNG", ".tif", ".bmp", ".webp", ".jpg", ".gif"])
def test_pictures_are_read_by_others(tmp_path: Path, picture: Array, suffix: str) -> None:
    target = tmp_path / f"a{suffix}"
    save_picture(picture, target, quality=100)
    with Image.open(target) as found:
        assert found.size == (41, 30)
        read = np.asarray(found.convert("L" if picture.ndim == 2 else "RGB")).astype(int)
    if suffix in {".jpg", ".gif"}:
        assert np.abs(read - picture).mean() < 12
    else:
        assert np.array_equal(read, picture)
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


def test_what_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.png, \.jpg"):
        save_picture(GREY, tmp_path / "a.xyz")
    with pytest.raises(UsageError, match="only GIF"):
        save_film([GREY], tmp_path / "a.png")
    with pytest.raises(UsageError, match="no frames"):
        save_film([], tmp_path / "a.gif")
    with pytest.raises(UsageError, match="quality"):
        save_picture(GREY, tmp_path / "a.jpg", quality=0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".mp4"])
def test_a_film_that_breaks_off_leaves_what_was_there(tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"a{suffix}"
    target.write_bytes(b"before")

    def frames() -> Any:
        yield GREY
        raise KermaError("the second frame is broken")

    with pytest.raises(KermaError, match="second frame"):
        save_film(frames(), target)
    assert target.read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_moving_pictures(tmp_path: Path, suffix: str) -> None:
    frames = [np.full((8, 10), 40 * number, "u1") for number in range(5)]
    save_film(iter(frames), tmp_path / f"a{suffix}", milliseconds=40, quality=100)
    with Image.open(tmp_path / f"a{suffix}") as found:
        assert found.n_frames == 5
        for number in range(5):
            found.seek(number)
            assert int(np.asarray(found.convert("L"))[4, 5]) == 40 * number
        assert found.info["duration"] == 40


@pytest.mark.parametrize("shape", [(30, 41), (64, 64, 3)])
def test_mp4(tmp_path: Path, shape: tuple[int, ...]) -> None:
    frames = [np.full(shape, 40 * number, "u1") for number in range(5)]
    save_film(iter(frames), tmp_path / "a.mp4", milliseconds=40)
    with av.open(str(tmp_path / "a.mp4")) as film:
        stream = film.streams.video[0]
        assert (stream.width % 2, stream.height % 2) == (0, 0)
        assert stream.average_rate == 25
        read = [frame.to_ndarray(format="rgb24") for frame in film.decode(stream)]
    assert len(read) == 5
    for number, frame in enumerate(read):
        assert np.abs(frame.astype(int) - 40 * number).max() <= 4
    with pytest.raises(UsageError, match="one size"):
        save_film([GREY, GREY[:20]], tmp_path / "b.mp4")


def test_how_long_a_frame_is_seen() -> None:
    for values, wanted in (
        ({}, 100.0),
        ({"FrameTime": "33.3"}, 33.3),
        ({"FrameTime": "0", "CineRate": "25"}, 40.0),
        ({"FrameTimeVector": ["0", "20", "40"]}, 30.0),
        ({"RecommendedDisplayFrameRate": "50"}, 20.0),
        ({"CineRate": "0"}, 100.0),
    ):
        ds: Any = Dataset()
        ds.update(values.items())
        assert frame_milliseconds(ds) == pytest.approx(wanted)


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr("kerma.pixels.extras.importlib.import_module", absent)
    with pytest.raises(KermaError, match=r"pip install 'kerma\[pixels\]'"):
        encoded(GREY)
    with pytest.raises(KermaError, match=r"pip install 'kerma\[video\]'"):
        extras.av()


# -- terminals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "answer", "wanted"),
    [
        ({"TERM": "xterm-kitty"}, "", "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, "", "kitty"),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/x"}, "", "blocks"),
        ({"TERM": "xterm"}, "\x1b[?62;4;22c", "sixel"),
        ({"TERM": "xterm"}, "\x1b[?64;1;22c", "blocks"),
        ({"TERM": "xterm"}, "\x1b[?4c", "blocks"),  # a class of terminals, not the extension
        ({}, "", "blocks"),
    ],
)
def test_what_a_terminal_can(environ: dict[str, str], answer: str, wanted: str) -> None:
    assert terminal.way_of(environ, answer) == wanted


def test_colours_of_a_terminal() -> None:
    assert terminal.has_all_colours({"COLORTERM": "truecolor"})
    assert not terminal.has_all_colours({"TERM": "xterm-256color"})


def test_half_blocks_are_two_pixels_each() -> None:
    picture = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [9, 9, 9]]], "u1")
    (line,) = terminal.lines(picture, 2, 1, colours=True)
    assert line == ("\x1b[38;2;255;0;0m\x1b[48;2;0;0;255m\u2580\x1b[38;2;0;255;0m\x1b[48;2;9;9;9m\u2580\x1b[0m")
    (line,) = terminal.lines(picture, 2, 1, colours=False)
    assert re.findall(r"[34]8;5;(\d+)m", line) == ["196", "21", "46", "232"]


@pytest.mark.parametrize("shape", [(10, 1000), (1000, 10), (64, 64), (1, 1)])
def test_a_picture_stays_in_its_room(shape: tuple[int, int]) -> None:
    lines = list(terminal.lines(np.zeros(shape, "u1"), 80, 24))
    assert 1 <= len(lines) <= 24
    assert all(1 <= line.count("\u2580") <= 80 for line in lines)


def test_kitty_sends_a_png_in_pieces() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (100, 120)).astype("u1")
    (text,) = terminal.lines(noise, 80, 24, way="kitty")
    parts = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", text)
    assert parts[0][0].startswith("a=T,f=100,")
    assert [head[-3:] for head, _ in parts] == ["m=1"] * (len(parts) - 1) + ["m=0"]
    assert all(len(piece) <= 4096 for _, piece in parts)
    with Image.open(io.BytesIO(base64.b64decode("".join(piece for _, piece in parts)))) as found:
        assert np.array_equal(np.asarray(found), noise)


@pytest.mark.parametrize("picture", [GREY, COLOUR], ids=["grey", "colour"])
def test_sixels_are_what_was_drawn(picture: Array) -> None:
    (text,) = terminal.lines(picture, 8, 4, way="sixel", cell=(6, 6))
    drawn = unsixel(text)
    assert drawn.shape[0] % 6 == 0
    wanted = scaled(picture, drawn.shape[0], drawn.shape[1])
    wanted = wanted if wanted.ndim == 3 else np.repeat(wanted[:, :, None], 3, axis=2)
    assert np.abs(drawn.astype(int) - wanted).mean() < 12
    assert (drawn >= 0).all()


def unsixel(text: str) -> Array:
    """The picture that sixel text draws, -1 where nothing was drawn: as the VT340's manual says."""
    found = re.fullmatch(r'\x1bP0;1;0q"1;1;(\d+);(\d+)(.*)\x1b\\', text, re.DOTALL)
    assert found is not None
    columns, rows = int(found[1]), int(found[2])
    out = np.full((rows, columns, 3), -1, "i4")
    palette: dict[int, list[int]] = {}
    colour, x, y = 0, 0, 0
    for token in re.findall(r"#\d+(?:;2;\d+;\d+;\d+)?|!\d+[?-~]|[?-~]|\$|-", found[3]):
        if token[0] == "#":
            numbers = [int(part) for part in token[1:].split(";")]
            colour = numbers[0]
            if len(numbers) == 5:
                palette[colour] = [round(part * 2.55) for part in numbers[2:]]
        elif token == "$":
            x = 0
        elif token == "-":
            x, y = 0, y + 6
        else:
            count, bits = (int(token[1:-1]), ord(token[-1]) - 63) if token[0] == "!" else (1, ord(token) - 63)
            for row in range(6):
                if bits >> row & 1:
                    out[y + row, x : x + count] = palette[colour]
            x += count
    return out

"""MPEG-2, H.264 and HEVC: all frames of an image as one stream, in a container or bare (PS3.5 8.2.5 to 8.2.12).

``video(ds)`` gives the stream of a data set: its bytes as a file, one frame or all of them, and the same stream in an
MP4 file without encoding it anew. PyAV reads it (extra ``kerma[video]``). Rules: the stream is read from where it lies,
never into memory as a whole; its container is told by its first bytes, so that a hostile one cannot choose a reader
that opens other files; a frame is decoded from the last key frame before it, one after the other without going back.
"""

from __future__ import annotations

import io
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import numpy as np

from kerma.dataset import Dataset
from kerma.encoding.source import Buffer
from kerma.errors import KermaError, PixelError, UnsupportedSyntaxError
from kerma.pixels.codecs.base import Array, Decoded
from kerma.pixels.extras import av
from kerma.pixels.frame_index import FrameIndex, index
from kerma.pixels.layout import Layout
from kerma.pixels.syntaxes import VIDEO
from kerma.standard import uids

_HEVC = ("1.2.840.10008.1.2.4.107", "1.2.840.10008.1.2.4.108")
_HIGH_DEFINITION = 576
"""Rows above which colour is that of ITU-R BT.709 where the stream does not say it."""
_ITU601, _ITU709 = 5, 1
_UNSPECIFIED = 2


def video(ds: Dataset) -> Video:
    """The video stream of ``ds``. ``PixelError`` where its transfer syntax is none of video."""
    found = index(ds)
    if found.layout.transfer_syntax_uid not in VIDEO:
        raise PixelError(f"the pixel data are no video but {uids.name_of(found.layout.transfer_syntax_uid)}")
    return video_of(found)


_OPEN: weakref.WeakKeyDictionary[FrameIndex, Video] = weakref.WeakKeyDictionary()
_OPEN_LOCK = threading.Lock()


def video_of(found: FrameIndex) -> Video:
    """The video stream behind an index; the same one each time, so that the next frame costs one frame."""
    with _OPEN_LOCK:
        known = _OPEN.get(found)
        if known is None:
            pieces, read = found.whole_stream()
            known = _OPEN[found] = Video(found.layout, pieces, read)
        return known


class StreamFile(io.RawIOBase):
    """Pieces of a source, one behind the other, as a file that can be read and sought."""

    def __init__(self, pieces: list[tuple[int, int]], read: Callable[[int, int], Buffer]) -> None:
        self._pieces = pieces
        self._read = read
        self._ends = np.cumsum([length for _, length in pieces], dtype="i8")
        self._size = int(self._ends[-1]) if pieces else 0
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = min(max(base + offset, 0), self._size)
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        if self._at >= self._size or not len(view):
            return 0
        number = int(np.searchsorted(self._ends, self._at, side="right"))
        offset, length = self._pieces[number]
        inside = self._at - (int(self._ends[number]) - length)
        count = min(len(view), length - inside)
        view[:count] = self._read(offset + inside, count)
        self._at += count
        return count


class Video:
    """One video stream. Frames are counted from 0 in the order in which they are shown. Safe on several threads."""

    def __init__(self, layout: Layout, pieces: list[tuple[int, int]], read: Callable[[int, int], Buffer]) -> None:
        self.layout = layout
        self._pieces = pieces
        self._read = read
        self._lock = threading.Lock()
        self._shown: list[int] | None = None
        self._keys: list[tuple[int, int]] = []
        self._next = 0
        self._running: Iterator[Any] | None = None

    def file(self) -> BinaryIO:
        """The stream's bytes as a file: fragments one behind the other."""
        return io.BufferedReader(StreamFile(self._pieces, self._read), 1 << 16)

    @property
    def container(self) -> str:
        """How the stream is wrapped: mp4, mpegts, mpeg, or bare: mpegvideo, h264, hevc."""
        with self.file() as file:
            head = file.read(377)
        if head[4:8] == b"ftyp":
            return "mp4"
        if head[:1] == b"\x47" and head[188:189] == b"\x47":
            return "mpegts"
        if head.startswith(b"\0\0\1\xba"):
            return "mpeg"
        if head.startswith(b"\0\0\1\xb3"):
            return "mpegvideo"
        if head.startswith((b"\0\0\1", b"\0\0\0\1")):
            return "hevc" if self.layout.transfer_syntax_uid.startswith(_HEVC) else "h264"
        raise PixelError("the pixel data are no video stream that is known: MP4, MPEG-TS, MPEG-PS or a bare one")

    # -- decoding ------------------------------------------------------------------------------------------------------

    def frame(self, number: int, *, rgb: bool = True) -> Decoded:
        """One frame; ``rgb=False`` gives luma and chroma as they are stored, chroma for each pixel."""
        with self._lock:
            try:
                return self._samples(self._seek(number), rgb)
            except UnsupportedSyntaxError:
                raise
            except PixelError as error:
                self._running = None
                raise PixelError(error.message, frame=number, hint=error.hint) from None

    def frames(self, *, rgb: bool = True) -> Iterator[Decoded]:
        """All frames in order, each decoded when it is its turn."""
        for number in range(self.layout.frames):
            yield self.frame(number, rgb=rgb)

    def _seek(self, number: int) -> Any:
        if self._shown is None:
            self._look()
        assert self._shown is not None
        if self._shown and number >= len(self._shown):
            raise PixelError(f"the video has {len(self._shown)} frames of {self.layout.frames}")
        key = self._key_before(number)
        if self._running is None or number < self._next or key[1] > self._next:
            self._running = self._decoded(key[0])
            self._next = key[1]
        for picture in self._running:
            here = self._next
            if self._shown:
                if picture.pts is None or picture.pts < self._shown[self._next]:
                    continue  # shown before the key frame, and not whole without what is before it
                while here < len(self._shown) and self._shown[here] < picture.pts:
                    here += 1
            self._next = here + 1
            if here == number:
                return picture
            if here > number:
                break
        self._running = None
        raise PixelError("the video ends or is broken before it")

    def _key_before(self, number: int) -> tuple[int, int]:
        """(packet, number of the frame that it holds) of the last key frame that is not shown later."""
        best = (0, 0)
        for packet, shown in self._keys:
            if shown <= number and shown >= best[1]:
                best = (packet, shown)
        return best

    def _look(self) -> None:
        """The times at which frames are shown, and the key frames: packets are looked at, not decoded."""
        times: list[int | None] = []
        keys: list[tuple[int, int | None]] = []
        with _Opened(self) as (container, stream):
            for number, packet in enumerate(container.demux(stream)):
                if packet.size:
                    if packet.is_keyframe:
                        keys.append((number, packet.pts))
                    times.append(packet.pts)
        known = [time for time in times if time is not None]
        self._shown = sorted(set(known)) if len(known) == len(times) else []
        place = {time: number for number, time in enumerate(self._shown)}
        self._keys = [(number, place[time]) for number, time in keys if time is not None] if self._shown else []

    def _decoded(self, first: int) -> Iterator[Any]:
        """The pictures from packet number ``first`` on."""
        with _Opened(self) as (container, stream):
            stream.codec_context.thread_count = 1
            for number, packet in enumerate(container.demux(stream)):
                if number >= first:
                    yield from packet.decode()

    def _samples(self, picture: Any, rgb: bool) -> Decoded:
        layout = self.layout
        deep = layout.bits_stored > 8
        if (picture.width, picture.height) != (layout.columns, layout.rows):
            raise PixelError(
                f"the video is {picture.width} x {picture.height}, the data set says {layout.columns} x {layout.rows}"
            )
        if layout.samples == 1:
            found: Array = picture.to_ndarray(format="gray16le" if deep else "gray")
            return Decoded(_down(found, layout), layout.photometric)
        space = int(picture.colorspace)
        if space == _UNSPECIFIED:
            space = _ITU709 if layout.rows > _HIGH_DEFINITION else _ITU601
        if rgb:
            found = picture.reformat(format="rgb48le" if deep else "rgb24", src_colorspace=space).to_ndarray()
            return Decoded(_down(found, layout), "RGB")
        planes = picture.reformat(format="yuv444p16le" if deep else "yuv444p").to_ndarray()
        return Decoded(_down(np.ascontiguousarray(planes.transpose(1, 2, 0)), layout), "YBR_PARTIAL")

    # -- MP4 -----------------------------------------------------------------------------------------------------------

    def save_mp4(self, file: BinaryIO) -> None:
        """Write the stream as MP4, as it is: nothing is decoded. A stream that is MP4 already is copied."""
        if self.container == "mp4":
            with self.file() as source:
                while data := source.read(1 << 20):
                    file.write(data)
            return
        if self._shown is None:
            with self._lock:
                self._look()
        if not self._shown:
            raise PixelError(
                "the video stream says no times, without which no MP4 can be made",
                hint="render it, which encodes it anew",
            )
        package = av()
        with _Opened(self) as (container, stream):
            try:
                with package.open(file, "w", format="mp4") as out:
                    written = out.add_stream_from_template(stream)
                    for packet in container.demux(stream):
                        if packet.size and packet.dts is not None:
                            packet.stream = written
                            out.mux(packet)
            except (package.FFmpegError, ValueError) as error:
                raise PixelError(f"the video cannot be put into MP4: {str(error)[:200]}") from None


class _Opened:
    """The stream opened by PyAV; what its libraries raise inside becomes a ``PixelError``."""

    def __init__(self, video: Video) -> None:
        self._video = video
        try:
            self._package = av()
        except KermaError as error:
            uid = video.layout.transfer_syntax_uid
            raise UnsupportedSyntaxError(
                f"decoding {uids.name_of(uid)} needs the package av, which is not installed", uid=uid, hint=error.hint
            ) from None
        self._container: Any = None

    def __enter__(self) -> tuple[Any, Any]:
        video = self._video
        try:
            self._container = self._package.open(video.file(), format=video.container)
            streams = self._container.streams.video
            if not streams or streams[0].codec_context is None:
                raise PixelError("the stream holds no video that could be decoded")
            wide, high = streams[0].codec_context.width, streams[0].codec_context.height
        except (self._package.FFmpegError, ValueError) as error:
            raise PixelError(f"the video cannot be read: {str(error)[:200]}") from None
        layout = video.layout
        if (wide, high) != (layout.columns, layout.rows):
            raise PixelError(f"the video is {wide} x {high}, the data set says {layout.columns} x {layout.rows}")
        return self._container, streams[0]

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if self._container is not None:
            self._container.close()
        if error is not None and isinstance(error, self._package.FFmpegError):
            raise PixelError(f"the video is broken: {str(error)[:200]}") from None


def _down(samples: Array, layout: Layout) -> Array:
    """Samples of 16 bits as those of Bits Stored."""
    if samples.dtype.itemsize == 1:
        return samples
    shifted: Array = samples >> np.uint16(16 - layout.bits_stored)
    return shifted

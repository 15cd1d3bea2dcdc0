"""Stored video as something to look at: its own bytes where they are what was asked, pictures and films else."""

from __future__ import annotations

import io

import pytest

av = pytest.importorskip("av")

from starlette.testclient import TestClient  # noqa: E402

from kerma.archive import Archive  # noqa: E402
from tests.pixels.codecs.test_video import COUNT, of, stream_of  # noqa: E402


def frames_of(film: bytes) -> tuple[int, tuple[int, int]]:
    with av.open(io.BytesIO(film)) as container:
        found = list(container.decode(video=0))
    return len(found), (found[0].width, found[0].height)


@pytest.mark.parametrize(
    ("codec", "form", "syntax"),
    [("libx264", "mp4", "4.103"), ("libx264", "mpegts", "4.102"), ("mpeg2video", "mpeg2video", "4.100")],
)
def test_a_video_in_every_way(web: TestClient, archive: Archive, codec: str, form: str, syntax: str) -> None:
    data = stream_of(codec, form)
    ds = of(data, f"1.2.840.10008.1.2.{syntax}")
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.77.1.4.1", "1.2.3.1"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.3", "1.2.3.4"
    archive.ingest(ds)
    url = "/dicomweb/studies/1.2.3/series/1.2.3.4/instances/1.2.3.1/"
    film = web.get(url + "rendered")
    assert (film.status_code, film.headers["content-type"]) == (200, "video/mp4")
    assert frames_of(film.content) == (COUNT, (64, 48))
    if form == "mp4":
        assert film.content == data
    small = web.get(url + "rendered?viewport=32,32", headers={"Accept": "video/mp4"})
    assert frames_of(small.content) == (COUNT, (32, 24))
    for what in ("rendered?accept=image/jpeg", "frames/3/rendered", "thumbnail"):
        answer = web.get(url + what)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")

"""Stored video: its stream by ranges, its frames one by one."""

from __future__ import annotations

import numpy as np
import pytest
from starlette.testclient import TestClient

pytest.importorskip("av")

from kerma.archive import Archive
from tests.pixels.codecs.test_video import COLUMNS, ROWS, is_frame, of, stream_of
from tests.web.retrieving import parts_of, url_of

KINDS = [
    ("libx264", "mp4", "1.2.840.10008.1.2.4.103", "video/mp4"),
    ("libx264", "mpegts", "1.2.840.10008.1.2.4.102", "video/mp4"),
    ("mpeg2video", "mpeg2video", "1.2.840.10008.1.2.4.100", "video/mpeg"),
]


@pytest.mark.parametrize(("codec", "form", "syntax", "media_type"), KINDS)
def test_a_video(archive: Archive, web: TestClient, codec: str, form: str, syntax: str, media_type: str) -> None:
    data = stream_of(codec, form)
    ds = of(data, syntax, parts=3)
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.77.1.4.1", "1.2.3.1"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.3", "1.2.3.4"
    url = url_of(archive, archive.ingest(ds).sop_instance_uid)
    for accept in ("*/*", "video/*", media_type, "application/octet-stream"):
        stream = web.get(f"{url}/bulkdata/7FE00010", headers={"Accept": accept})
        assert stream.content[: len(data)] == data
        assert len(stream.content) - len(data) <= 1
        told = accept if accept == "application/octet-stream" else media_type
        assert stream.headers["content-type"] == f"{told}; transfer-syntax={syntax}"
    part = web.get(f"{url}/bulkdata/7FE00010", headers={"Accept": "*/*", "Range": "bytes=1000-1999"})
    assert (part.status_code, part.content) == (206, data[1000:2000])
    assert web.get(f"{url}/frames/1", headers={"Accept": media_type}).content == stream.content
    any_syntax = "multipart/related; type=application/octet-stream; transfer-syntax=*"
    frames = parts_of(web.get(f"{url}/frames/18,4", headers={"Accept": any_syntax}))
    for number, (_, samples) in zip((17, 3), frames, strict=True):
        assert is_frame(np.frombuffer(samples, "u1").reshape(ROWS, COLUMNS, 3), number)
    assert web.get(f"{url}/frames/2", headers={"Accept": "image/jls"}).headers["content-type"].startswith("image/jls")
    assert web.get(f"{url}/frames/31").status_code == 404
    assert len(parts_of(web.get(f"{url}/pixeldata"))) == 1

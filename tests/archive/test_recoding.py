"""Images are kept in the syntax that the configuration names; what it cannot hold is kept as it came."""

from __future__ import annotations

import errno
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kerma
from kerma.archive import Archive
from kerma.archive.config import ArchiveConfig
from kerma.errors import OutOfResourcesError
from kerma.formats.spool import Spool
from kerma.services.providers import StoreOutcome, StoreRequest

from .conftest import CT, EXPLICIT, make_instance, store_bytes

JPEG_LS, BASELINE = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.50"
MODULE: dict[str, Any] = {
    "SamplesPerPixel": 1,
    "PhotometricInterpretation": "MONOCHROME2",
    "BitsAllocated": 16,
    "BitsStored": 16,
    "HighBit": 15,
    "PixelRepresentation": 0,
}


def test_what_comes_is_kept_in_the_syntax_of_the_configuration(tmp_path: Path) -> None:
    with Archive.open(tmp_path / "data", config=ArchiveConfig(store_as=JPEG_LS)) as archive:
        ds = make_instance(1, **MODULE)
        request = StoreRequest(CT, str(ds.SOPInstanceUID), EXPLICIT, calling_aet="ASKER")
        assert store_bytes(archive, ds.to_bytes(), request) is StoreOutcome.STORED
        assert store_bytes(archive, ds.to_bytes(), request) is StoreOutcome.IDENTICAL
        kept = archive.open(str(ds.SOPInstanceUID))
        assert kept.transfer_syntax_uid == JPEG_LS
        assert archive.open_instance(str(ds.SOPInstanceUID)).transfer_syntax_uid == JPEG_LS
        assert np.array_equal(kerma.pixels.array(kept), kerma.pixels.array(ds))
        assert archive.check().clean
        path = tmp_path / "two.dcm"
        kerma.write(make_instance(2, **MODULE), path)
        archive.ingest(path)
        assert archive.open("1.2.3.1.1.2").transfer_syntax_uid == JPEG_LS


def test_what_cannot_be_is_kept_as_it_came(tmp_path: Path) -> None:
    lossy = kerma.pixels.transcode(
        make_instance(3, pixels=1024, **{**MODULE, "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}),
        BASELINE,
        new_uid="1.2.3.1.1.3",
    )
    deep = make_instance(2, pixels=4096, **{**MODULE, "BitsAllocated": 32, "BitsStored": 32, "HighBit": 31})
    with Archive.open(tmp_path / "data", config=ArchiveConfig(store_as=JPEG_LS)) as archive:
        for ds, syntax in ((make_instance(1), EXPLICIT), (deep, EXPLICIT), (lossy, BASELINE)):
            uid = str(ds.SOPInstanceUID)
            data = ds.to_bytes(syntax)
            assert store_bytes(archive, data, StoreRequest(CT, uid, syntax)) is StoreOutcome.STORED
            assert archive.open_instance(uid).transfer_syntax_uid == syntax
            assert archive.file_bytes(uid).endswith(data)


def test_what_an_encoder_spoils_is_kept_as_it_came(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def spoilt(ds: Any, uid: str, **options: Any) -> Any:
        wrong = kerma.read(io.BytesIO(kerma_bytes(ds)))
        samples = bytes(wrong.PixelData or b"")
        wrong.PixelData = bytes([samples[0] ^ 1]) + samples[1:]
        return real(wrong, uid, **options)

    real = kerma.pixels.transcode
    monkeypatch.setattr(kerma.pixels, "transcode", spoilt)
    with Archive.open(tmp_path / "data", config=ArchiveConfig(store_as=JPEG_LS)) as archive:
        data = make_instance(1, **MODULE).to_bytes()
        assert store_bytes(archive, data, StoreRequest(CT, "1.2.3.1.1.1", EXPLICIT)) is StoreOutcome.STORED
        assert archive.open_instance("1.2.3.1.1.1").transfer_syntax_uid == EXPLICIT
        assert archive.file_bytes("1.2.3.1.1.1").endswith(data)


def test_a_full_temporary_disk_is_out_of_resources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(spool: Spool, piece: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Spool, "add", full)
    with Archive.open(tmp_path / "data", config=ArchiveConfig(store_as=JPEG_LS)) as archive:
        data = make_instance(1, **MODULE).to_bytes()
        with pytest.raises(OutOfResourcesError, match="No space left"):
            store_bytes(archive, data, StoreRequest(CT, "1.2.3.1.1.1", EXPLICIT))
        assert archive.stats().instances == 0
        assert archive.check().clean


def kerma_bytes(ds: Any) -> bytes:
    out = io.BytesIO()
    kerma.write(ds, out)
    return out.getvalue()


def test_what_is_broken_is_refused_as_ever(tmp_path: Path) -> None:
    with Archive.open(tmp_path / "data", config=ArchiveConfig(store_as=JPEG_LS)) as archive:
        data = make_instance(1, **MODULE).to_bytes()
        with pytest.raises(kerma.KermaError):
            store_bytes(archive, data[:-100], StoreRequest(CT, "1.2.3.1.1.1", EXPLICIT))
        sink = archive.begin(StoreRequest(CT, "1.2.3.1.1.1", EXPLICIT))
        sink.write([memoryview(data)])
        sink.abort()
        assert archive.stats().instances == 0
        assert not [path for path in (tmp_path / "data" / "incoming").rglob("*") if path.is_file()]

"""Transcoding with real peers: what is refused as it is stored goes in a syntax that is taken, and what we compress is
read by DCMTK, GDCM and pydicom, without a new complaint of dciodvfy.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pynetdicom import AE, evt

import kerma

from . import peers, studies
from .conftest import Start
from .processes import Peer, run
from .scu import DcmtkScu, KermaScu

Program = Callable[[str], str]

ROOT = "1.2.840.10008.1.2."
JPEG_LS, J2K, FIRST_ORDER, PROCESS_14 = f"{ROOT}4.80", f"{ROOT}4.90", f"{ROOT}4.70", f"{ROOT}4.57"
BASELINE, NEAR, J2K_LOSSY = f"{ROOT}4.50", f"{ROOT}4.81", f"{ROOT}4.91"
LOSSLESS = (studies.RLE, JPEG_LS, J2K, FIRST_ORDER, PROCESS_14)
CT, MR, SC, YBR = (
    "CT_small.dcm",
    "MR_small.dcm",
    "SC_rgb_small_odd.dcm",
    "SC_ybr_full_422_uncompressed.dcm",
)


def test_file(name: str) -> Path:
    return Path(str(get_testdata_file(name, download=False)))


test_file.__test__ = False  # type: ignore[attr-defined]


def pixels(ds: Any) -> NDArray[Any]:
    return np.asarray(ds.pixel_array)


def compressed(folder: Path, syntaxes: tuple[str, ...] = LOSSLESS) -> dict[str, NDArray[Any]]:
    """A CT image in each syntax, in files that Kerma wrote; SOP Instance UID -> its samples."""
    folder.mkdir()
    ds = kerma.read(test_file(CT))
    wanted = {}
    for number, syntax in enumerate(syntaxes):
        ds.SOPInstanceUID = f"{studies.ROOT}.50.{number}"
        kerma.write(kerma.pixels.transcode(ds, syntax), folder / f"{number}.dcm")
        wanted[str(ds.SOPInstanceUID)] = pixels(dcmread(test_file(CT)))
    return wanted


def arrived(folder: Path, syntaxes: set[str], wanted: dict[str, NDArray[Any]]) -> None:
    got = studies.by_uid(folder)
    assert set(got) == set(wanted)
    for uid, ds in got.items():
        assert str(ds.file_meta.TransferSyntaxUID) in syntaxes
        assert np.array_equal(pixels(ds), wanted[uid])


# -- over the wire -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("option", "syntax"), [("+xi", studies.IMPLICIT_LE), ("+xe", studies.EXPLICIT_LE)])
def test_send_decompresses_for_who_takes_nothing_compressed(
    start: Start, tmp_path: Path, option: str, syntax: str
) -> None:
    wanted = compressed(tmp_path / "send")
    scp = start(peers.storescp, option)
    done = KermaScu().store(scp, tmp_path / "send")
    assert done.returncode == 0, done.stderr
    arrived(scp.extra["in"], {syntax}, wanted)


def test_send_leaves_what_the_peer_takes(start: Start, tmp_path: Path) -> None:
    compressed(tmp_path / "send", (JPEG_LS,))
    scp = start(peers.storescp, "+B", "+xt")
    done = KermaScu().store(scp, tmp_path / "send")
    assert done.returncode == 0, done.stderr
    (sent,), (got,) = (list(folder.rglob("*")) for folder in (tmp_path / "send", scp.extra["in"]))
    assert studies.dataset_bytes(got) == studies.dataset_bytes(sent)


@contextmanager
def taking_only(*syntaxes: str) -> Iterator[tuple[str, list[Any]]]:
    """A storage SCP of pynetdicom that takes CT images in these syntaxes only; its address and what came."""
    came: list[Any] = []

    def store(event: evt.Event) -> int:
        ds = event.dataset
        ds.file_meta = event.file_meta
        came.append(ds)
        return 0

    entity = AE(ae_title="ONLY")
    entity.add_supported_context(studies.CT, list(syntaxes))
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, store)])
    try:
        yield f"ONLY@127.0.0.1:{server.socket.getsockname()[1]}", came
    finally:
        server.shutdown()


@pytest.mark.parametrize("syntax", [JPEG_LS, J2K, FIRST_ORDER, studies.RLE])
def test_send_compresses_without_loss_for_who_takes_nothing_else(syntax: str, tmp_path: Path) -> None:
    others = [each for each in (FIRST_ORDER, studies.RLE) if each != syntax]
    wanted = compressed(tmp_path / "send", tuple(others))
    with taking_only(syntax) as (address, came), kerma.connect(address) as peer:
        results = list(peer.store([test_file(CT), *sorted((tmp_path / "send").iterdir())]))
        assert len(results) == len(others) + 1
        assert all(result.ok for result in results), results
    assert {str(ds.file_meta.TransferSyntaxUID) for ds in came} == {syntax}
    for ds in came:
        assert np.array_equal(pixels(ds), next(iter(wanted.values())))
        assert "LossyImageCompression" not in ds


def test_send_never_loses_anything_to_please(tmp_path: Path) -> None:
    with taking_only(BASELINE, NEAR, J2K_LOSSY) as (address, came), kerma.connect(address) as peer:
        with pytest.raises(kerma.KermaError, match="CT Image"):
            list(peer.store([test_file(CT)]))
        assert came == []


def served(start: Start, tmp_path: Path, *args: Any, **options: Any) -> tuple[Peer, dict[str, NDArray[Any]]]:
    wanted = compressed(tmp_path / "send")
    server = start(peers.kerma_serve, *args, **options)
    done = KermaScu().store(server, tmp_path / "send")
    assert done.returncode == 0, done.stderr
    return server, wanted


def test_getscu_gets_what_is_stored_compressed(start: Start, tmp_path: Path) -> None:
    server, wanted = served(start, tmp_path)
    study = str(dcmread(test_file(CT)).StudyInstanceUID)
    done = DcmtkScu(get_options=["+xi"]).get(server, tmp_path / "got", "study", {"StudyInstanceUID": study})
    assert done.returncode == 0, done.stderr
    arrived(tmp_path / "got", {studies.IMPLICIT_LE, studies.EXPLICIT_LE}, wanted)


def test_movescu_to_who_takes_nothing_compressed(start: Start, tmp_path: Path) -> None:
    target = start(peers.storescp, "+xi")
    server, wanted = served(start, tmp_path, {"STORESCP": target.port})
    study = str(dcmread(test_file(CT)).StudyInstanceUID)
    done = DcmtkScu().move(server, "STORESCP", "study", {"StudyInstanceUID": study})
    assert done.returncode == 0, done.stderr
    arrived(target.extra["in"], {studies.IMPLICIT_LE}, wanted)


def test_dcmqrscp_takes_what_was_compressed(start: Start, tmp_path: Path) -> None:
    wanted = compressed(tmp_path / "send")
    server = start(peers.dcmqrscp)
    done = KermaScu().store(server, tmp_path / "send")
    assert done.returncode == 0, done.stderr
    assert set(studies.by_uid(server.extra["store"])) == set(wanted)


# -- files -------------------------------------------------------------------------------------------------------------

READERS = {
    "dcmdjpeg": {BASELINE, FIRST_ORDER, PROCESS_14},
    "dcmdjpls": {JPEG_LS, NEAR},
    "dcmdrle": {studies.RLE},
    "gdcmconv": {BASELINE, FIRST_ORDER, PROCESS_14, JPEG_LS, NEAR, studies.RLE, J2K, J2K_LOSSY},
}
"""Who decompresses what; pydicom reads all of them."""


@pytest.mark.parametrize("name", [CT, MR, SC, YBR])
@pytest.mark.parametrize("syntax", [*LOSSLESS, BASELINE, NEAR, J2K_LOSSY])
def test_peers_read_what_we_compress(name: str, syntax: str, program: Program, tmp_path: Path) -> None:
    ds = kerma.read(test_file(name))
    if ds.PixelRepresentation and syntax in {BASELINE, NEAR}:
        with pytest.raises(kerma.errors.PixelError, match="signed"):
            kerma.pixels.transcode(ds, syntax)
        return
    path = tmp_path / "ours.dcm"
    kerma.write(kerma.pixels.transcode(ds, syntax), path)
    mine = kerma.read(path)
    wanted = kerma.pixels.array(mine)
    if syntax in LOSSLESS:
        assert np.array_equal(wanted, kerma.pixels.array(ds))
    for peer, syntaxes in READERS.items():
        if syntax not in syntaxes:
            continue
        out = tmp_path / f"{peer}.dcm"
        raw = ["--raw"] if peer == "gdcmconv" else []
        done = run([program(peer), *raw, path, out])
        assert done.returncode == 0, (peer, done.stderr)
        close(kerma.pixels.array(kerma.read(out)), wanted, lossless=syntax in LOSSLESS, who=peer)
    close(pydicom_pixels(path), wanted, lossless=syntax in LOSSLESS, who="pydicom")


def pydicom_pixels(path: Path) -> NDArray[Any]:
    from pydicom.pixels import pixel_array

    return np.asarray(pixel_array(path))


def close(found: NDArray[Any], wanted: NDArray[Any], *, lossless: bool, who: str) -> None:
    assert found.shape == wanted.shape, who
    if lossless:
        assert np.array_equal(found, wanted), who
    else:
        assert np.abs(found.astype("i4") - wanted.astype("i4")).max() <= 3, who


@pytest.mark.parametrize("name", [CT, MR, SC])
@pytest.mark.parametrize("syntax", [*LOSSLESS, J2K_LOSSY])
def test_dciodvfy_has_no_new_complaint(name: str, syntax: str, program: Program, tmp_path: Path) -> None:
    before, path = test_file(name), tmp_path / "ours.dcm"
    kerma.write(kerma.pixels.transcode(kerma.read(before), syntax), path)
    new = complaints(program("dciodvfy"), path) - complaints(program("dciodvfy"), before)
    assert new == set()
    dumped = subprocess.run(
        [program("dcmdump"), "-q", path], capture_output=True, text=True, check=True, errors="replace"
    )
    assert "PixelSequence" in dumped.stdout
    assert dumped.stderr == ""


def complaints(program: str, path: Path) -> set[str]:
    done = subprocess.run([program, path], capture_output=True, text=True, check=False, errors="replace")
    return {
        re.sub(r"<[^>]*>", "", line)
        for line in (done.stdout + done.stderr).splitlines()
        if line.startswith(("Error", "Warning"))
    }

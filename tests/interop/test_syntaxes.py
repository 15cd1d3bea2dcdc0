"""Transfer syntaxes over the wire: kept as sent where both can, otherwise transcoded between the uncompressed ones.

DCMTK and pydicom are the judges: what arrives in another syntax has the same values by pydicom's reading.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import dcmread

from . import peers, studies
from .conftest import Start
from .processes import Peer
from .scu import DcmtkScu, KermaScu, PynetdicomScu


def serve_with(start: Start, made: list[studies.Made]) -> Peer:
    server = start(peers.kerma_serve)
    done = KermaScu().store(server, made[0].path.parent)
    assert done.returncode == 0, done.stderr
    return server


def test_kerma_keeps_and_gives_back_every_syntax(start: Start, mixed_study: list[studies.Made], tmp_path: Path) -> None:
    server = serve_with(start, mixed_study)
    assert studies.received(server.extra["data"]) == studies.digests(mixed_study)
    done = KermaScu().get(server, tmp_path / "got", "study", {"StudyInstanceUID": mixed_study[0].study_uid})
    assert done.returncode == 0, done.stderr
    assert studies.received(tmp_path / "got") == studies.digests(mixed_study)
    syntaxes = {uid: str(ds.file_meta.TransferSyntaxUID) for uid, ds in studies.by_uid(tmp_path / "got").items()}
    assert syntaxes == {one.sop_instance_uid: one.syntax for one in mixed_study}


@pytest.mark.parametrize(
    ("option", "syntax"),
    [("+xi", studies.IMPLICIT_LE), ("+xe", studies.EXPLICIT_LE), ("+xb", studies.EXPLICIT_BE)],
)
def test_kerma_send_transcodes_what_the_peer_cannot_take(
    start: Start, mixed_study: list[studies.Made], option: str, syntax: str
) -> None:
    scp = start(peers.storescp, option)
    done = KermaScu().store(scp, mixed_study[0].path.parent)
    compressed = [one for one in mixed_study if one.syntax not in studies.UNCOMPRESSED]
    assert done.returncode == 1
    assert len([line for line in done.stderr.splitlines() if any(one.path.name in line for one in compressed)]) == 4
    arrived = studies.by_uid(scp.extra["in"])
    assert set(arrived) == {one.sop_instance_uid for one in mixed_study if one.syntax in studies.UNCOMPRESSED}
    if option == "+xi":
        assert {ds.file_meta.TransferSyntaxUID for ds in arrived.values()} == {syntax}
    for one in mixed_study:
        if one.sop_instance_uid in arrived:
            assert studies.same_values(arrived[one.sop_instance_uid], dcmread(one.path)), one.syntax


@pytest.mark.parametrize(
    ("option", "syntax"),
    [
        ("-xi", studies.IMPLICIT_LE),
        ("-xe", studies.EXPLICIT_LE),
        ("-xb", studies.EXPLICIT_BE),
        ("-xd", studies.DEFLATED_LE),
        ("-xr", studies.RLE),
        ("-xy", studies.JPEG_BASELINE),
    ],
)
def test_dcmtk_stores_each_syntax(start: Start, tmp_path: Path, option: str, syntax: str) -> None:
    made = studies.make_series(tmp_path / "send", 2, syntax=syntax)
    server = start(peers.kerma_serve)
    done = DcmtkScu(store_options=[option]).store(server, tmp_path / "send")
    assert done.returncode == 0, done.stderr
    kept = studies.by_uid(server.extra["data"])
    assert set(kept) == {one.sop_instance_uid for one in made}
    for one in made:
        assert kept[one.sop_instance_uid].file_meta.TransferSyntaxUID == syntax
        assert studies.same_values(kept[one.sop_instance_uid], dcmread(one.path))


def test_getscu_gets_the_uncompressed_ones_transcoded_and_is_told_of_the_others(
    start: Start, mixed_study: list[studies.Made], tmp_path: Path
) -> None:
    server = serve_with(start, mixed_study)
    scu = DcmtkScu(options=["-v"], get_options=["+xi"])
    done = scu.get(server, tmp_path / "got", "study", {"StudyInstanceUID": mixed_study[0].study_uid})
    arrived = studies.by_uid(tmp_path / "got")
    assert set(arrived) == {one.sop_instance_uid for one in mixed_study if one.syntax in studies.UNCOMPRESSED}
    for one in mixed_study:
        if one.sop_instance_uid in arrived:
            assert studies.same_values(arrived[one.sop_instance_uid], dcmread(one.path)), one.syntax
    said = done.stdout + done.stderr
    assert "Number of Completed Suboperations : 8" in said
    assert "Number of Failed Suboperations    : 4" in said


def test_getscu_gets_compressed_images_as_they_are(
    start: Start, mixed_study: list[studies.Made], tmp_path: Path
) -> None:
    server = serve_with(start, mixed_study)
    series = next(one.series_uid for one in mixed_study if one.syntax == studies.RLE)
    keys = {"StudyInstanceUID": mixed_study[0].study_uid, "SeriesInstanceUID": series}
    done = DcmtkScu(get_options=["+xr", "+B"]).get(server, tmp_path / "got", "series", keys)
    assert done.returncode == 0, done.stderr
    wanted = studies.digests(one for one in mixed_study if one.series_uid == series)
    assert studies.received(tmp_path / "got") == wanted


def test_more_than_128_contexts_are_split_over_associations(start: Start, tmp_path: Path) -> None:
    from pynetdicom.sop_class import _STORAGE_CLASSES

    folder = tmp_path / "send"
    folder.mkdir()
    ds = studies.template(2, 2)
    ds.StudyInstanceUID, ds.SeriesInstanceUID = f"{studies.ROOT}.9", f"{studies.ROOT}.9.1"
    classes = sorted(set(map(str, _STORAGE_CLASSES.values())))[:140]
    for number, sop_class in enumerate(classes, start=1):
        ds.SOPClassUID, ds.SOPInstanceUID = sop_class, f"{studies.ROOT}.9.1.{number}"
        studies.write(folder / f"{number}.dcm", ds)
    assert len(classes) == 140
    scp = start(peers.storescp, "-pm")
    done = KermaScu().store(scp, folder)
    assert done.returncode == 0, done.stderr
    assert len(studies.received(scp.extra["in"])) == 140
    server = start(peers.kerma_serve)
    done = PynetdicomScu().store(server, folder / "1.dcm")
    assert done.returncode == 0, done.stderr
    done = KermaScu().store(server, folder)
    assert done.returncode == 0, done.stderr
    assert set(studies.by_uid(server.extra["data"])) == {f"{studies.ROOT}.9.1.{n}" for n in range(1, 141)}

"""What makers put into private elements: Siemens, GE, Philips; against nibabel, and against bytes made to do harm."""

from __future__ import annotations

import gzip
import importlib
import random
import struct
import warnings
from pathlib import Path
from typing import Any

import pytest

import kerma
from kerma.dataset import Dataset
from kerma.errors import FormatError, KermaError, LimitError, UsageError
from kerma.formats.vendors import csa, ge, philips, siemens

NIBABEL = "nipy+nibabel/nibabel/nicom/tests/data"


def oracle(name: str) -> Any:
    """A module of nibabel's DICOM readers, which warn that they are experimental."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(f"nibabel.nicom.{name}")


def csa_bytes(tags: list[tuple[str, int, str, list[str]]], *, version: int = 2, empty: int = 0) -> bytes:
    """A CSA header of ``tags``: name, VM, VR, items; ``empty`` items of no length follow those of each tag."""
    parts = [b"SV10\4\3\2\1" if version == 2 else b"", struct.pack("<II", len(tags), 77)]
    less = len(tags[0][3]) + empty
    for name, vm, vr, items in tags:
        parts.append(struct.pack("<64si4siii", name.encode(), vm, vr.encode(), 6, len(items) + empty, 77))
        for text in [*items, *[""] * empty]:
            raw = text.encode() + b"\0" if text else b""
            parts.append(struct.pack("<iiii", len(raw) + (less if version == 1 else 0), len(raw), 77, len(raw)))
            parts.append(raw + b"\0" * (-len(raw) % 4))
    return b"".join(parts)


TAGS = [
    ("EchoLinePosition", 1, "IS", ["64"]),
    ("SliceNormalVector", 3, "FD", ["0.5", "-0.25", "1e-3"]),
    ("ImaCoilString", 1, "LO", ["HEA;HEP"]),
    ("Nothing", 1, "UL", []),
    ("Odd", 1, "DS", ["n/a"]),
    ("Gap", 3, "LO", ["a", "", "c"]),
]


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("empty", [0, 3])
def test_a_csa_header_is_a_mapping(version: int, empty: int) -> None:
    header = siemens.parse_csa(csa_bytes(TAGS, version=version, empty=empty))
    assert header.version == version
    assert dict(header) == {
        "EchoLinePosition": 64,
        "SliceNormalVector": (0.5, -0.25, 0.001),
        "ImaCoilString": "HEA;HEP",
        "Nothing": None,
        "Odd": "n/a",
        "Gap": ("a", "", "c"),
    }
    assert header.get("absent") is None
    assert header.tags["SliceNormalVector"].vr == "FD"
    assert header.tags["SliceNormalVector"].items == ("0.5", "-0.25", "1e-3")


CSA_FILES = [
    f"{NIBABEL}/0.dcm",
    f"{NIBABEL}/siemens_dwi_0.dcm",
    f"{NIBABEL}/csa_slice_norm.dcm",
]


@pytest.mark.corpus
def test_csa_headers_are_as_nibabel_reads_them(corpus: Path) -> None:
    reader = oracle("csareader")
    compared = 0
    others = [path for folder in sorted(corpus.glob("neurolabusc+dcm_qa*")) for path in sorted(folder.rglob("*"))]
    for path in (*(corpus / name for name in CSA_FILES), *others):
        try:
            ds = kerma.read(path)
        except (KermaError, IsADirectoryError):
            continue
        for kind, element in (("image", 0x10), ("series", 0x20)):
            header = siemens.csa_header(ds, kind)  # type: ignore[arg-type]
            if header is None:
                continue
            raw = bytes(ds.private_block(0x0029, "SIEMENS CSA HEADER")[element].raw or b"")
            theirs = reader.read(raw)["tags"]
            assert set(theirs) == set(header)
            for name, tag in theirs.items():
                # An item without bytes stays bytes there.
                items = [str(item, "latin-1") if isinstance(item, bytes) else item for item in tag["items"]]
                while items and isinstance(items[-1], str) and not items[-1].strip():
                    items.pop()
                value = header[name]
                assert ([] if value is None else list(value) if isinstance(value, tuple) else [value]) == items, name
            compared += 1
    assert compared >= 40


@pytest.mark.corpus
def test_what_a_csa_header_says(corpus: Path) -> None:
    ds = kerma.read(corpus / NIBABEL / "siemens_dwi_0.dcm")
    header = siemens.csa_header(ds)
    assert header is not None
    assert header["B_value"] == 0
    assert header["NumberOfImagesInMosaic"] == 48
    assert siemens.csa_header(kerma.read(corpus / "pydicom+pydicom/src/pydicom/data/test_files/CT_small.dcm")) is None


def flattened(value: Any, path: str = "") -> dict[str, Any]:
    """nibabel's dictionaries and lists as paths."""
    if isinstance(value, dict):
        pairs = [(f"{path}.{key}" if path else str(key), below) for key, below in value.items()]
    elif isinstance(value, list):
        pairs = [(f"{path}[{index}]", below) for index, below in enumerate(value) if below is not None]
    else:
        return {path: value}
    found: dict[str, Any] = {}
    for name, below in pairs:
        found.update(flattened(below, name))
    return found


@pytest.mark.corpus
def test_protocols_are_as_nibabel_reads_them(corpus: Path) -> None:
    reader = oracle("ascconv")
    for name in CSA_FILES[:2]:
        protocol = siemens.protocol(kerma.read(corpus / name))
        assert protocol is not None
        text = protocol.text
        part = text[text.index("### ASCCONV BEGIN") : text.index("### ASCCONV END ###") + 19]
        theirs, _ = reader.parse_ascconv(part, '""')
        assert dict(protocol) == flattened(theirs)
        assert len(protocol) > 500


XA = [
    ("neurolabusc+dcm_qa_enh/In/Siemens/XA10/6_1.dcm", 2.4, "61010002"),
    ("neurolabusc+dcm_qa_frag/In/5001_anat-T1w_acq-tfl/5001001.dcm", None, "63010001"),
    ("openmrslab+suspect/tests/test_data/siemens/SVS_XA60.dcm", 20.0, "66010002"),
]


@pytest.mark.corpus
@pytest.mark.parametrize(("name", "thickness", "version"), XA, ids=["multi-frame", "single-frame", "spectroscopy"])
def test_xa_has_the_protocol_elsewhere(corpus: Path, name: str, thickness: float | None, version: str) -> None:
    ds = kerma.read(corpus / name)
    assert siemens.csa_header(ds) is None
    protocol = siemens.protocol(ds)
    assert protocol is not None
    assert protocol.attributes["version"] == version
    assert str(protocol["ulVersion"]) == version
    nested = protocol.nested()["sSliceArray"]["asSlice"][0]["dThickness"]
    assert nested == protocol["sSliceArray.asSlice[0].dThickness"]
    assert thickness is None or nested == thickness
    elements = siemens.xa_elements(ds)
    assert len(elements) > 40
    assert elements["SIEMENS MR SDS 01 10"] == int(version)


def test_xa_elements_of_a_frame_that_is_not_there() -> None:
    ds = Dataset()
    ds.PerFrameFunctionalGroupsSequence = [Dataset()]
    assert siemens.xa_elements(ds) == {}
    with pytest.raises(IndexError):
        siemens.xa_elements(ds, 1)


def test_values_of_a_protocol() -> None:
    text = """<XProtocol> ...
### ASCCONV BEGIN object=A@B version=1 ###
a = 1
b.c[2].d\t = \t0x1F
b.c[2] = -2.5e3 # comment
s = ""1H""
t = "single # not a comment"
u = ""
v = not a value
# w = 1
no value
x[999999999] = 1
### ASCCONV END ###" rest"""
    protocol = siemens.parse_protocol(text)
    assert dict(protocol) == {
        "a": 1,
        "b.c[2].d": 31,
        "b.c[2]": -2500.0,
        "s": "1H",
        "t": "single # not a comment",
        "u": '""',
        "v": "not a value",
        "x[999999999]": 1,
    }
    assert protocol.attributes == {"object": "A@B", "version": "1"}
    nested = protocol.nested()
    assert nested["b"] == {"c": {2: {"d": 31, "": -2500.0}}}
    assert nested["x"] == {999999999: 1}


@pytest.mark.parametrize("text", ["", "nothing", "### ASCCONV BEGIN ###\na = 1"])
def test_no_protocol(text: str) -> None:
    with pytest.raises(FormatError, match="ASCCONV"):
        siemens.parse_protocol(text)


# -- hostile bytes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [1, 2])
def test_every_cut_of_a_csa_header_is_an_error_or_a_header(version: int) -> None:
    data = csa_bytes(TAGS, version=version, empty=1)
    assert len(siemens.parse_csa(data)) == len(TAGS)
    errors = 0
    for end in range(len(data)):
        try:
            siemens.parse_csa(data[:end])
        except FormatError as error:
            errors += error.offset is not None and error.offset <= end
    assert errors > len(data) // 2


def test_csa_counts_and_lengths_are_not_believed() -> None:
    data = bytearray(csa_bytes(TAGS))
    for at, value in ((8, 0), (8, 0xFFFFFFFF), (8, 5000), (92, 0x7FFFFFFF), (92, 0xFFFFFFFF), (104, 0x7FFFFFFF)):
        broken = bytearray(data)
        struct.pack_into("<I", broken, at, value)
        with pytest.raises(FormatError):
            siemens.parse_csa(bytes(broken))
    rng = random.Random(7)
    for _ in range(2000):
        broken = bytearray(data)
        for _ in range(rng.randint(1, 8)):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        try:
            dict(siemens.parse_csa(bytes(broken)))
        except KermaError as error:
            assert error.message  # noqa: PT017  either is right; nothing else may come


def test_a_broken_header_in_a_data_set_is_named() -> None:
    ds = Dataset()
    ds.private_block(0x0029, "SIEMENS CSA HEADER", create=True).add(
        0x10, "OB", b"SV10\4\3\2\1\xff\xff\xff\xff" + bytes(8)
    )
    with pytest.raises(FormatError, match=r"in \(0029,1010\)"):
        siemens.csa_header(ds)
    assert siemens.protocol(ds) is None
    with pytest.raises(UsageError):
        siemens.csa_header(ds, "study")  # type: ignore[arg-type]
    other = Dataset()
    other.private_block(0x0029, "SIEMENS CSA HEADER", create=True).add(0x10, "OB", b"something else")
    assert siemens.csa_header(other) is None, "others use this element for other things"
    assert csa.is_csa(csa_bytes(TAGS, version=1))


# -- GE ----------------------------------------------------------------------------------------------------------------


def ge_block(text: bytes) -> bytes:
    packed = gzip.compress(text, mtime=0)
    return struct.pack("<I", len(packed)) + packed


@pytest.mark.corpus
def test_the_protocol_of_ge(corpus: Path) -> None:
    protocol = ge.protocol(kerma.read(corpus / "neurolabusc+dcm_qa_deident/In/00196.dcm"))
    assert protocol is not None
    assert (protocol["ENTRY"], protocol["PLANE"], protocol["COIL"]) == ("Head First", "SAGITTAL", "8HRBRAIN")
    assert len(protocol) > 20


def test_the_protocol_of_ge_is_bounded() -> None:
    assert dict(ge.parse(ge_block(b'A "1"\nset B "x "y""\nnonsense\n'))) == {"A": "1", "B": 'x "y"'}
    whole = ge_block(b'A "1"\n' * 100)
    for broken in (b"", b"\0" * 40, whole[:-10], whole[:30], whole[:12] + b"\xff" * 30):
        with pytest.raises(FormatError):
            ge.parse(broken)
    with pytest.raises(LimitError, match="16 MB"):
        ge.parse(ge_block(bytes(17 << 20)))
    ds = Dataset()
    assert ge.protocol(ds) is None
    ds.private_block(0x0025, "GEMS_SERS_01", create=True).add(0x1B, "OB", b"nothing compressed")
    with pytest.raises(FormatError, match=r"in \(0025,101B\)"):
        ge.protocol(ds)


# -- Philips -----------------------------------------------------------------------------------------------------------


@pytest.mark.corpus
def test_the_scaling_of_philips(corpus: Path) -> None:
    ds = kerma.read(corpus / "neurolabusc+dcm_qa_philips/In/Bangalore_2008/dwi_no-phi/IM_0001")
    scaling = philips.scaling(ds)
    assert scaling is not None
    assert scaling.rescale_slope == pytest.approx(2.56800976800976)
    assert scaling.scale_slope == pytest.approx(0.0014201075537130237)
    assert scaling.displayed(100) == pytest.approx(256.800976800976)
    assert scaling.floating_point(100) == pytest.approx(100 / 0.0014201075537130237)
    original = philips.original(ds)
    assert original is not None
    assert len(original) > 5


@pytest.mark.corpus
def test_philips_frames_have_their_own(corpus: Path) -> None:
    ds = kerma.read(corpus / "yarikoptic+nitest-balls1/DICOM/T1.dcm")
    first, last = philips.original(ds), philips.original(ds, 9)
    assert first is not None
    assert last is not None
    assert (first.InstanceNumber, last.InstanceNumber) == (1, 10)
    scaling = philips.scaling(ds, 9)
    assert scaling is not None
    assert scaling.rescale_slope == pytest.approx(1.26031746031746)
    assert scaling.scale_slope == pytest.approx(2.849254451575689e-05)
    with pytest.raises(IndexError):
        philips.original(ds, 10)
    assert philips.scaling(Dataset()) is None
    assert philips.original(Dataset()) is None


def test_the_package_has_them() -> None:
    assert kerma.vendors.siemens is siemens


@pytest.mark.corpus
def test_the_examples_of_the_guide_run(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guide = (Path(__file__).resolve().parents[2] / "docs" / "guide" / "private.md").read_text(encoding="utf-8")
    (tmp_path / "siemens.dcm").write_bytes((corpus / NIBABEL / "siemens_dwi_0.dcm").read_bytes())
    monkeypatch.chdir(tmp_path)
    examples = [part.partition("```")[0] for part in guide.split("```python\n")[1:]]
    assert len(examples) == 2
    for example in examples:
        names: dict[str, object] = {}
        exec(compile(example, "private.md", "exec"), names)
        assert "ds" in names

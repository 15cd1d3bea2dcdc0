"""The races of reading files: Kerma, pydicom, GDCM and DCMTK.

Contestants are processes that time themselves and read warm files (they are in the page cache): the question is what
a reader costs, not what a disk costs. The CT header is that of ``CT_small.dcm``, which pydicom's package ships (258
elements, 179 of them private, one sequence); ``ct512`` has the same header before 512 KB of pixel data. The folder's
files differ as those of a series do: instance number, position, UID, and so the lengths of a few values.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pydicom
from pydicom.data import get_testdata_file

from bench.harness import Race, Run, command

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OUT = ROOT / "bench" / "out"
SYSTEM_PYTHON = "/usr/bin/python3"

LIBRARIES = {
    "dcmtk": ["-ldcmdata", "-loflog", "-lofstd", "-lpthread"],
    "gdcm": ["-lgdcmMSFF", "-lgdcmDSED", "-lgdcmDICT", "-lgdcmCommon"],
    "plain": [],
}


def compile_peers(folder: Path) -> dict[str, Path]:
    """The C++ readers that can be compiled here, by name."""
    compiler = shutil.which("g++")
    found: dict[str, Path] = {}
    folder.mkdir(parents=True, exist_ok=True)
    includes = [f"-I{path}" for path in sorted(Path("/usr/include").glob("gdcm-*"))]
    for name, libraries in LIBRARIES.items():
        source = HERE.parent / "peers_cpp" / f"read_{name}.cc"
        program = folder / f"read_{name}"
        if compiler is not None and not (program.exists() and program.stat().st_mtime > source.stat().st_mtime):
            argv = [compiler, "-O2", "-std=c++17", *includes, "-o", str(program), str(source), *libraries]
            done = subprocess.run(argv, capture_output=True, text=True, check=False)
            if done.returncode:
                print(
                    f"{name} is left out: its reader does not compile ({done.stderr.splitlines()[:1]})", file=sys.stderr
                )
                continue
        if program.exists():
            found[name] = program
    return found


def has_python_gdcm() -> bool:
    """Whether the system's Python has GDCM's binding."""
    if not Path(SYSTEM_PYTHON).exists():
        return False
    return not subprocess.run([SYSTEM_PYTHON, "-c", "import gdcm"], capture_output=True, check=False).returncode


def make_files(folder: Path, count: int) -> tuple[Path, Path, Path]:
    """The header-sized file, the one with 512 KB of pixels, and a folder of ``count`` files of 39 KB."""
    ds = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
    pixels = ds.PixelData
    series = folder / "series"
    base = str(ds.SOPInstanceUID).rsplit(".", 1)[0]
    for number in range(1, count + 1):
        part = series / f"{number // 1000:03d}"
        part.mkdir(parents=True, exist_ok=True)
        ds.InstanceNumber = number
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"{base}.{number}"
        z = f"{-75.7 + 0.625 * (number % 500):g}"
        ds.ImagePositionPatient = ["-158.135803", "-179.035797", z]
        ds.SliceLocation = z
        ds.save_as(part / f"{number:06d}.dcm")
    ds = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
    ds.Rows = ds.Columns = 512
    ds.PixelData = pixels * 16
    big = folder / "ct512.dcm"
    ds.save_as(big)
    del ds.PixelData
    small = folder / "header.dcm"
    ds.save_as(small)
    return small, big, series


def timed(argv: list[str]) -> Run:
    """A contestant that prints its seconds first."""
    return lambda: float(command(argv, cwd=ROOT).split()[0])


def contestants(peers: dict[str, Path], python_gdcm: bool) -> dict[str, tuple[list[str], str]]:
    """name -> the command before its task, and a note; the task's mode of C++ readers is put in by ``task``."""
    python = [sys.executable, "-m", "bench.files.reader"]
    found = {
        "kerma": ([*python, "kerma"], "kerma.read, twelve attributes by keyword"),
        "kerma, plain": (["env", "KERMA_PLAIN=1", *python, "kerma"], "the same without the compiled scan"),
        "pydicom": ([*python, "pydicom"], "dcmread(path)"),
        "pydicom, head": ([*python, "pydicom-head"], "dcmread(path, stop_before_pixels=True)"),
        "pydicom, 12 tags": (
            [*python, "pydicom-tags"],
            "dcmread(..., stop_before_pixels=True, specific_tags=the twelve)",
        ),
    }
    if python_gdcm:
        found["gdcm, Python"] = ([SYSTEM_PYTHON, str(HERE / "reader.py"), "gdcm"], "Reader.Read, StringFilter")
    if "gdcm" in peers:
        found["gdcm, C++"] = ([str(peers["gdcm"]), "all"], "Reader::Read")
        found["gdcm, C++, head"] = ([str(peers["gdcm"]), "head"], "Reader::ReadUpToTag(pixel data)")
    if "dcmtk" in peers:
        found["dcmtk, C++"] = ([str(peers["dcmtk"]), "all"], "DcmFileFormat::loadFile")
        found["dcmtk, C++, head"] = ([str(peers["dcmtk"]), "head"], "loadFileUntilTag(pixel data)")
    return found


def task(before: list[str], what: str, *rest: str) -> list[str]:
    """The command for one task: C++ readers take the task first and their mode after it."""
    if Path(before[0]).name.startswith("read_"):
        return [before[0], what, before[1], *rest]
    return [*before, what, *rest]


TARGETS = {"pydicom": 10.0, "gdcm": 3.0, "dcmtk": 2.0}


def race(title: str, per: int, field: dict[str, tuple[list[str], str]], what: str, *rest: str) -> Race:
    """A race of all contestants over one task."""
    made = Race(title, unit="µs per file", per=per)
    for name, (before, note) in field.items():
        made.add(name, timed(task(before, what, *rest)), note=note, target=TARGETS.get(name.partition(",")[0]))
    return made


def check_values(field: dict[str, tuple[list[str], str]], path: Path) -> None:
    """All contestants must have read the same twelve values."""
    seen = {}
    for name, (before, _) in field.items():
        parts = command(task(before, "values", str(path)), cwd=ROOT).strip().rstrip("|").split("|")
        seen[name] = [part.rstrip(" \0") for part in parts]
    for name, values in seen.items():
        if values != seen["dcmtk, C++" if "dcmtk, C++" in seen else "pydicom"]:
            raise SystemExit(f"{name} read other values: {values}")


def package(name: str) -> str:
    """The version of an installed package, or "-"."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "-"


def debian(name: str) -> str:
    """The version of an installed Debian package, or "-"."""
    if shutil.which("dpkg-query") is None:
        return "-"
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", name], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "-"


def races(work: Path, count: int, loops: int) -> list[Race]:
    """The three races, not run yet: the header, the header before pixels, a folder of ``count`` files."""
    field = contestants(compile_peers(OUT / "bin"), has_python_gdcm())
    header, big, series = make_files(work, count)
    check_values(field, big)
    size = header.stat().st_size
    alone = race(f"CT header of 258 elements, {size} bytes", loops, field, "loop", str(loops), str(header))
    for name, how in (("kerma, read alone", "kerma-read"), ("open and read of 8 KB", "open-and-read")):
        argv = [sys.executable, "-m", "bench.files.reader", how, "loop", str(loops), str(header)]
        alone.add(name, timed(argv), note="no attributes")
    before = race("the same header before 512 KB of pixels", loops, field, "loop", str(loops), str(big))
    scan = race(f"scan of a folder of {count:,} files of 39 KB", count, field, "scan", str(series))
    if "gdcm, C++" in field:
        program = field["gdcm, C++"][0][0]
        run = timed([program, "scan", "scanner", str(series)])
        scan.add("gdcm, Scanner", run, note="gdcm::Scanner", target=TARGETS["gdcm"])
    return [alone, before, scan]


def versions() -> dict[str, str]:
    """The versions of all that runs."""
    return {
        "kerma": package("kerma"),
        "pydicom": package("pydicom"),
        "gdcm": debian("libgdcm3.0"),
        "dcmtk": debian("libdcmtk17"),
    }

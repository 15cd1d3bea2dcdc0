"""Builds the compiled twin of the typed loops beside their source: ``python tools/twin.py [--force]``.

Needs Cython, setuptools and a C compiler. It is also what the build hook of the package (``hatch_build.py``) calls, so
that whoever installs Kerma where a compiler is gets the twin, and everybody else the plain loops. What is there and
fresh is not built again.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import sysconfig
import tempfile
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOM = Path("kerma") / "encoding"
_C_NAMES = "data_in, data_of, drop, header, hold, pair, put, record, size_of, taken, word"
LINES = {
    "from kerma.encoding import shadow as cython": "import cython",
    f"from kerma.encoding.raw import {_C_NAMES}": (f"from cython.cimports.kerma.encoding.raw import {_C_NAMES}"),
}
"""What the build reads instead of lines of the source."""
DIGEST_LINE = 'DIGEST = ""'
DIRECTIVES = {"language_level": 3, "wraparound": False, "cdivision": True, "binding": False}


def digest(room: Path) -> str:
    """What tells one source from another: of the loops and of the C functions that they are compiled with."""
    text = (room / "loops.py").read_bytes() + (room / "raw.pxd").read_bytes()
    return f"loops-{zlib.crc32(text):08x}"


def target(room: Path) -> Path:
    """Where the twin of this Python lies."""
    return room / f"_loops{sysconfig.get_config_var('EXT_SUFFIX')}"


def twin_source(room: Path) -> str:
    """The source of the loops as the compiler reads it."""
    text = (room / "loops.py").read_text(encoding="utf-8")
    for line, instead in {**LINES, DIGEST_LINE: f'DIGEST = "{digest(room)}"'}.items():
        if text.count(line + "\n") != 1:
            raise ValueError(f"loops.py must hold this line once: {line}")
        text = text.replace(line, instead)
    return text


def fresh(room: Path) -> bool:
    """Whether the twin is there and was made from this source."""
    built = target(room)
    return built.is_file() and digest(room).encode() in built.read_bytes()


def build(room: Path) -> Path:
    """Compiles the twin and puts it beside its source. Any exception: it could not be compiled here."""
    from Cython.Build import cythonize  # noqa: PLC0415  only who builds has them
    from setuptools import Distribution, Extension  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="kerma-twin-") as made:
        work = Path(made)
        (work / ROOM).mkdir(parents=True)
        for package in (work / "kerma", work / ROOM):
            (package / "__init__.py").touch()
        source = work / ROOM / "_loops.py"
        source.write_text(twin_source(room), encoding="utf-8")
        (work / ROOM / "raw.pxd").write_bytes((room / "raw.pxd").read_bytes())
        extension = Extension(
            "kerma.encoding._loops",
            [str(source)],
            extra_compile_args=[] if os.name == "nt" else ["-O2", "-g0", *_flags("CFLAGS")],
            extra_link_args=_flags("LDFLAGS"),
        )
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            modules = cythonize(
                [extension], include_path=[str(work)], compiler_directives=DIRECTIVES, build_dir=str(work), quiet=True
            )
            command = Distribution({"name": "kerma", "ext_modules": modules}).get_command_obj("build_ext")
            command.build_lib, command.build_temp = str(work / "lib"), str(work / "temp")
            command.ensure_finalized()
            command.run()
        (found,) = (work / "lib").rglob("_loops*.*")
        built = target(room)
        part = built.with_name(f".{built.name}.{os.getpid()}")
        part.write_bytes(found.read_bytes())
        part.chmod(0o755)
        os.replace(part, built)
    return built


def _flags(name: str) -> list[str]:
    """Flags of who wants others, as for a sanitizer: KERMA_TWIN_CFLAGS, KERMA_TWIN_LDFLAGS."""
    return os.environ.get(f"KERMA_TWIN_{name}", "").split()


def main() -> int:
    """Builds, and says in one line what came of it; 1 where nothing could be built."""
    parser = argparse.ArgumentParser(prog="tools/twin.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--force", action="store_true", help="build also what is fresh")
    room = ROOT / "src" / ROOM
    if not parser.parse_args().force and fresh(room):
        return 0
    try:
        built = build(room)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        print(f"the compiled twin cannot be built here, the plain loops are used ({reason(error)})", file=sys.stderr)
        return 1
    print(f"built {built.relative_to(ROOT)}")
    return 0


def reason(error: BaseException) -> str:
    """The error in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


if __name__ == "__main__":
    sys.exit(main())

"""Builds the compiled twins of the typed loops beside their sources: ``python tools/twin.py [--force]``.

Needs Cython, setuptools and a C compiler. It is also what the build hook of the package (``hatch_build.py``) calls, so
that whoever installs Kerma where a compiler is gets the twins, and everybody else the plain loops. What is there and
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
NAMES = ("loops", "rows")
"""The sources that have a twin."""
LINES = {
    "from kerma.encoding import shadow as cython\n": "import cython\n",
    "from kerma.encoding.raw import ": "from cython.cimports.kerma.encoding.raw import ",
}
"""What the build reads instead of lines, or beginnings of lines, of a source."""
DIGEST_LINE = 'DIGEST = ""'
DIRECTIVES = {"language_level": 3, "wraparound": False, "cdivision": True, "binding": False}


def digest(room: Path, name: str) -> str:
    """What tells one source from another: of the loops and of the C functions that they are compiled with."""
    text = (room / f"{name}.py").read_bytes() + (room / "raw.pxd").read_bytes()
    return f"{name}-{zlib.crc32(text):08x}"


def target(room: Path, name: str) -> Path:
    """Where a twin of this Python lies."""
    return room / f"_{name}{sysconfig.get_config_var('EXT_SUFFIX')}"


def twin_source(room: Path, name: str) -> str:
    """A source of loops as the compiler reads it."""
    text = "\n" + (room / f"{name}.py").read_text(encoding="utf-8")
    for line, instead in {**LINES, f"{DIGEST_LINE}\n": f'DIGEST = "{digest(room, name)}"\n'}.items():
        if text.count("\n" + line) != 1:
            raise ValueError(f"{name}.py must hold this line once: {line.strip()}")
        text = text.replace("\n" + line, "\n" + instead)
    return text[1:]


def fresh(room: Path, name: str) -> bool:
    """Whether a twin is there and was made from this source."""
    there = target(room, name)
    return there.is_file() and digest(room, name).encode() in there.read_bytes()


def built(room: Path) -> list[Path]:
    """The twins, built where they are not fresh. Any exception: one could not be compiled here."""
    return [target(room, name) if fresh(room, name) else build(room, name) for name in NAMES]


def build(room: Path, name: str) -> Path:
    """Compiles one twin and puts it beside its source. Any exception: it could not be compiled here."""
    from Cython.Build import cythonize  # noqa: PLC0415  only who builds has them
    from setuptools import Distribution, Extension  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="kerma-twin-") as made:
        work = Path(made)
        (work / ROOM).mkdir(parents=True)
        for package in (work / "kerma", work / ROOM):
            (package / "__init__.py").touch()
        source = work / ROOM / f"_{name}.py"
        source.write_text(twin_source(room, name), encoding="utf-8")
        (work / ROOM / "raw.pxd").write_bytes((room / "raw.pxd").read_bytes())
        extension = Extension(
            f"kerma.encoding._{name}",
            [str(source)],
            extra_compile_args=[] if os.name == "nt" else ["-O2", "-g0", "-Wno-unused-function", *_flags("CFLAGS")],
            extra_link_args=_flags("LDFLAGS"),
            define_macros=[("CYTHON_COMPRESS_STRINGS", "0")],  # the digest is to be found in what is built
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
        (found,) = (work / "lib").rglob(f"_{name}*.*")
        goal = target(room, name)
        part = goal.with_name(f".{goal.name}.{os.getpid()}")
        part.write_bytes(found.read_bytes())
        part.chmod(0o755)
        os.replace(part, goal)
    return goal


def _flags(name: str) -> list[str]:
    """Flags of who wants others, as for a sanitizer: KERMA_TWIN_CFLAGS, KERMA_TWIN_LDFLAGS."""
    return os.environ.get(f"KERMA_TWIN_{name}", "").split()


def main() -> int:
    """Builds, and says in one line what came of it; 1 where nothing could be built."""
    parser = argparse.ArgumentParser(prog="tools/twin.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--force", action="store_true", help="build also what is fresh")
    room = ROOT / "src" / ROOM
    force = parser.parse_args().force
    try:
        for name in NAMES:
            if force or not fresh(room, name):
                print(f"built {build(room, name).relative_to(ROOT)}")
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        print(f"the compiled twin cannot be built here, the plain loops are used ({reason(error)})", file=sys.stderr)
        return 1
    return 0


def reason(error: BaseException) -> str:
    """The error in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


if __name__ == "__main__":
    sys.exit(main())

"""The tour of the README works as it is printed; only the port is another one."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from .conftest import ROOT, Start, clean_environment

README = ROOT / "README.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    return [line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith("$ ")]


def prepare(folder: Path) -> dict[str, str]:
    """A folder that looks like the checkout to the tour, and an environment whose ``kerma`` and ``python`` are ours."""
    shutil.copytree(ROOT / "examples", folder / "examples")
    environment = clean_environment()
    # The folder of the interpreter holds the console script as well, as in an activated environment.
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    return environment


def test_the_tour(start: Start, tmp_path: Path) -> None:
    environment = prepare(tmp_path)
    server = start("serve", "--dicom", "127.0.0.1:0", "--http", "127.0.0.1:0")
    web = re.findall(r"http://([^\s,]+)", server.ready)[0]
    lines = commands()
    assert len(lines) >= 10
    out: dict[str, str] = {}
    for line in lines:
        done = subprocess.run(
            ["bash", "-c", line.replace("11112", str(server.port)).replace("127.0.0.1:8080", web)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        out[line] = done.stdout
    study, series, as_json = (out[line] for line in lines if line.startswith("kerma find"))
    assert len(study.splitlines()) == 2
    assert "Phantom^Water" in study
    assert sorted(line.split("\t")[0] for line in series.splitlines()[1:]) == ["plain", "with contrast"]
    assert json.loads(as_json)["00100020"]["Value"] == ["PHANTOM-1"]
    sent = {path.stem for path in (tmp_path / "fetched").glob("*.dcm")}
    assert len(sent) == 24
    assert len(list((tmp_path / "exported").rglob("*.dcm"))) == 24
    check_python(server.port, web, tmp_path, environment)
    assert server.stop().status == 0


def check_python(port: int, web: str, folder: Path, environment: dict[str, str]) -> None:
    snippet = "".join(blocks("python")).replace("127.0.0.1:8080", web)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", snippet.replace("11112", str(port))],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first == "Phantom^Water CT 128 128"
    assert second == "20260131 Water phantom 24"
    assert (folder / "phantom.jpg").read_bytes()[:2] == b"\xff\xd8"


def test_what_the_pages_link_to_is_there() -> None:
    for page in (README, *(ROOT / "docs" / "guide").glob("*.md")):
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"

"""What no tracked file may hold, and what the project promises to have."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from .source import ROOT

# Written in pieces, so that this file does not name what it forbids.
HOSTS = ["pypi" + r"\.org", "python" + "hosted", "registry" + r"\.npmjs", "deb" + r"\.debian"]
MACHINE = [r"(?<![A-Za-z0-9_.])/" + "work/", r"(?<![A-Za-z0-9_.])/" + "farm/", "/" + "root/"]
UNFINISHED = ["NotImplemented" + "Error", r"\bTO" + r"DO\b", r"\bFIX" + r"ME\b"]


def tracked() -> list[Path]:
    try:
        names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file()]


def hits(patterns: list[str], suffixes: tuple[str, ...] | None = None) -> list[str]:
    regex = re.compile("|".join(patterns))
    found = []
    for path in tracked():
        if suffixes is not None and path.suffix not in suffixes:
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [
            f"{path.relative_to(ROOT)}:{number}"
            for number, line in enumerate(text.splitlines(), 1)
            if regex.search(line)
        ]
    return found


def test_no_registry_host_is_named() -> None:
    assert hits(HOSTS) == []


def test_no_path_of_a_machine() -> None:
    assert hits(MACHINE) == []


def test_nothing_unfinished_in_the_package() -> None:
    assert [hit for hit in hits(UNFINISHED, (".py",)) if hit.startswith("src/")] == []


def test_tests_do_not_sleep() -> None:
    sleeping = hits([r"\btime\.sle" + r"ep\(", r"asyncio\.sle" + r"ep\((?!0\))"], (".py",))
    assert [hit for hit in sleeping if hit.startswith("tests/")] == []


@pytest.mark.parametrize(
    "name", ["README.md", "LICENSE", "CHANGELOG.md", "Makefile", ".ci/run", "constraints.txt", "docs/architecture.md"]
)
def test_the_house_has(name: str) -> None:
    assert (ROOT / name).is_file()


def test_readme_shows_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make serve" in readme
    assert "make test" in readme

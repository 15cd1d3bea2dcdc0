"""Help: quick to show, and true to the commands."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from kerma._version import __version__
from kerma.app.settings import rows
from kerma.cli.main import COMMANDS, cli, run

HEAVY = ("rich", "sqlalchemy", "alembic", "asyncio", "ssl", "structlog", "msgspec", "numpy", "ipaddress", "socket")


def kerma(*words: str) -> str:
    result = subprocess.run(
        [sys.executable, "-m", "kerma.cli", *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys; from kerma.cli.main import run; assert run(['--help']) == 0\n"
        "print(sorted(name for name in sys.modules if name.split('.')[0] == 'kerma'), file=sys.stderr)\n"
        f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    loaded, heavy = result.stderr.strip().splitlines()
    assert heavy == "[]"
    assert loaded == str(["kerma", "kerma._version", "kerma.cli", "kerma.cli.main", "kerma.cli.report", "kerma.errors"])


def test_the_list_of_commands() -> None:
    text = kerma("--help")
    for name, line in COMMANDS.items():
        assert f"  {name} " in text
        assert line in text
    whole = subprocess.run(
        [sys.executable, "-m", "kerma", "--help"], capture_output=True, text=True, timeout=60, check=True
    )
    assert whole.stdout == text, "the package runs as the command"
    version, scan = kerma("--version").splitlines()
    assert version == f"kerma {__version__}"
    assert scan.startswith(("scan: compiled", "scan: plain Python, "))


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_says_what_the_list_says(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.name == name
    assert command.get_short_help_str(200) == COMMANDS[name]
    assert run([name, "--help"]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"Usage: kerma {name} ")
    assert "--debug" in text


def test_the_help_of_serve_shows_every_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "--help"]) == 0
    text = capsys.readouterr().out
    for row in rows():
        assert row.key in text
        assert row.variable in text
    assert "KERMA_PEERS" in text
    assert "KERMA_CONFIG" in text
    for heading in ("[server]", "[limits]", "[tls]", "[archive]", "[log]", "[[peer]]"):
        assert heading in text


SYNOPSES = {
    "serve": ["--data DIR", "--aet TITLE", "--dicom HOST:PORT", "--dicom-tls HOST:PORT", "--config FILE"],
    "listen": ["--dicom HOST:PORT", "-o, --output DIR", "--aet TITLE"],
    "echo": ["PEER", "--tls", "--aet TITLE", "--config FILE"],
    "send": ["PEER PATH...", "--tls", "--json"],
    "find": ["PEER [KEY=VALUE]...", "--level [patient|study|series|image]", "--return KEY,...", "--json"],
    "get": ["PEER KEY=VALUE...", "-o, --output DIR"],
    "move": ["PEER KEY=VALUE...", "--to AET"],
    "dump": ["FILE...", "--json", "--xml", "--key KEY,...", "--depth", "--width"],
    "diff": ["A B", "--ignore KEY,...", "--no-private", "--no-uids", "--strict", "--by [uid|name]", "--json"],
    "convert": ["IN OUT", "--to SYNTAX", "--force", "--json"],
    "wrap": ["FILE... [KEY=VALUE]...", "-o, --output OUT", "--study-from DICOM", "--uid-root ROOT"],
    "unwrap": ["FILE...", "-o, --output OUT", "--json"],
    "scan": ["PATH...", "--key KEY,...", "--by [series|study|patient]", "--csv FILE", "--parquet FILE", "--json"],
    "import": ["PATH...", "--data DIR", "--json"],
    "export": ["KEY=VALUE...", "-o, --output DIR", "--data DIR"],
    "reindex": ["--data DIR", "--json"],
    "check": ["--data DIR", "--repair", "--json"],
    "stats": ["--data DIR", "--json"],
}


@pytest.mark.parametrize("name", SYNOPSES)
def test_key_lines_of_the_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    text = capsys.readouterr().out
    for line in SYNOPSES[name]:
        assert line in text

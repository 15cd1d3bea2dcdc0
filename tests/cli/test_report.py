"""What commands say, and how an error becomes a line and a status."""

from __future__ import annotations

import json
from collections.abc import Callable

import click
import pytest

from kerma.cli import main as front
from kerma.cli import report, showing
from kerma.cli.bar import Bar
from kerma.errors import ConfigError, ConnectError, KermaError, NotFoundError, UsageError


def test_printable_keeps_text_and_drops_what_a_terminal_obeys() -> None:
    assert report.printable("Müller^Jürgen 山田") == "Müller^Jürgen 山田"
    assert report.printable("a\x1b[31mb\tc\nd\x07") == "a\N{REPLACEMENT CHARACTER}[31mb c d\N{REPLACEMENT CHARACTER}"


def test_a_list_in_a_pipe_is_tab_separated(capsys: pytest.CaptureFixture[str]) -> None:
    assert showing.table(("A", "B"), iter([("1", "x\ty"), ("2", "")])) == 2
    assert capsys.readouterr().out == "A\tB\n1\tx y\n2\t\n"


def test_a_list_to_a_terminal_is_a_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    rows = ((str(number), "[red]not markup[/red]") for number in range(501))
    assert showing.table(("Number", "Text"), rows) == 501
    out = capsys.readouterr().out
    assert out.count("Number") == 2, "one header for each page of 500"
    assert "[red]not markup[/red]" in out
    assert "\t" not in out


def test_a_table_on_a_narrow_terminal_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    showing.table(("UID", "StudyDescription"), [("7" * 64, "x")], {"StudyDescription": "Description"})
    out = capsys.readouterr().out
    assert out.count("7") == 64
    assert "StudyDescription" not in out


def test_a_terminal_too_narrow_for_the_columns_gets_blocks_of_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    columns = [f"ColumnNumber{number}" for number in range(5)]
    showing.table(columns, [("1.2.840.10008.5.1.4.1.1.2", "", "x", "y", "z"), ("a", "b", "c", "d", "e")])
    lines = [line.rstrip() for line in click.unstyle(capsys.readouterr().out).splitlines()]
    assert lines[0] == "ColumnNumber0  1.2.840.10008.5.1.4.1.1.2"
    assert lines[1] == "ColumnNumber2  x", "what is empty has no line"
    assert lines.count("") == 2, "a blank line behind each row"


def test_a_bar_is_gone_before_results_come_on_its_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with showing.progress("Comparing") as bar:
        assert isinstance(bar, Bar)
        bar.advance()
        assert bar._view.live.is_started
        report.result_line("a result")
        assert not bar._view.live.is_started
        bar.advance()
        report.json_line({"another": "result"})
        assert bar.done == 2
    with showing.progress("Next") as bar:
        assert isinstance(bar, Bar)
        assert bar._view.live.is_started
    report.result_line("no bar")


def test_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    report.json_line({"a": "é\n"})
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert json.loads(out) == {"a": "é\n"}


def test_progress_in_a_pipe_counts_and_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    with showing.progress("Work", 3) as bar:
        bar.advance()
        bar.update(3, 5)
    assert (bar.done, bar.total) == (3, 5)
    assert capsys.readouterr() == ("", "")


def test_progress_on_a_terminal_draws_on_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with showing.progress("Sending", 2) as bar:
        bar.advance(2)
        bar.note("a note \x1b[2J")
        bar.fail("a failure")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Sending" in captured.err
    assert "kerma: a failure" in captured.err
    assert "\x1b[2J" not in captured.err


ERRORS: list[tuple[BaseException, int, str]] = [
    (KermaError("no luck", where="x.dcm", hint="try again"), 1, "kerma: x.dcm: no luck (try again)"),
    (ConnectError("refused", where="A@b:1"), 1, "kerma: A@b:1: refused"),
    (NotFoundError("nothing"), 1, "kerma: nothing"),
    (KermaError("two\nlines"), 1, "kerma: two lines"),
    (UsageError("what?"), 2, "kerma: what?"),
    (ConfigError("no key", where="k.toml:3"), 2, "kerma: k.toml:3: no key"),
    (PermissionError(13, "Permission denied", "/x"), 1, "kerma: /x: Permission denied (check the path"),
    (
        ZeroDivisionError("secret patient"),
        1,
        "kerma: an error of Kerma itself: ZeroDivisionError (run again with --debug",
    ),
    (KeyboardInterrupt(), 130, "kerma: interrupted"),
    (click.UsageError("bad option"), 2, "kerma: bad option (see `kerma echo --help`)"),
    (SystemExit(143), 143, ""),
]


def failing(error: BaseException) -> Callable[[click.Context, str], click.Command]:
    @click.command("echo")
    def command() -> None:
        raise error

    return lambda ctx, name: command


@pytest.mark.parametrize(("error", "status", "line"), ERRORS, ids=[type(row[0]).__name__ for row in ERRORS])
def test_an_error_is_one_line_and_a_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, status: int, line: str
) -> None:
    monkeypatch.setattr(front.cli, "get_command", failing(error))
    assert front.run(["echo"]) == status
    err = capsys.readouterr().err.removeprefix("\n")  # click moves past the terminal's ^C
    assert err.startswith(line)
    assert err.count("\n") == bool(line)
    assert "Traceback" not in err
    assert "secret" not in err


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(front.cli, "get_command", failing(KermaError("no luck")))
    assert front.run(["--debug", "echo"]) == 1
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert err.endswith("kerma: no luck\n")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["fnd"], "no command 'fnd', did you mean `find`? (see `kerma --help`)"),
        (["zzzzz"], "no command 'zzzzz' (see `kerma --help`)"),
        (["--nonsense"], "No such option"),
    ],
)
def test_usage_errors_are_one_line(capsys: pytest.CaptureFixture[str], argv: list[str], message: str) -> None:
    assert front.run(argv) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_the_bare_command_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert front.run([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("Usage: kerma")
    assert captured.err.count("\n") > 20

"""The ``kerma`` command: its table of commands, and the one place where an error becomes a line and an exit status.

May touch the process: arguments, standard streams, exit status. Rules:

- Nothing but click is imported until a command runs: ``kerma --help`` is read off the table below.
- Exit status 0 all done, 1 some or all failed, 2 usage, 130 interrupted. One line on standard error says what, where
  and what to do; a traceback only with ``--debug``.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import warnings
from collections.abc import Sequence
from types import FrameType
from typing import Any

import click

from kerma._version import __version__
from kerma.cli.report import error_text, fail_line
from kerma.errors import ConfigError, KermaError, UsageError

COMMANDS = {
    "serve": "Run the archive.",
    "listen": "Receive instances into a folder.",
    "echo": "Ask a peer whether it is there (C-ECHO).",
    "send": "Send files, folders and archives to a peer (C-STORE).",
    "find": "Query a peer (C-FIND).",
    "get": "Fetch instances from a peer (C-GET).",
    "move": "Have a peer send instances elsewhere (C-MOVE).",
    "dump": "Show what is in files.",
    "diff": "Compare two files or two folders.",
    "convert": "Write files in another transfer syntax or form.",
    "render": "Make pictures, films and contact sheets.",
    "show": "Draw images in the terminal.",
    "wrap": "Make DICOM of pictures, PDF, CDA, STL, OBJ or MTL.",
    "unwrap": "Take the documents out of encapsulated objects.",
    "volume": "Make volumes (NIfTI) of series.",
    "scan": "A table of what is in folders.",
    "media": "Show, check, make and change a file-set (DICOMDIR).",
    "import": "Take files into a local archive.",
    "export": "Copy instances out of a local archive.",
    "reindex": "Build a local archive's index anew from its files.",
    "check": "Compare a local archive's index with its files.",
    "stats": "Count what a local archive holds.",
    "access": "Users, keys, shared links and labels of a local archive.",
}
"""Every command with its line of help; the command itself is ``command`` in ``kerma.cli.<name>_command``."""


class LazyGroup(click.Group):
    """A group that imports a command when it is called, not when it is listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"kerma.cli.{cmd_name}_command").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f", did you mean `{near[0]}`?" if near else ""
            raise click.UsageError(f"no command {args[0]!r}{hint}", ctx) from error


def _version(ctx: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    """The version, and whether the scan of element headers is the compiled one."""
    if wanted and not ctx.resilient_parsing:
        click.echo(f"kerma {__version__}\nscan: {importlib.import_module('kerma.encoding.twin').STATE}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    no_args_is_help=True,
)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Tell the version.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def cli(ctx: click.Context, debug: bool) -> None:
    """The whole of DICOM in one tool: files, network and archive.

    A PEER is written AET@HOST:PORT, or is a name from the configuration. Matching keys are Keyword=value, with DICOM
    wildcards and ranges: PatientName='DOE*' StudyDate=20260101-20260131.
    """
    ctx.obj = {"debug": debug}


def main(argv: Sequence[str] | None = None) -> None:
    """The console script: runs a command and ends the process with its exit status."""
    signal.signal(signal.SIGTERM, _terminate)
    _open_closed_streams()
    if not sys.warnoptions and "--debug" not in sys.argv:
        warnings.simplefilter("ignore")  # of libraries, to those who write programs
    sys.exit(run(sys.argv[1:] if argv is None else argv))


def _open_closed_streams() -> None:
    """Python has None where a caller closed a standard stream (`kerma dump ... >&-`): what is said there is lost."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - for the process's life


def run(argv: Sequence[str]) -> int:
    """Run one command line; the exit status. Errors are on standard error by then."""
    debug = "--debug" in argv
    try:
        result: Any = cli.main(args=list(argv), prog_name="kerma", standalone_mode=False)
        sys.stdout.flush()
    except Exception as error:  # noqa: BLE001 - the one place where every error becomes a line
        if debug and not isinstance(error, click.ClickException | click.Abort | BrokenPipeError):
            import traceback

            traceback.print_exc()
        return _status_of(error)
    except KeyboardInterrupt:  # before or after click's own care for it
        return _status_of(click.Abort())
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 1
    return result if isinstance(result, int) else 0


def _status_of(error: Exception) -> int:
    if isinstance(error, click.Abort):
        fail_line("interrupted")
        return 130
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return error.exit_code
    if isinstance(error, click.ClickException):
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "kerma"
        fail_line(f"{error.format_message()} (see `{command} --help`)")
        return error.exit_code
    if isinstance(error, BrokenPipeError):
        # The reader of our output went away (`kerma find ... | head`); nothing can be said to it any more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    if isinstance(error, KermaError | OSError):
        fail_line(error_text(error))
        return 2 if isinstance(error, ConfigError | UsageError) else 1
    fail_line(f"an error of Kerma itself: {type(error).__name__} (run again with --debug and report it)")
    return 1


def _terminate(signum: int, frame: FrameType | None) -> None:
    # As an exception, so that what is half-written is cleaned up on the way out.
    sys.exit(128 + signum)

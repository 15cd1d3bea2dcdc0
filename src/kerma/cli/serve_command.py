"""``kerma serve``: runs the archive until it is told to stop."""

from __future__ import annotations

import sys
from typing import Any

import click

from kerma.app.kinds import Address
from kerma.app.reference import help_rows
from kerma.cli.options import Command, aet_option, config_option, data_option, load_config, tls_options, tls_overrides


def addresses(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[Address, ...]:
    """Option values as addresses; a usage error where one is none."""
    try:
        return tuple(Address.parse(value) for value in values)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from None


def listening(function: Any) -> Any:
    """The options that say where to listen."""
    for name in ("--dicom-tls", "--dicom"):
        text = "Where to listen for DICOM" + (" over TLS" if name == "--dicom-tls" else "") + "; may be repeated."
        default = "" if name == "--dicom-tls" else " (default: 127.0.0.1:11112)"
        function = click.option(
            name, metavar="HOST:PORT", multiple=True, callback=addresses, help=text.replace(";", f"{default};")
        )(function)
    return function


def http_addresses(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> list[Address] | None:
    """Option values as addresses; None where the option is not given, none where it says so."""
    if not values:
        return None
    return list(addresses(ctx, param, tuple(value for value in values if value not in {"", "off"})))


class ServeCommand(Command):
    """Its help ends with every key of the configuration."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_paragraph()
        formatter.write_text("Keys of the configuration, with their names in the environment:")
        for heading, entries in help_rows():
            with formatter.section(heading):
                formatter.write_dl(entries)


def say(line: str) -> None:
    """The line on standard output that says that the server is ready."""
    click.echo(line)
    sys.stdout.flush()


@click.command("serve", cls=ServeCommand, short_help="Run the archive.")
@data_option
@aet_option
@listening
@click.option(
    "--http",
    metavar="HOST:PORT",
    multiple=True,
    callback=http_addresses,
    help="Where to listen for HTTP (default: 127.0.0.1:8080); may be repeated; off: nowhere.",
)
@click.option(
    "--http-tls",
    metavar="HOST:PORT",
    multiple=True,
    callback=http_addresses,
    help="Where to listen for HTTPS; may be repeated.",
)
@tls_options
@config_option
def command(
    data: str | None,
    aet: str | None,
    dicom: tuple[Address, ...],
    dicom_tls: tuple[Address, ...],
    http: list[Address] | None,
    http_tls: list[Address] | None,
    config_file: str | None,
    **tls: Any,
) -> int:
    """Run the archive.

    Prints one line when it is ready. SIGTERM or Ctrl-C lets running operations end and exits with 0; a second one stops
    at once.
    """
    config = load_config(
        config_file,
        server__data=data,
        server__aet=aet,
        server__dicom=dicom,
        server__dicom_tls=dicom_tls,
        server__http=http,
        server__http_tls=http_tls,
        **tls_overrides(**tls),
    )
    # Loaded now, so that the help and a refusal come quickly.
    from kerma.app.logs import open_log
    from kerma.app.serving import serve_archive

    return serve_archive(config, open_log(config.log, sys.stderr), say)

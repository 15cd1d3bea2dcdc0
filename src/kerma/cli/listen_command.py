"""``kerma listen``: a bare storage SCP that writes files."""

from __future__ import annotations

import sys
from typing import Any

import click

from kerma.app.kinds import Address
from kerma.cli.options import (
    Command,
    aet_option,
    config_option,
    load_config,
    output_folder,
    output_option,
    tls_options,
    tls_overrides,
)
from kerma.cli.serve_command import listening, say


@click.command("listen", cls=Command, short_help="Receive instances into a folder.")
@output_option
@aet_option
@listening
@tls_options
@config_option
def command(
    output: str,
    aet: str | None,
    dicom: tuple[Address, ...],
    dicom_tls: tuple[Address, ...],
    config_file: str | None,
    **tls: Any,
) -> int:
    """Receive instances into a folder.

    Each is one file, named by its SOP Instance UID. Prints one line when it is ready; SIGTERM or Ctrl-C stops it.
    """
    config = load_config(
        config_file, server__aet=aet, server__dicom=dicom, server__dicom_tls=dicom_tls, **tls_overrides(**tls)
    )
    folder = output_folder(output)
    from kerma.app.logs import open_log
    from kerma.app.serving import listen_into

    return listen_into(folder, config, open_log(config.log, sys.stderr), say)

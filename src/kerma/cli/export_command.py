"""``kerma export KEY=VALUE... -o DIR``: files out of a local archive."""

from __future__ import annotations

import click

from kerma.app.exporting import export, select
from kerma.cli.connecting import some_keys_argument
from kerma.cli.local import local_options, open_local
from kerma.cli.options import Command, json_option, output_folder, output_option, parse_keys
from kerma.cli.report import fail_line, json_line, note
from kerma.cli.showing import progress


@click.command("export", cls=Command, short_help="Copy instances out of a local archive.")
@some_keys_argument
@output_option
@local_options
@json_option
def command(keys: tuple[str, ...], output: str, data: str | None, config_file: str | None, as_json: bool) -> int:
    """Copy instances out of a local archive, running or not.

    Each becomes a file of the folder, named by its SOP Instance UID, byte for byte as it is stored.
    """
    asked = parse_keys(keys)
    failed = done = 0
    with open_local(data, config_file) as archive:
        instances = select(archive, asked)
        folder = output_folder(output)
        with progress("Exporting", len(instances)) as bar:
            for result in export(instances, folder):
                bar.advance()
                done += result.error is None
                if result.error is not None:
                    failed += 1
                    bar.fail(f"{result.sop_instance_uid}: {result.error}")
                if as_json:
                    error = "" if result.error is None else str(result.error)
                    json_line(
                        {"SOPInstanceUID": result.sop_instance_uid, "path": str(result.path or ""), "error": error}
                    )
    if not instances:
        fail_line("nothing matches (check the keys)")
        return 1
    if not as_json:
        note(f"{done} exported, {failed} failed")
    return 1 if failed else 0

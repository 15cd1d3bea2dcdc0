"""``kerma access``: users, keys of machines, shared links and labels of studies of a local archive, running or not.

Rules: what is secret is printed once, alone on standard output, and read from a terminal without echo or from a file;
never from the command line, which other users of the machine can see.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kerma.cli.local import local_options, open_local, say
from kerma.cli.options import Command, json_option, stacked
from kerma.cli.report import json_line, note
from kerma.errors import UsageError

if TYPE_CHECKING:
    from kerma.archive import Archive
    from kerma.archive.access import Access

_MAX_PASSWORD_FILE = 4096
_DAY = 86_400


class _Group(click.Group):
    """A group whose commands take ``--debug`` as all do."""

    command_class = Command

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.params.append(
            click.Option(["--debug"], is_flag=True, expose_value=False, help="Show the traceback of an error.")
        )


@contextmanager
def _opened(data: str | None, config_file: str | None, *, make: bool = False) -> Iterator[tuple[Archive, Access]]:
    """The archive; ``make`` for users and keys, which are wanted before its first start."""
    from kerma.archive.access import Access

    with open_local(data, config_file, make=make) as archive, Access(archive.root) as access:
        yield archive, access


@click.group("access", cls=_Group, short_help="Users, keys, shared links and labels of a local archive.")
def command() -> None:
    """Users, keys, shared links and labels of a local archive, running or not.

    A GRANT is RIGHTS or RIGHTS@PLACE: `read`, `read,write`, `all`, `read@patient:ID`, `read@study:UID`,
    `write@label:trial`. Rights are read, write, delete and administer. Once there is a user or a key, nobody gets in
    over HTTP without one.
    """


_rights = click.option("--rights", metavar="GRANT", multiple=True, help="What it may do; may be given several times.")
_note = click.option("--note", metavar="TEXT", default="", help="What it is for.")


def _lists(name: str, help_text: str) -> Callable[[Callable[..., int]], click.Command]:
    def decorate(function: Callable[..., int]) -> click.Command:
        return command.command(name, short_help=help_text, help=help_text)(
            stacked(local_options, json_option)(function)
        )

    return decorate


# -- users -------------------------------------------------------------------------------------------------------------


@_lists("users", "List the users.")
def users(data: str | None, config_file: str | None, as_json: bool) -> int:
    with _opened(data, config_file) as (_, access):
        rows = [{"name": user.name, "rights": list(map(str, user.grants))} for user in access.users.all()]
    _show(rows, as_json)
    return 0


@command.command("user", short_help="Make a user, or change one.")
@click.argument("name")
@_rights
@click.option(
    "--password-file", metavar="FILE", help="Read the password from a file's first line; - is standard input."
)
@click.option("--keep-password", is_flag=True, help="Change the rights only.")
@local_options
def user(
    name: str,
    rights: Sequence[str],
    password_file: str | None,
    keep_password: bool,
    data: str | None,
    config_file: str | None,
) -> int:
    """Make a user, or change one: the password is asked for. Ends the sessions of the user."""
    password = None if keep_password else _password(password_file)
    with _opened(data, config_file, make=True) as (_, access):
        access.users.put(name, access.now(), password=password, grants=rights or None)
    return 0


def _password(path: str | None) -> str:
    if path is None:
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    try:
        if path == "-":
            text = sys.stdin.read(_MAX_PASSWORD_FILE)
        else:
            with Path(path).open(encoding="utf-8") as file:
                text = file.read(_MAX_PASSWORD_FILE)
    except UnicodeDecodeError:
        raise UsageError("the password cannot be read", where=path, hint="write it as UTF-8") from None
    return text.split("\n")[0].rstrip("\r")


@command.command("remove-user", short_help="Forget a user.")
@click.argument("name")
@local_options
def remove_user(name: str, data: str | None, config_file: str | None) -> int:
    """Forget a user and end the sessions."""
    with _opened(data, config_file) as (_, access):
        access.users.remove(name)
    return 0


# -- keys --------------------------------------------------------------------------------------------------------------


@_lists("keys", "List the keys of machines.")
def keys(data: str | None, config_file: str | None, as_json: bool) -> int:
    with _opened(data, config_file) as (_, access):
        now = access.now()
        rows = [
            {
                "id": key.id,
                "state": _state(key.revoked_at, key.works(now)),
                "rights": list(map(str, key.grants)),
                "from": list(map(str, key.networks)),
                "until": _day(key.expires_at),
                "note": key.note,
            }
            for key in access.keys.all()
        ]
    _show(rows, as_json)
    return 0


@command.command("key", short_help="Make a key for a machine; it is shown once.")
@_rights
@_note
@click.option("--from", "networks", metavar="NETWORK", multiple=True, help="Where it works from, e.g. 10.1.0.0/16.")
@click.option("--days", type=click.IntRange(1, 36_500), help="How long it works; without it, until it is revoked.")
@local_options
def key(
    rights: Sequence[str],
    note: str,
    networks: Sequence[str],
    days: int | None,
    data: str | None,
    config_file: str | None,
) -> int:
    """Make a key for a machine and print it: as `Authorization: Bearer KEY`, `X-API-Key: KEY` or a password."""
    with _opened(data, config_file, make=True) as (_, access):
        end = None if days is None else access.now() + days * _DAY
        name, token = access.keys.make(rights, access.now(), note=note, networks=networks, expires_at=end)
    _once(name, token)
    return 0


# -- links -------------------------------------------------------------------------------------------------------------


@_lists("links", "List the links that were given away.")
def links(data: str | None, config_file: str | None, as_json: bool) -> int:
    with _opened(data, config_file) as (_, access):
        now = access.now()
        rows = [
            {
                "id": link.id,
                "state": _state(link.revoked_at, link.works(now)),
                "rights": list(map(str, link.grants)),
                "until": _day(link.expires_at),
                "note": link.note,
            }
            for link in access.links.all()
        ]
    _show(rows, as_json)
    return 0


@command.command("link", short_help="Share a patient, study or series until a day.")
@click.argument("place")
@click.option("--days", type=click.IntRange(1, 366), default=14, show_default=True, help="How long it works.")
@click.option("--base", metavar="URL", default="", help="The address of the server, put before the link.")
@_note
@local_options
def link(place: str, days: int, base: str, note: str, data: str | None, config_file: str | None) -> int:
    """Share PLACE until a day: study:UID, series:UID or patient:ID. Who has the link may read that and nothing else."""
    with _opened(data, config_file) as (_, access):
        from kerma.archive.permissions import Grant
        from kerma.query.model import Area

        area = Grant.parse(f"read@{place}").area or Area()
        name, token = access.links.make(
            area, access.now() + days * _DAY, access.now(), note=note, made_by="kerma access"
        )
    _once(name, f"{base.rstrip('/')}/share/{token}")
    return 0


@command.command("revoke", short_help="End a key or a link.")
@click.argument("name", metavar="ID")
@local_options
def revoke(name: str, data: str | None, config_file: str | None) -> int:
    """End a key or a link, at once."""
    with _opened(data, config_file) as (_, access):
        known = {item.id for item in access.links.all()}
        (access.links if name in known else access.keys).revoke(name, access.now())
    return 0


# -- labels ------------------------------------------------------------------------------------------------------------


@command.command("label", short_help="Show or set the labels of a study.")
@click.argument("study", metavar="STUDY_UID")
@click.argument("labels", metavar="[LABEL]...", nargs=-1)
@click.option("--none", "no_labels", is_flag=True, help="Take all labels away.")
@local_options
def label(study: str, labels: Sequence[str], no_labels: bool, data: str | None, config_file: str | None) -> int:
    """Show the labels of a study, or give it exactly LABEL..., which grants can refer to (`read@label:teaching`)."""
    if labels and no_labels:
        raise UsageError("labels and --none contradict each other", hint="give one of them")
    with _opened(data, config_file) as (archive, _):
        found = archive.set_labels(study, labels) if labels or no_labels else archive.labels(study)
    for name in found:
        say(name)
    return 0


# -- what is said ------------------------------------------------------------------------------------------------------


def _once(name: str, secret: str) -> None:
    say(secret)
    note(f"id {name}; it is not shown again")


def _state(revoked_at: int | None, works: bool) -> str:
    return "revoked" if revoked_at is not None else "works" if works else "ended"


def _day(moment: int | None) -> str:
    return "" if moment is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(moment))


def _show(rows: Sequence[dict[str, Any]], as_json: bool) -> None:
    for row in rows:
        if as_json:
            json_line(row)
        else:
            say("  ".join(" ".join(value) if isinstance(value, list) else value for value in row.values()))

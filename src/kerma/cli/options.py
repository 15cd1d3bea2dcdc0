"""What commands have in common: the options for connecting, the words for peers and keys, and the command class itself.

May touch nothing but its arguments and the configuration. Rules: a word is checked before any work starts, and a wrong
one is a usage error (exit status 2) that says what was meant.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from kerma.app import config as configuration
from kerma.app.kinds import AE_TITLE
from kerma.app.settings import Config
from kerma.errors import UsageError
from kerma.standard import elements

Function = TypeVar("Function", bound=Callable[..., Any])

_RETURNS = re.compile(r"\(?\b[0-9A-Fa-f]{4},[0-9A-Fa-f]{4}\b\)?|[^,\s]+")
"""Names between commas; the comma within a tag (0010,0020) does not part it."""

LEVELS = ("patient", "study", "series", "image")


class Command(click.Command):
    """A command that also takes ``--debug`` after its name."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.params.append(
            click.Option(["--debug"], is_flag=True, expose_value=False, help="Show the traceback of an error.")
        )


def stacked(*decorators: Callable[[Function], Function]) -> Callable[[Function], Function]:
    """Several decorators as one, the first on top in the help text."""

    def decorate(function: Function) -> Function:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


def _aet(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    try:
        return None if value is None else str(AE_TITLE.from_text(value))
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from None


aet_option = click.option("--aet", metavar="TITLE", callback=_aet, help="Our own AE title.")
config_option = click.option(
    "--config", "config_file", metavar="FILE", help="The configuration, a TOML file (KERMA_CONFIG)."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")
data_option = click.option(
    "--data", metavar="DIR", help="The folder of the archive (default: the configuration's, else ./kerma-data)."
)
output_option = click.option(
    "-o", "--output", metavar="DIR", required=True, help="The folder to write to; made when it is not there."
)
level_option = click.option(
    "--level", type=click.Choice(LEVELS), default="study", show_default=True, help="Query/Retrieve level."
)
retrieve_level_option = click.option(
    "--level",
    type=click.Choice(LEVELS),
    help="Query/Retrieve level (default: that of the lowest UID given, else study).",
)
return_option = click.option(
    "--return",
    "returns",
    metavar="KEY,...",
    multiple=True,
    help="The attributes to ask for, with commas between them; without it the usual ones of the level.",
)
tls_options = stacked(
    click.option("--tls-cert", metavar="FILE", help="Our certificate chain, PEM."),
    click.option("--tls-key", metavar="FILE", help="Its private key, PEM."),
    click.option("--tls-ca", metavar="FILE", help="The authorities that we trust, PEM."),
    click.option("--tls-insecure", is_flag=True, help="Do not check the peer's certificate."),
)
network_options = stacked(
    aet_option,
    click.option("--tls", is_flag=True, help="Connect over TLS."),
    tls_options,
    click.option(
        "--timeout", type=click.FloatRange(min=0.1), metavar="SECONDS", help="How long to wait for a response."
    ),
    config_option,
)


def load_config(config_file: str | None = None, **chosen: Any) -> Config:
    """The configuration with what the command line says on top: ``section__key=value``; None is not said."""
    overrides: dict[str, dict[str, Any]] = {}
    for name, value in chosen.items():
        if value is not None and value != ():
            section, _, key = name.partition("__")
            overrides.setdefault(section, {})[key] = value
    return configuration.load(config_file, environ=os.environ, overrides=overrides)


def tls_overrides(tls_cert: str | None, tls_key: str | None, tls_ca: str | None, tls_insecure: bool) -> dict[str, Any]:
    """The TLS options as overrides for ``load_config``."""
    return {
        "tls__cert": tls_cert,
        "tls__key": tls_key,
        "tls__ca": tls_ca,
        "tls__verify": False if tls_insecure else None,
    }


def parse_keys(words: Sequence[str]) -> dict[str, str]:
    """``Keyword=value`` words as keyword to value; ``UsageError`` names the word. Tags are taken as well as
    keywords."""
    keys: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise UsageError(
                f"{name[:64]!r} is no matching key", hint="write Keyword=value, for example PatientName='DOE*'"
            )
        keyword = ".".join(parse_keyword(part) for part in name.split("."))
        if keyword in keys:
            raise UsageError(f"{keyword} is given twice", hint="several UIDs are written in one key, with \\ between")
        keys[keyword] = value
    return keys


def parse_keyword(text: str) -> str:
    """The keyword that a keyword or tag means; ``UsageError`` suggests near names."""
    tag = elements.parse_tag(text)
    keyword = elements.keyword_of(tag)
    if not keyword:
        raise UsageError(
            f"({tag >> 16:04X},{tag & 0xFFFF:04X}) is not in the dictionary", hint="use a standard attribute"
        )
    return keyword


def parse_returns(words: Sequence[str]) -> tuple[str, ...]:
    """The keywords of ``--return``: commas or repeats."""
    names = [name for word in words for name in split_names(word)]
    return tuple(dict.fromkeys(parse_keyword(name) for name in names))


def split_names(word: str) -> list[str]:
    """The names in ``word``; the comma within a tag (0010,0020) does not part it."""
    return _RETURNS.findall(word)


def parse_tags(words: Sequence[str]) -> tuple[int, ...]:
    """The tags that keywords or tags mean, private ones as well: commas or repeats."""
    return tuple(elements.parse_tag(name) for word in words for name in _RETURNS.findall(word))


def output_folder(output: str) -> Path:
    """The folder to write to, made when it is not there; ``UsageError`` where that cannot be."""
    folder = Path(output)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"no folder to write to: {error.strerror}", where=str(folder), hint="give -o another place"
        ) from error
    return folder


def with_response(config: Config, timeout: float | None) -> Config:
    """``config`` with ``--timeout`` as the limit for responses."""
    return config if timeout is None else replace(config, limits=replace(config.limits, response=timeout))

"""The ASCCONV part of a Siemens protocol (MrPhoenixProtocol, MrProtocol): lines ``path = value`` between two marks.

A path is names with dots and indexes, ``sSliceArray.asSlice[0].dThickness``. Values are whole numbers (also
hexadecimal), numbers, and texts in one or two pairs of quotation marks; what is none of these stays as it is written.
A comment begins with #. Indexes come from outside, so nothing is made as long as one says: ``nested`` has them as keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from kerma.errors import FormatError

_BEGIN, _END = "### ASCCONV BEGIN", "### ASCCONV END ###"
_WHOLE = re.compile(r"[+-]?(?:[0-9]{1,30}|0[xX][0-9A-Fa-f]{1,16})")
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,4})?")
_STEP = re.compile(r"[^.\[\]]+|\[[0-9]{1,9}\]")
_MOST_STEPS = 64

Value = int | float | str


class Protocol(Mapping[str, Value]):
    """Values by their whole paths. ``attributes`` are those of the BEGIN line, ``text`` is what it was taken from."""

    __slots__ = ("_values", "attributes", "text")

    def __init__(self, values: Mapping[str, Value], attributes: Mapping[str, str], text: str) -> None:
        self._values = values
        self.attributes = attributes
        self.text = text

    def __getitem__(self, path: str) -> Value:
        return self._values[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def nested(self) -> dict[str, Any]:
        """The same as dictionaries in dictionaries, with the numbers of indexes as keys:
        ``["sSliceArray"]["asSlice"][0]["dThickness"]``. A value that has others below it is under "".
        """
        root: dict[Any, Any] = {}
        for path, value in self._values.items():
            steps = [int(step[1:-1]) if step[0] == "[" else step for step in _STEP.findall(path)] or [path]
            here = root
            for step in steps[:-1][:_MOST_STEPS]:
                below = here.setdefault(step, {})
                if not isinstance(below, dict):
                    below = here[step] = {"": below}
                here = below
            last = here.get(steps[-1])
            if isinstance(last, dict):
                last[""] = value
            else:
                here[steps[-1]] = value
        return root

    def __repr__(self) -> str:
        return f"<Protocol of {len(self._values)} values>"


def parse(text: str) -> Protocol:
    """The first ASCCONV part in ``text``. ``FormatError`` where there is none, or it does not end."""
    begin = text.find(_BEGIN)
    if begin < 0:
        raise FormatError("the protocol has no ASCCONV part")
    end = text.find(_END, begin)
    if end < 0:
        raise FormatError("the ASCCONV part of the protocol does not end", offset=begin)
    head, _, body = text[begin + len(_BEGIN) : end].partition("\n")
    attributes = dict(word.split("=", 1) for word in head.replace("###", " ").split() if "=" in word)
    found: dict[str, Value] = {}
    for line in body.split("\n"):
        path, equals, rest = line.partition("=")
        if equals and path.strip() and not path.lstrip().startswith("#"):
            found[path.strip()] = _value(rest.strip())
    return Protocol(found, attributes, text)


def _value(text: str) -> Value:
    for quote in ('""', '"'):
        if text.startswith(quote):
            inside, closed, _ = text[len(quote) :].partition(quote)
            return inside if closed else text
    text = text.partition("#")[0].strip()
    if _WHOLE.fullmatch(text):
        return int(text, 16) if "x" in text.lower() else int(text)
    return float(text) if _NUMBER.fullmatch(text) else text

"""JSON text as Python objects, for data sets from outside (RFC 8259).

``parse`` gives the text to msgspec, which is fast, and what that does not take to a parser of its own that does not
recurse: items within items have no bound but ``Limits.max_depth``, and NaN and Infinity, which some writers give for
numbers, are understood. ``Splitter`` finds the objects of an endless array or of lines of objects as their bytes come
in, so that no more than one of them is held.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from kerma.encoding.source import Buffer
from kerma.errors import FormatError, LimitError, TruncatedError
from kerma.limits import Limits

_decode = msgspec.json.Decoder().decode
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"(-?)(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_WORDS = {
    "true": True,
    "false": False,
    "null": None,
    "NaN": float("nan"),
    "Infinity": float("inf"),
    "-Infinity": float("-inf"),
}
_WORD = re.compile("|".join(map(re.escape, _WORDS)))
_DIGITS = 400
_LEVELS = 3  # brackets of one item: {"Value": [{


def parse(text: str | Buffer, limits: Limits) -> Any:
    """The value of a JSON text. ``FormatError`` with the offset where it is none, ``LimitError`` where it nests deeper
    than ``limits.max_depth`` items.
    """
    if not isinstance(text, str):
        view = memoryview(text).cast("B")
        text = bytes(view[3:]) if bytes(view[:3]) == b"\xef\xbb\xbf" else bytes(view)
    elif text.startswith("\ufeff"):
        text = text[1:]
    try:
        return _decode(text)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return _Parser(_as_text(text), limits).run()


def _as_text(text: str | bytes) -> str:
    if isinstance(text, str):
        return text
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError("the JSON text is not UTF-8", offset=error.start) from None


class _Parser:
    """One text. ``stack`` holds the open arrays and objects, each object with the key that waits for its value."""

    def __init__(self, text: str, limits: Limits) -> None:
        self.text = text
        self.deepest = _LEVELS * limits.max_depth + 2
        self.stack: list[tuple[Any, str | None]] = []

    def run(self) -> Any:
        text, stack = self.text, self.stack
        pos = self.skip(0)
        while True:
            mark = text[pos : pos + 1]
            if mark in ("{", "["):
                if len(stack) >= self.deepest:
                    raise LimitError("the JSON text nests too deep", offset=pos)
                value: Any = {} if mark == "{" else []
                after = self.skip(pos + 1)
                if text[after : after + 1] != ("}" if mark == "{" else "]"):
                    stack.append((value, None))
                    pos = self.key(after) if mark == "{" else after
                    continue
                pos = after + 1
            else:
                value, pos = self.scalar(pos)
            pos, done, value = self.put(value, self.skip(pos))
            if done:
                if pos != len(text):
                    raise FormatError("something follows the JSON text", offset=pos)
                return value

    def put(self, value: Any, pos: int) -> tuple[int, bool, Any]:
        """Put a value in its place and close what ends behind it: where to go on, whether all is read, the whole."""
        text, stack = self.text, self.stack
        while stack:
            holder, key = stack[-1]
            if key is None:
                holder.append(value)
            else:
                holder[key] = value
            mark = text[pos : pos + 1]
            if mark == ",":
                pos = self.skip(pos + 1)
                return (pos if key is None else self.key(pos)), False, None
            if mark != ("]" if key is None else "}"):
                raise self.wrong("a comma or the end of an array or object is missing", pos)
            value = stack.pop()[0]
            pos = self.skip(pos + 1)
        return pos, True, value

    def key(self, pos: int) -> int:
        """Read a key of the innermost object and its colon; where the value begins."""
        if self.text[pos : pos + 1] != '"':
            raise self.wrong("a name in quotation marks is missing", pos)
        name, after = self.string(pos)
        after = self.skip(after)
        if self.text[after : after + 1] != ":":
            raise self.wrong("a colon is missing", after)
        self.stack[-1] = (self.stack[-1][0], name)
        return self.skip(after + 1)

    def scalar(self, pos: int) -> tuple[Any, int]:
        text = self.text
        if text[pos : pos + 1] == '"':
            return self.string(pos)
        word = _WORD.match(text, pos)
        if word is not None:
            return _WORDS[word[0]], word.end()
        number = _NUMBER.match(text, pos)
        if number is None:
            raise self.wrong("this is no JSON value", pos)
        if number.end() - pos > _DIGITS:
            raise LimitError(f"a number has more than {_DIGITS} digits", offset=pos)
        whole = number[3] is None and number[4] is None
        return (int(number[0]) if whole else float(number[0])), number.end()

    def string(self, pos: int) -> tuple[str, int]:
        found = _STRING.match(self.text, pos)
        if found is not None:
            try:
                return str(_decode(found[0])), found.end()
            except (msgspec.MsgspecError, UnicodeEncodeError):
                found = None
        raise self.wrong("a text in quotation marks is not as it must be, or does not end", pos)

    def skip(self, pos: int) -> int:
        found = _SPACE.match(self.text, pos)
        return pos if found is None else found.end()

    def wrong(self, message: str, pos: int) -> FormatError:
        if pos >= len(self.text):
            return TruncatedError("the JSON text ends too early", missing=1, offset=pos)
        return FormatError(message, offset=pos)


# -- many objects ------------------------------------------------------------------------------------------------------

_OUTSIDE = re.compile(rb'"[^"\\]*"|[{}\[\]"]')
_IN_TEXT = re.compile(rb'["\\]')
_GAP = re.compile(rb"[ \t\r\n,\x1e]*")
_OPEN = (0x7B, 0x5B)


class Splitter:
    """The objects of an array, or objects one after the other, as their bytes come in; nothing else of JSON is
    understood here.

    ``feed`` gives the objects that are complete, as bytes; ``finish`` checks that nothing was begun and not ended.
    ``LimitError`` for one of more than ``largest`` bytes.
    """

    def __init__(self, largest: int) -> None:
        self.largest = largest
        self.taken = 0  # bytes that were fed before those in ``held``
        self.held = bytearray()
        self.at = 0  # how far ``held`` was looked through
        self.depth = 0
        self.in_text = False
        self.in_array = False
        self.ended = False
        self.begun = False

    def feed(self, data: Buffer) -> Iterator[bytes]:
        """The objects that end in ``data``."""
        self.held += data
        while self.at < len(self.held):
            if self.depth == 0:
                if not self._begin():
                    return
            elif not self._inside():
                break
            else:
                found = bytes(self.held[: self.at])
                self._check(len(found))
                self._drop(self.at)
                yield found
        self._check(len(self.held))

    def finish(self) -> None:
        """All bytes were fed."""
        if self.depth or (self.in_array and not self.ended):
            raise TruncatedError("the JSON text ends too early", missing=1, offset=self.taken + len(self.held))
        if not self.begun:
            raise FormatError("there is no JSON text", offset=0)

    def _check(self, size: int) -> None:
        if size > self.largest:
            raise LimitError(f"one JSON object has more than {self.largest} bytes", offset=self.taken)

    def _drop(self, count: int) -> None:
        del self.held[:count]
        self.taken += count
        self.at = 0

    def _begin(self) -> bool:
        """Go to the next object; False where there is none yet."""
        held = self.held
        if not self.begun and held.startswith(b"\xef\xbb\xbf"):
            self._drop(3)
        gap = _GAP.match(held)
        count = 0 if gap is None else gap.end()
        del gap  # which holds the bytes
        self._drop(count)
        if not held:
            return False
        mark = held[0]
        if mark == 0x7B and not self.ended:
            self.begun = True
            self.depth, self.at = 1, 1
            return True
        if mark == 0x5B and not self.begun:
            self.begun = self.in_array = True
        elif mark == 0x5D and self.in_array and not self.ended:
            self.ended = True
        else:
            raise FormatError("an object of attributes must begin here", offset=self.taken)
        self._drop(1)
        return bool(held)

    def _inside(self) -> bool:
        """Go on to the end of the object; False where that did not come yet."""
        held, at, depth = self.held, self.at, self.depth
        try:
            while True:
                if self.in_text:
                    found = _IN_TEXT.search(held, at)
                    if found is None:
                        at = len(held)
                        return False
                    if held[found.start()] == 0x5C:
                        if found.start() + 1 == len(held):
                            at = found.start()
                            return False
                        at = found.start() + 2
                        continue
                    self.in_text = False
                    at = found.end()
                found = _OUTSIDE.search(held, at)
                if found is None:
                    at = len(held)
                    return False
                at = found.end()
                if at - found.start() > 1:
                    continue
                mark = held[at - 1]
                if mark == 0x22:
                    self.in_text = True
                elif mark in _OPEN:
                    depth += 1
                else:
                    depth -= 1
                    if depth == 0:
                        return True
        finally:
            self.at, self.depth = at, depth

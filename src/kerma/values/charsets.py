"""Specific Character Set (0008,0005): text <-> bytes (PS3.3 C.12.1.1.2, PS3.5 6.1).

Rules:

- ``Charsets`` is the meaning of one value of the attribute: either one encoding of its own (UTF-8, GB18030, GBK) or
  an initial pair of sets in G0 and G1 and, with more values, those that escape sequences bring in (ISO 2022).
- The initial sets are in use again after every delimiter: control characters, the backslash where it divides values,
  and ``^`` and ``=`` in PN (PS3.5 6.1.2.5.3). Inside a two-byte set a byte 5C, 5E or 3D is half a character, no
  delimiter.
- Misspelt terms are understood, unknown ones ignored; both are ``findings``. An escape sequence for a set that was
  not declared is followed: nothing else can be meant by it.
- Bytes of the upper half where no set is declared for it are read as ISO 8859-1, one character a byte. Bytes that
  are no character of the declared set become U+FFFD. ``check`` reports both. Nothing is lost: the element keeps its
  bytes, and U+FFFD can be written in Unicode sets only, so that a replacement never passes for text silently in others.
- Encoding takes the set in use, else the first in the list that has the character; ``ValueEncodeError`` where none
  has it. A set is designated where its first character is, but Korean at the head of its line or component, as PS3.5
  I.3 has it and Korean readers expect.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from kerma.errors import ValueEncodeError
from kerma.findings import Finding
from kerma.values.repertoires import (
    ESCAPES,
    EXTENSION_ONLY,
    IR6,
    NUMBERS,
    REPLACEMENT,
    STAND_ALONE,
    Buffer,
    CodeElement,
    canonical,
)

_SECTION = "PS3.3 C.12.1.1.2"
_MULTIPLE = frozenset({"LO", "SH", "UC"})
_HALVES = re.compile(rb"[\x00-\x7f]+|[\x80-\xff]+")
# One run of graphic bytes: up to the next escape, control character or delimiter of the VR; inside two-byte sets
# only the former two end it.
_RUN_TWO_BYTES = re.compile(rb"[^\x00-\x1f]+")
_RUN_TEXT = _RUN_TWO_BYTES
_RUN_MULTIPLE = re.compile(rb"[^\x00-\x1f\\]+")
_RUN_NAME = re.compile(rb"[^\x00-\x1f\\^=]+")
_WHOLE_CODEC = {pair[1]: pair[1].codec for pair in NUMBERS.values() if pair[0] is IR6 and pair[1] is not None}

_Sets = tuple[CodeElement, CodeElement | None]


class Charsets:
    """What the values of Specific Character Set mean. Immutable; make it with ``of``."""

    __slots__ = ("_codec", "_extensions", "_fallback", "_initial", "_reading", "_whole", "findings", "terms")

    terms: tuple[str, ...]
    """The values as given."""
    findings: tuple[Finding, ...]
    """Misspelt, unknown and misplaced terms."""

    def __init__(self, terms: tuple[str, ...]) -> None:
        self.terms = terms
        findings: list[Finding] = []
        meant = [_understand(term, len(terms), findings) for term in terms] or [""]
        self._codec, self._reading = STAND_ALONE.get(meant[0] or "", ("", ""))
        self._extensions: tuple[CodeElement, ...] = ()
        self._initial: _Sets = (IR6, None)
        self._fallback: CodeElement | None = None
        if self._codec:
            if len(meant) > 1:
                findings.append(_finding("charset-alone", f"{meant[0]} stands alone; the terms after it are ignored"))
        else:
            self._invoke(meant, findings)
        # The codec of texts without escapes, where Python has one for the initial sets together.
        lower, upper = self._initial
        self._whole = self._codec or ("ascii" if upper is None else _WHOLE_CODEC.get(upper, "ascii"))
        if lower is not IR6:
            self._whole = ""
        self.findings = tuple(findings)

    def _invoke(self, meant: list[str | None], findings: list[Finding]) -> None:
        """The initial sets and the extensions that the terms declare."""
        sets: list[CodeElement] = []
        for index, term in enumerate(meant):
            if term in STAND_ALONE:
                findings.append(_finding("charset-alone", f"{term} cannot extend another set; it is ignored"))
                continue
            number = int(term.rpartition(" ")[2]) if term else 6
            lower, upper = NUMBERS[number]
            if index == 0:
                alone = number not in EXTENSION_ONLY
                # A set of several bytes is never in use unannounced, not even where it is said to be the first.
                self._initial = (lower or IR6, upper) if alone else (IR6, None)
                if not alone:
                    findings.append(
                        _finding(
                            "charset-first", f"{term} cannot be the first value; the default repertoire precedes it"
                        )
                    )
            sets += [element for element in (lower, upper) if element is not None and element not in sets]
        for element in self._initial:
            if element is not None and element not in sets:
                sets.insert(0, element)
        self._extensions = tuple(sets)
        self._fallback = next((element for element in sets if element.upper), None)

    @staticmethod
    def of(terms: Sequence[str] | str | None) -> Charsets:
        """The meaning of the values of (0008,0005), in order; None and nothing are the default repertoire. Cached."""
        if terms is None:
            return DEFAULT
        values = tuple(terms.split("\\")) if isinstance(terms, str) else tuple(terms)
        if sum(map(len, values)) > 512:  # a hostile value must not fill the cache
            return Charsets(values)
        return _cached(values)

    @property
    def is_ascii(self) -> bool:
        """Whether the bytes below 80, escape sequences apart, are ASCII; with ISO-IR 14 two of them are not."""
        return self._initial[0] is IR6

    def __repr__(self) -> str:
        return f"Charsets.of({self.terms!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Charsets) and other.terms == self.terms

    def __hash__(self) -> int:
        return hash(self.terms)

    def __reduce__(self) -> tuple[type[Charsets], tuple[tuple[str, ...]]]:
        return Charsets, (self.terms,)

    # -- bytes to text

    def decode(self, raw: Buffer, vr: str) -> str:
        """The text of a whole value field of ``vr`` (LO, LT, PN, SH, ST, UC, UT), padding and backslashes included.
        Never raises.
        """
        if self._whole:
            try:
                text = str(raw, self._whole)
            except UnicodeDecodeError:
                pass
            else:
                if "\x1b" not in text or self._codec:
                    return text
        if self._codec:
            return str(raw, self._reading, "replace")
        return self._decode_iso2022(bytes(raw), vr)

    def _decode_iso2022(self, raw: bytes, vr: str) -> str:
        out: list[str] = []
        lower, upper = self._initial
        single = _run_pattern(vr)
        at, end = 0, len(raw)
        while at < end:
            if raw[at] == 0x1B:
                element = ESCAPES.get(raw[at : at + 4]) or ESCAPES.get(raw[at : at + 3])
                if element is not None:
                    lower, upper = (lower, element) if element.upper else (element, upper)
                    at += len(element.escape) if raw.startswith(element.escape, at) else _old_length(raw, at)
                    continue
            match = (_RUN_TWO_BYTES if lower.width == 2 else single).match(raw, at)
            if match is None:  # a delimiter or a control character
                out.append(chr(raw[at]))
                lower, upper = self._initial
                at += 1
            else:
                out.append(self._decode_run(match[0], lower, upper, vr))
                at = match.end()
        return "".join(out)

    def _decode_run(self, run: bytes, lower: CodeElement, upper: CodeElement | None, vr: str) -> str:
        if lower is IR6 and run.isascii():
            return run.decode("ascii")
        upper = upper or self._fallback
        text = "".join([_decode_half(half, lower if half[0] < 0x80 else upper) for half in _HALVES.findall(run)])
        if REPLACEMENT in text and upper is not None and lower.width == 1:
            for codec in upper.supersets:
                try:
                    return run.decode(codec)
                except UnicodeDecodeError:
                    continue
        return text

    def check(self, raw: Buffer, vr: str) -> tuple[Finding, ...]:
        """What in ``raw`` is no text of these sets: bytes without a character, bytes of the upper half with no set
        declared.
        """
        data = bytes(raw)
        if data.isascii() and b"\x1b" not in data:
            return ()
        if self._codec:  # where U+FFFD itself may be in the text
            try:
                data.decode(self._reading)
            except UnicodeDecodeError:
                return (_finding("charset-bytes", "bytes that are no character of the declared character set"),)
            return ()
        if REPLACEMENT in self.decode(data, vr):
            return (_finding("charset-bytes", "bytes that are no character of the declared character set"),)
        if self._fallback is None and not data.isascii() and b"\x1b" not in data:
            return (
                _finding("charset-undeclared", "bytes outside the default repertoire, and no character set declared"),
            )
        named = [ESCAPES[found] for found in _escapes_in(data)]
        if any(element not in self._extensions and element is not IR6 for element in named):
            return (_finding("charset-escape", "an escape sequence for a character set that is not declared"),)
        return ()

    # -- text to bytes

    def encode(self, text: str, vr: str) -> bytes:
        """The bytes of ``text``, not padded; ``ValueEncodeError`` where no declared set has a character of it."""
        if self._codec:
            try:
                return text.encode(self._codec)
            except UnicodeEncodeError as error:
                raise self._refuse(text[error.start]) from None
        if "\x1b" in text:
            raise ValueEncodeError("ESC is for code extensions and cannot be part of a text (PS3.5 6.1.3)")
        if self._initial[0] is IR6 and text.isascii():
            return text.encode("ascii")
        return self._encode_iso2022(text, vr)

    def _encode_iso2022(self, text: str, vr: str) -> bytes:
        out = bytearray()
        lower, upper = self._initial
        delimiters = _delimiters(vr)
        head = 0  # where the line, the value or the component begins
        for character in text:
            if character in delimiters or character < " ":
                self._return(out, lower, upper)
                lower, upper = self._initial
                out += character.encode("ascii")
                head = len(out)
                continue
            code = lower.codes.get(character) or (upper.codes.get(character) if upper is not None else None)
            if code is None:
                element = self._having(character)
                at = head if element.at_head and _is_plain(out[head:]) else len(out)
                out[at:at] = element.escape
                lower, upper = (lower, element) if element.upper else (element, upper)
                code = element.codes[character]
            if code == b"\\" and vr in _MULTIPLE | {"PN"}:
                # The yen sign of ISO-IR 14: its byte would divide values here.
                raise self._refuse(character)
            out += code
        self._return(out, lower, upper)
        return bytes(out)

    def _having(self, character: str) -> CodeElement:
        first = self._initial[0]
        if character in first.codes:
            return first
        for element in self._extensions:
            if character in element.codes:
                return element
        raise self._refuse(character)

    def _return(self, out: bytearray, lower: CodeElement, upper: CodeElement | None) -> None:
        """Back to the initial sets, as they have to be in use before a delimiter and at the end."""
        if lower is not self._initial[0]:
            out += self._initial[0].escape
        if upper is not self._initial[1] and self._initial[1] is not None:
            out += self._initial[1].escape

    def _refuse(self, character: str) -> ValueEncodeError:
        # The character itself may be part of a name; its code point says enough.
        declared = "\\".join(self.terms) or "the default repertoire"
        return ValueEncodeError(
            f"a character of Unicode block {ord(character) >> 8:02X}xx cannot be written in {declared}",
            hint="set SpecificCharacterSet to ISO_IR 192",
        )


def _understand(term: str, count: int, findings: list[Finding]) -> str | None:
    meant = canonical(term)
    shown = term[:32]
    if meant is None:
        findings.append(_finding("charset-unknown", f"unknown term {shown!r}; the default repertoire is taken instead"))
        return ""
    if meant == "":
        return meant
    defined = meant
    if meant == "ISO_IR 6":
        defined = "ISO 2022 IR 6"
        if count == 1:
            findings.append(_finding("charset-term", f"{shown!r} is no defined term; the default repertoire has none"))
            return meant
    elif count > 1 and meant.startswith("ISO_IR ") and meant not in STAND_ALONE:
        defined = meant.replace("ISO_IR", "ISO 2022 IR")
    if term.strip(" \0") != defined:
        findings.append(_finding("charset-term", f"{shown!r} is no defined term here; {defined!r} is meant"))
    return meant


def _finding(code: str, text: str) -> Finding:
    return Finding(code, text, path=(0x00080005,), section=_SECTION)


def _decode_half(half: bytes, element: CodeElement | None) -> str:
    return half.decode("latin-1") if element is None else element.decode(half)


def _is_plain(data: bytearray) -> bool:
    return data.isascii() and 0x1B not in data


def _run_pattern(vr: str) -> re.Pattern[bytes]:
    if vr == "PN":
        return _RUN_NAME
    return _RUN_MULTIPLE if vr in _MULTIPLE else _RUN_TEXT


def _delimiters(vr: str) -> str:
    if vr == "PN":
        return "\\^="
    return "\\" if vr in _MULTIPLE else ""


def _old_length(raw: bytes, at: int) -> int:
    return 4 if raw[at : at + 4] in ESCAPES else 3


def _escapes_in(data: bytes) -> list[bytes]:
    return [
        data[at : at + size]
        for at in range(len(data))
        if data[at] == 0x1B
        for size in (3, 4)
        if data[at : at + size] in ESCAPES
    ]


@lru_cache(maxsize=256)
def _cached(terms: tuple[str, ...]) -> Charsets:
    return Charsets(terms)


DEFAULT = Charsets(())
"""The default repertoire, ISO-IR 6 (PS3.5 6.1.2.1)."""

"""One command set: values by keyword, to and from the bytes of PS3.7 6.3.1.

Rules of this module:

- A command set is group 0000 in implicit VR little endian, elements in order, the group length first and right.
- ``decode`` raises ``RemoteProtocolError`` for what is no command set, names no message, or lacks what its message
  needs; it keeps what the message may hold and passes over other elements of group 0000 (retired ones, PS3.7 E.2).
- ``encode`` raises ``LocalProtocolError`` for a message that would not be one.
- Nothing here grows with what a length says: the caller bounds the bytes.

Sources: PS3.7 6.3.1, 9.3, 10.3, E.1. Touches ``kerma.errors`` and the tables of ``fields``.
"""

from __future__ import annotations

from struct import Struct, error, unpack
from typing import Any, NoReturn

from kerma.dimse.fields import ELEMENTS, MESSAGES, NO_DATA_SET, TAG_OF, CommandField, DataSet, Kind
from kerma.errors import LocalProtocolError, RemoteProtocolError

Buffer = bytes | bytearray | memoryview

_ELEMENT = Struct("<HHI").unpack_from
_GROUP_LENGTH = bytes(4) + b"\x04\0\0\0"

# For each message its elements in tag order: keyword, how to encode, the first bytes (tag; for US also the length).
_LAYOUT: dict[int, tuple[tuple[str, Kind, bytes], ...]] = {}
for _field, _message in MESSAGES.items():
    _keywords = {*_message.required, *_message.optional, "CommandField", "CommandDataSetType"}
    _rows = []
    for _tag, (_keyword, _kind) in sorted(ELEMENTS.items()):
        if _keyword in _keywords:
            _prefix = b"\0\0" + _tag.to_bytes(2, "little")
            _rows.append((_keyword, _kind, _prefix + b"\2\0\0\0" if _kind is Kind.US else _prefix))
    _LAYOUT[_field] = tuple(_rows)

_ALLOWED = {field: frozenset(keyword for keyword, _, _ in rows) for field, rows in _LAYOUT.items()}
_BY_ELEMENT = {tag & 0xFFFF: row for tag, row in ELEMENTS.items()}
_FIELDS: dict[int, CommandField] = {int(field): field for field in CommandField}


def _broken(message: str) -> NoReturn:
    # The DIMSE machine is the user of the upper layer, so the abort is the service-user's (PS3.8 table 9-26).
    raise RemoteProtocolError(message, source=0, reason=0)


class Command:
    """A command set. Values are read as attributes by keyword (``command.Status``) or with ``get``; it does not change.

    US -> int; UI, AE, LO -> str without padding; AT -> tuple of int tags. ``AttributeError`` for what is not there.
    """

    __slots__ = ("_values", "field")

    field: CommandField

    def __init__(self, field: CommandField, **values: Any) -> None:
        allowed = _ALLOWED[field]
        for keyword, value in values.items():
            if keyword not in allowed:
                raise LocalProtocolError(f"{field.printed} has no element {keyword}")
            if value is None:
                raise LocalProtocolError(f"{keyword} of {field.printed} is None; leave it out instead")
        self.field = field
        values["CommandField"] = int(field)
        if "CommandDataSetType" not in values:
            values["CommandDataSetType"] = 1 if MESSAGES[field].data_set is DataSet.ALWAYS else NO_DATA_SET
        self._values = values

    @property
    def has_data(self) -> bool:
        """Whether a data set follows."""
        return bool(self._values["CommandDataSetType"] != NO_DATA_SET)

    @property
    def is_response(self) -> bool:
        return self.field >= 0x8000

    def get(self, keyword: str, default: Any = None) -> Any:
        return self._values.get(keyword, default)

    def __getattr__(self, name: str) -> Any:
        # Slots that are not set yet come here too (copy, pickle): they are no elements.
        if name in TAG_OF:
            try:
                return self._values[name]
            except KeyError:
                raise AttributeError(f"{self.field.printed} has no {name} here") from None
        raise AttributeError(name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Command) and self._values == other._values

    def __hash__(self) -> int:
        return hash(tuple(sorted(self._values.items())))

    def __repr__(self) -> str:
        # No names and comments: nothing of a patient may come into a log this way.
        return f"<{self.field.printed} {'with' if self.has_data else 'without'} data set>"

    def response(self, status: int, **values: Any) -> Command:
        """The response to this request: message ID and UIDs that go back (PS3.7 9.3, 10.3), ``status``, ``values``."""
        own = self._values
        answer: dict[str, Any] = {"MessageIDBeingRespondedTo": own["MessageID"], "Status": status}
        sop_class = own.get("AffectedSOPClassUID", own.get("RequestedSOPClassUID"))
        instance = own.get("AffectedSOPInstanceUID", own.get("RequestedSOPInstanceUID"))
        if sop_class is not None:
            answer["AffectedSOPClassUID"] = sop_class
        if instance is not None:
            answer["AffectedSOPInstanceUID"] = instance
        for keyword in ("EventTypeID", "ActionTypeID"):
            if keyword in own:
                answer[keyword] = own[keyword]
        answer.update(values)
        return Command(_FIELDS[self.field | 0x8000], **answer)

    def encode(self, *, has_data: bool | None = None) -> bytes:
        """The command set; ``has_data`` says whether a data set follows, by default what Command Data Set Type says."""
        values = self._values
        message = MESSAGES[self.field]
        for keyword in message.required:
            if keyword not in values:
                raise LocalProtocolError(f"{self.field.printed} lacks {keyword}")
        if has_data is None:
            has_data = self.has_data
        if message.data_set is not DataSet.MAYBE and has_data is not (message.data_set is DataSet.ALWAYS):
            raise LocalProtocolError(f"{self.field.printed} {'has no' if has_data else 'needs a'} data set")
        parts = [_GROUP_LENGTH, b""]
        try:
            for keyword, kind, prefix in _LAYOUT[self.field]:
                value = values.get(keyword)
                if value is None:
                    continue
                if kind is Kind.US:
                    if keyword == "CommandDataSetType" and has_data is not (value != NO_DATA_SET):
                        value = 1 if has_data else NO_DATA_SET
                    parts.append(prefix + value.to_bytes(2, "little"))
                else:
                    data = _encode_value(kind, value)
                    parts.append(prefix + len(data).to_bytes(4, "little") + data)
        except (OverflowError, AttributeError, TypeError, ValueError, error):
            raise LocalProtocolError(f"{keyword} of {self.field.printed} is no {kind.name} value") from None
        parts[1] = (sum(map(len, parts)) - 8).to_bytes(4, "little")
        return b"".join(parts)

    @classmethod
    def decode(cls, data: Buffer) -> Command:
        """The command set in ``data``."""
        values: dict[str, Any] = {}
        position, end = 0, len(data)
        while position < end:
            if end - position < 8:
                _broken(f"{end - position} stray bytes at the end of a command set")
            group, element, length = _ELEMENT(data, position)
            position += 8
            if group:
                _broken(f"element ({group:04X},{element:04X}) in a command set")
            if length > end - position:
                _broken(f"command element (0000,{element:04X}) of {length} bytes where {end - position} are left")
            row = _BY_ELEMENT.get(element)
            stop = position + length
            if row is not None:
                keyword, kind = row
                if keyword in values:
                    _broken(f"command element (0000,{element:04X}) is there twice")
                if kind is Kind.US:
                    if length == 2:
                        values[keyword] = data[position] | data[position + 1] << 8
                    elif length:
                        _broken(f"command element (0000,{element:04X}) has {length} bytes instead of 2")
                elif length:
                    values[keyword] = _decode_value(kind, element, data[position:stop])
            position = stop
        return cls._checked(values)

    @classmethod
    def _checked(cls, values: dict[str, Any]) -> Command:
        number = values.get("CommandField")
        if number is None:
            _broken("a command set without Command Field (0000,0100)")
        field = _FIELDS.get(number)
        if field is None:
            _broken(f"Command Field {number:04X}H is not defined")
        message = MESSAGES[field]
        for keyword in message.required:
            if keyword not in values:
                _broken(f"{field.printed} lacks {keyword} (0000,{TAG_OF[keyword]:04X})")
        kind = values.get("CommandDataSetType")
        if kind is None:
            _broken(f"{field.printed} lacks CommandDataSetType (0000,0800)")
        if message.data_set is not DataSet.MAYBE and (kind != NO_DATA_SET) is not (message.data_set is DataSet.ALWAYS):
            says = "no" if kind == NO_DATA_SET else "a"
            _broken(f"{field.printed} says that {says} data set follows")
        allowed = _ALLOWED[field]
        if not allowed.issuperset(values):
            values = {keyword: value for keyword, value in values.items() if keyword in allowed}
        command = cls.__new__(cls)
        command.field = field
        command._values = values
        return command


def _encode_value(kind: Kind, value: Any) -> bytes:
    if kind is Kind.AT:
        tags = (value,) if isinstance(value, int) else value
        return b"".join((tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little") for tag in tags)
    # Command sets have no character set: the default repertoire, and nothing is lost that a peer needs to act.
    data: bytes = value.encode("ascii", "strict" if kind is Kind.UI else "replace")
    if len(data) & 1:
        data += b"\0" if kind is Kind.UI else b" "
    return data


def _decode_value(kind: Kind, element: int, data: Buffer) -> Any:
    if kind is Kind.UI:
        return str(data, "latin-1").rstrip("\0 ")
    if kind is Kind.AT:
        if len(data) % 4:
            _broken(f"command element (0000,{element:04X}) has {len(data)} bytes, which is no list of tags")
        words = unpack(f"<{len(data) // 2}H", data)
        return tuple(group << 16 | number for group, number in zip(words[::2], words[1::2], strict=True))
    if kind is Kind.UL:
        if len(data) != 4:
            _broken(f"command element (0000,{element:04X}) has {len(data)} bytes instead of 4")
        return int.from_bytes(data, "little")
    text = str(data, "latin-1")
    return text.strip(" \0") if kind is Kind.AE else text.rstrip(" \0")

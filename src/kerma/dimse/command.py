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
from typing import Any, NamedTuple, NoReturn

from kerma.dimse.fields import ELEMENTS, MESSAGES, NO_DATA_SET, TAG_OF, CommandField, DataSet, Kind
from kerma.errors import LocalProtocolError, RemoteProtocolError

Buffer = bytes | bytearray | memoryview

# The tag as one number, element in the upper half: little endian has the group first.
_ELEMENT = Struct("<II").unpack_from
_GROUP_LENGTH = bytes(4) + b"\x04\0\0\0"
_US, _UI, _AE, _LO, _AT = Kind.US, Kind.UI, Kind.AE, Kind.LO, Kind.AT
_MAYBE, _ALWAYS = DataSet.MAYBE, DataSet.ALWAYS


class _Plan(NamedTuple):
    """What coding one message needs, worked out once."""

    field: CommandField
    rows: tuple[tuple[str, Kind, bytes, bool], ...]
    """Its elements in tag order: keyword, how to encode, first bytes (tag; for US also length), whether required."""
    allowed: frozenset[str]
    required: tuple[str, ...]
    data_set: DataSet


def _plan(field: CommandField) -> _Plan:
    message = MESSAGES[field]
    keywords = {*message.required, *message.optional, "CommandField", "CommandDataSetType"}
    rows = []
    for tag, (keyword, kind) in sorted(ELEMENTS.items()):
        if keyword in keywords:
            prefix = b"\0\0" + tag.to_bytes(2, "little") + (b"\2\0\0\0" if kind is _US else b"")
            rows.append((keyword, kind, prefix, keyword in message.required))
    return _Plan(field, tuple(rows), frozenset(keywords), message.required, message.data_set)


# By plain numbers: the hash of an enumeration's member is a call of Python code.
_PLANS: dict[int, _Plan] = {int(field): _plan(field) for field in CommandField}
_BY_ELEMENT = {tag << 16: row for tag, row in ELEMENTS.items() if tag}


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
        plan = _PLANS[int(field)]
        for keyword, value in values.items():
            if keyword not in plan.allowed:
                raise LocalProtocolError(f"{field.printed} has no element {keyword}")
            if value is None:
                raise LocalProtocolError(f"{keyword} of {field.printed} is None; leave it out instead")
        self.field = field
        values["CommandField"] = int(field)
        if "CommandDataSetType" not in values:
            values["CommandDataSetType"] = 1 if plan.data_set is _ALWAYS else NO_DATA_SET
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
        return Command(_PLANS[self.field | 0x8000].field, **answer)

    def encode(self, *, has_data: bool | None = None) -> bytes:
        """The command set; ``has_data`` says whether a data set follows, by default what Command Data Set Type says."""
        values = self._values
        plan = _PLANS[values["CommandField"]]
        if has_data is None:
            has_data = values["CommandDataSetType"] != NO_DATA_SET
        if plan.data_set is not _MAYBE and has_data is not (plan.data_set is _ALWAYS):
            raise LocalProtocolError(f"{self.field.printed} {'has no' if has_data else 'needs a'} data set")
        parts = []
        try:
            for keyword, kind, prefix, required in plan.rows:
                value = values.get(keyword)
                if value is None:
                    if required:
                        raise LocalProtocolError(f"{self.field.printed} lacks {keyword}")
                    continue
                if kind is _US:
                    if keyword == "CommandDataSetType" and has_data is not (value != NO_DATA_SET):
                        value = 1 if has_data else NO_DATA_SET
                    parts.append(prefix + value.to_bytes(2, "little"))
                else:
                    data = _encode_value(kind, value)
                    parts.append(prefix + len(data).to_bytes(4, "little") + data)
        except (OverflowError, AttributeError, TypeError, ValueError, error):
            raise LocalProtocolError(f"{keyword} of {self.field.printed} is no {kind.name} value") from None
        body = b"".join(parts)
        return _GROUP_LENGTH + len(body).to_bytes(4, "little") + body

    @classmethod
    def decode(cls, data: Buffer) -> Command:
        """The command set in ``data``."""
        data = bytes(data)
        values: dict[str, Any] = {}
        position, end = 0, len(data)
        while position < end:
            if end - position < 8:
                _broken(f"{end - position} stray bytes at the end of a command set")
            tag, length = _ELEMENT(data, position)
            position += 8
            stop = position + length
            if stop > end or tag & 0xFFFF:
                _misfit(tag, length, end - position)
            row = _BY_ELEMENT.get(tag)
            if row is not None:
                keyword, kind = row
                if keyword in values:
                    _broken(f"command element {_printed(tag)} is there twice")
                if kind is _US:
                    if length == 2:
                        values[keyword] = data[position] | data[position + 1] << 8
                    elif length:
                        _broken(f"command element {_printed(tag)} has {length} bytes instead of 2")
                elif length and (value := _decode_value(kind, tag, data[position:stop])) != "":
                    values[keyword] = value  # padding alone is no value
            position = stop
        return cls._checked(values)

    @classmethod
    def _checked(cls, values: dict[str, Any]) -> Command:
        number = values.get("CommandField")
        if number is None:
            _broken("a command set without Command Field (0000,0100)")
        plan = _PLANS.get(number)
        if plan is None:
            _broken(f"Command Field {number:04X}H is not defined")
        field, _, allowed, required, data_set = plan
        for keyword in required:
            if keyword not in values:
                _broken(f"{field.printed} lacks {keyword} (0000,{TAG_OF[keyword]:04X})")
        kind = values.get("CommandDataSetType")
        if kind is None:
            _broken(f"{field.printed} lacks CommandDataSetType (0000,0800)")
        if data_set is not _MAYBE and (kind != NO_DATA_SET) is not (data_set is _ALWAYS):
            says = "no" if kind == NO_DATA_SET else "a"
            _broken(f"{field.printed} says that {says} data set follows")
        if not allowed.issuperset(values):
            values = {keyword: value for keyword, value in values.items() if keyword in allowed}
        command = cls.__new__(cls)
        command.field = field
        command._values = values
        return command


def _printed(tag: int) -> str:
    return f"({tag & 0xFFFF:04X},{tag >> 16:04X})"


def _misfit(tag: int, length: int, left: int) -> NoReturn:
    if tag & 0xFFFF:
        _broken(f"element {_printed(tag)} in a command set")
    _broken(f"command element {_printed(tag)} of {length} bytes where {left} are left")


def _encode_value(kind: Kind, value: Any) -> bytes:
    if kind is _AT:
        tags = (value,) if isinstance(value, int) else value
        return b"".join((tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little") for tag in tags)
    # Command sets have no character set. UIDs and titles go back to who sent them byte for byte, whatever they hold; a
    # comment is for reading and keeps to the default repertoire.
    data: bytes = value.encode("ascii", "replace") if kind is _LO else value.encode("latin-1")
    if len(data) & 1:
        data += b"\0" if kind is _UI else b" "
    return data


def _decode_value(kind: Kind, tag: int, data: bytes) -> Any:
    if kind is _AT:
        if len(data) % 4:
            _broken(f"command element {_printed(tag)} has {len(data)} bytes, which is no list of tags")
        words = unpack(f"<{len(data) // 2}H", data)
        return tuple(group << 16 | number for group, number in zip(words[::2], words[1::2], strict=True))
    text = data.decode("latin-1")
    return text.strip(" \0") if kind is _AE else text.rstrip(" \0")

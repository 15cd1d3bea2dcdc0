"""``Dataset``: keyword and mapping access over an index of bytes (PS3.5 7, PS3.6).

Rules of this module:

- Attribute names with a capital are DICOM keywords; everything else is Python's. Nothing else lives here: writing,
  walking, comparing and printing have modules of their own.
- A value that is assigned is brought to the form in which it would be read back, so that ``ds`` and its file agree.
- No method recurses into items.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Self

from kerma import values
from kerma.dataset import compare, copying, walking, writing
from kerma.dataset.assign import choose_vr, normal_value
from kerma.dataset.body import CHARSET, Body, Inherited
from kerma.dataset.element import Element
from kerma.dataset.items import read_sequence
from kerma.dataset.keywords import attribute
from kerma.dataset.private import PrivateBlock, private_block, private_blocks
from kerma.dataset.sequence import Sequence
from kerma.encoding.inflate import inflate
from kerma.encoding.marks import Marks
from kerma.encoding.source import Buffer
from kerma.encoding.swap import WORD_SIZES
from kerma.encoding.syntax import EXPLICIT_LE, UNDEFINED, Encoding, encoding_of, key_of, tag_of
from kerma.errors import FormatError, KermaError, ValueFormatError
from kerma.findings import Finding
from kerma.limits import Limits, Strictness
from kerma.standard import elements

if TYPE_CHECKING:
    from kerma.dataset._gen.attributes import Attributes
else:
    Attributes = object  # what it types is read by dataset.keywords

_KEYS: dict[str, int] = {}  # keyword -> index key, of the keywords that were used
_BULK = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
_DEFAULT_LIMITS = Limits()


class FileState:
    """What a data set that came from a file or stream keeps besides its elements."""

    __slots__ = ("closer", "deflated", "findings", "meta", "preamble", "size", "tail", "uid", "whole")

    def __init__(self) -> None:
        self.uid: str | None = None
        self.preamble: bytes | None = None
        self.size: int | None = None  # bytes of the file that it came from
        self.meta: Any = None  # Dataset, or (buf, start, end, marks) until somebody asks
        self.whole: Callable[[], Buffer] | None = None  # gives the whole file, for writing it as it came
        self.deflated: Buffer | None = None  # the data set's bytes before they were inflated
        self.findings: list[Finding] = []
        self.closer: Any = None


def _key_of_name(name: str) -> int | None:
    tag = elements.tag_of(name)
    if tag is None:
        return None
    key = key_of(tag)
    setattr(Dataset, name, attribute(key))
    _KEYS[name] = key
    return key


class Dataset(Attributes):
    """A DICOM data set. ``Dataset()`` is empty; ``from_bytes`` and ``kerma.read`` give one over bytes."""

    __slots__ = ("__weakref__", "_body", "_file")

    _body: Body
    _file: FileState | None

    def __init__(self) -> None:
        _set_body(self, Body.new())
        _set_file(self, None)

    @classmethod
    def from_body(cls, body: Body, file: FileState | None = None) -> Self:
        """A data set over a body; for the rooms that make bodies."""
        ds = cls.__new__(cls)
        _set_body(ds, body)
        _set_file(ds, file)
        return ds

    @classmethod
    def from_bytes(
        cls,
        data: Buffer,
        transfer_syntax_uid: str,
        *,
        limits: Limits = _DEFAULT_LIMITS,
        strictness: Strictness = Strictness.LENIENT,
    ) -> Self:
        """A data set (PS3.5 7), lazily over ``data``, which must not change while it is used; a ``bytearray`` is
        copied.

        Raises ``FormatError`` and its kinds with offset and tag path, ``UnsupportedSyntaxError`` for an unknown syntax.
        """
        encoding, deflated = encoding_of(transfer_syntax_uid)
        buf: Buffer = data if isinstance(data, bytes) else _steady(data)
        file = FileState()
        file.uid = transfer_syntax_uid
        marks = Marks(limits, strictness)
        if deflated:
            file.deflated = buf
            buf = inflate(buf, limits)
        body = Body(buf, 0, len(buf), encoding, marks)
        body.settle()
        return cls.from_body(body, file)

    # -- what it came with ---------------------------------------------------------------------------------------------

    @property
    def transfer_syntax_uid(self) -> str | None:
        """The transfer syntax that the bytes are in; None for a data set that was built."""
        file = self._file
        return None if file is None else file.uid

    @property
    def preamble(self) -> bytes | None:
        """The 128 bytes before "DICM" (PS3.10 7.1); None without a file, or where the file has none."""
        return None if self._file is None else self._file.preamble

    @preamble.setter
    def preamble(self, value: bytes | None) -> None:
        if value is not None and len(value) != 128:
            raise FormatError("a preamble has 128 bytes (PS3.10 7.1)")
        file = self._own_file()
        file.preamble = value
        file.size = file.whole = None

    @property
    def meta(self) -> Dataset | None:
        """The file meta information (PS3.10 7.1), a Dataset of group 0002; None where there is none."""
        file = self._file
        if file is None or file.meta is None:
            return None
        if type(file.meta) is tuple:
            file.meta = Dataset.from_body(Body(*file.meta))
        meta: Dataset | None = file.meta
        return meta

    @meta.setter
    def meta(self, value: Dataset | None) -> None:
        self._own_file().meta = value
        self._own_file().whole = None

    @property
    def findings(self) -> list[Finding]:
        """What was noticed so far. Items are looked at when they are used; ``kerma.dataset.lint`` looks at
        everything.
        """
        found = list(self._file.findings) if self._file is not None else []
        return found + self._body.marks.findings

    def _own_file(self) -> FileState:
        file = self._file
        if file is None:
            file = FileState()
            _set_file(self, file)
        return file

    def close(self) -> None:
        """Let go of the file that it was read from. Values that were not decoded are out of reach after that."""
        file = self._file
        if file is not None and file.closer is not None:
            closer, file.closer = file.closer, None
            closer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- reading -------------------------------------------------------------------------------------------------------

    if not TYPE_CHECKING:  # type checkers have the attributes one by one, and tell of a name that is none

        def __getattr__(self, name: str) -> Any:
            # Called for a keyword that is asked for the first time or absent here, and for what is no keyword.
            if name not in _KEYS:
                if _key_of_name(name) is None:
                    raise AttributeError(f"Dataset has no attribute {name!r}{_meant(name)}")
                return getattr(self, name)
            raise AttributeError(f"the data set has no {name}")

    def _placed(self, error: ValueFormatError, key: int, at: int | str) -> ValueFormatError:
        """A decoder's error with the place that it happened at."""
        offset = at if isinstance(at, int) else None
        return ValueFormatError(error.message, offset=offset, path=(*self._body.path, tag_of(key)))

    def _decode(self, key: int, at: int | str) -> Any:
        """The value of a raw element, decoded and kept."""
        body = self._body
        if isinstance(at, str):
            return body.cache[key]
        head = body.header(at)
        vr = head.vr
        if not vr or vr == "UN":
            vr = body.vr_of(head)
        length = head.length
        if vr == "SQ":
            value: Any = read_sequence(body, head, Dataset.from_body)
        elif length == UNDEFINED:
            value = memoryview(body.buf)[head.value : body.value_end(head)].toreadonly()
        else:
            start = head.value
            view = length > 1024 or vr in _BULK
            buf = body.near(start + length)
            raw = (memoryview(buf) if view else buf)[start : start + length]
            little = body.encoding.little_endian or head.vr == "UN"
            try:
                value = values.decode(vr, raw, little_endian=little, charsets=body.charsets)
            except ValueFormatError as error:
                raise self._placed(error, key, at) from error
        body.cache[key] = value
        return value

    def sequence_of(self, tag: int) -> Sequence:
        """The sequence of ``tag``, not kept where it was not yet asked for: for walks."""
        body = self._body
        key = key_of(tag)
        kept = body.cache.get(key)
        if isinstance(kept, Sequence):
            return kept
        return read_sequence(body, body.header(self._at(key)), Dataset.from_body)  # type: ignore[arg-type]

    def _at(self, key: int) -> int | str:
        at = self._body.find(key)
        if at is None:
            raise KeyError(key)
        return at

    def word_size(self, tag: int) -> int:
        """Bytes of the words that a raw value of ``tag`` has in the other byte order than a little endian one; 1
        where it has not.
        """
        body = self._body
        at = self._at(key_of(tag))
        if isinstance(at, str) or body.encoding.little_endian:
            return 1
        head = body.header(at)
        return WORD_SIZES.get(head.vr or body.vr_of(head), 1)

    def value_of(self, tag: int) -> Any:
        """The value of the element ``tag``; ``KeyError`` where it is absent."""
        key = key_of(tag)
        body = self._body
        if key in body.cache:
            return body.cache[key]
        return self._decode(key, self._at(key))

    def vr_of(self, tag: int) -> str:
        """The VR that the value of ``tag`` is read with; ``KeyError`` where it is absent."""
        body = self._body
        at = self._at(key_of(tag))
        return at if isinstance(at, str) else body.vr_of(body.header(at))

    def fragments_of(self, tag: int) -> list[tuple[int, int]]:
        """(offset, length) of the fragments of an encapsulated element, the basic offset table first (PS3.5 A.4)."""
        body = self._body
        at = self._at(key_of(tag))
        head = body.header(at) if isinstance(at, int) else None
        if head is None or head.length != UNDEFINED:
            raise FormatError("the element is not encapsulated", path=(*body.path, tag))
        pair = body.encoding.pair.unpack_from
        pos, end = head.value, body.value_end(head)
        found: list[tuple[int, int]] = []
        while pos + 8 <= end:
            _, length = pair(body.buf, pos)
            if length > end - pos - 8:
                raise FormatError("a fragment goes past the pixel data", offset=pos, path=(*body.path, tag))
            found.append((pos + 8, length))
            pos += 8 + length
        return found

    # -- mapping -------------------------------------------------------------------------------------------------------

    def __getitem__(self, key: str | int) -> Element:
        tag = _tag(key)
        if self._body.find(key_of(tag)) is None:
            raise KeyError(key)
        return Element(self, tag)

    def get(self, key: str | int, default: Any = None) -> Any:
        """The value of ``key`` (keyword, tag number or "gggg,eeee"), ``default`` where absent."""
        try:
            tag = _tag(key)
        except KeyError:
            return default
        return self.value_of(tag) if self._body.find(key_of(tag)) is not None else default

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, (str, int)):
            return False
        try:
            return self._body.find(key_of(_tag(key))) is not None
        except KeyError:
            return False

    def __len__(self) -> int:
        return len(self._body.index)

    def __iter__(self) -> Iterator[int]:
        """Tags in ascending order."""
        return iter(sorted([tag_of(key) for key in self._body.index]))

    def elements(self) -> Iterator[Element]:
        """The elements in ascending order of their tags."""
        return (Element(self, tag) for tag in self)

    def __bool__(self) -> bool:
        return True

    def keywords(self) -> list[str]:
        """The keywords of the elements that have one, in tag order."""
        return [keyword for keyword in map(elements.keyword_of, self) if keyword]

    # -- changing ------------------------------------------------------------------------------------------------------

    if not TYPE_CHECKING:

        def __setattr__(self, name: str, value: Any) -> None:
            if not name[:1].isupper() and name != "dBdt":  # the one keyword that begins small
                object.__setattr__(self, name, value)
                return
            key = _KEYS.get(name)
            if key is None:
                key = _key_of_name(name)
                if key is None:
                    raise AttributeError(f"{name!r} is no keyword of PS3.6{_meant(name)}")
            self._assign(key, None, value)

    def __setitem__(self, key: str | int, value: Any) -> None:
        if isinstance(value, Element):
            self.add(key, value.vr, value.value)
        else:
            self._assign(key_of(_tag(key)), None, value)

    def add(self, key: str | int, vr: str, value: Any) -> None:
        """Set an element with an explicit VR: for private and unknown ones, and where the standard leaves a choice."""
        self._assign(key_of(_tag(key)), vr, value)

    def _assign(self, key: int, vr: str | None, value: Any) -> None:
        body = self._body
        index = body.index
        if key == CHARSET:
            _ = body.charsets  # how the bytes are read must not follow what is written
        tag = tag_of(key)
        if vr is None:
            at = index.get(key)
            vr = at if isinstance(at, str) else choose_vr(tag, value, body, at)
        body.cache[key] = normal_value(tag, vr, value)
        index[key] = vr
        body.changed = True

    def update(self, pairs: Iterable[tuple[str | int, Any]]) -> None:
        """Assign each (keyword or tag, value)."""
        for key, value in pairs:
            self[key] = value

    def __delattr__(self, name: str) -> None:
        tag = elements.tag_of(name)
        if tag is None or key_of(tag) not in self._body.index:
            raise AttributeError(f"the data set has no {name}")
        self._remove(key_of(tag))

    def __delitem__(self, key: str | int) -> None:
        tag = _tag(key)
        if key_of(tag) not in self._body.index:
            raise KeyError(key)
        self._remove(key_of(tag))

    def _remove(self, key: int) -> None:
        body = self._body
        if key == CHARSET:
            _ = body.charsets
        del body.index[key]
        body.cache.pop(key, None)
        body.changed = True

    def pop(self, key: str | int, default: Any = None) -> Any:
        """Remove an element and return its value, ``default`` where absent."""
        value = self.get(key, default)
        if key in self:
            del self[key]
        return value

    # -- as a whole ----------------------------------------------------------------------------------------------------

    def to_bytes(self, transfer_syntax_uid: str | None = None) -> bytes:
        """The data set in a transfer syntax; None is as it came, byte for byte where untouched, explicit little
        endian for a new one.
        """
        return writing.to_bytes(self, transfer_syntax_uid)

    def chunks(self, transfer_syntax_uid: str | None = None) -> Iterator[Buffer]:
        """The same in pieces of at most a megabyte."""
        return writing.chunks(self, transfer_syntax_uid)

    def walk(self) -> Iterator[tuple[tuple[int, ...], Element]]:
        """(path, element) of every element, items included, in tag order; the path is tag, item index, tag ..."""
        return walking.walk(self)

    def private_block(self, group: int, creator: str, *, create: bool = False) -> PrivateBlock:
        """The private block of ``creator`` in an odd group (PS3.5 7.8.1). ``KeyError`` where there is none, unless
        ``create``.
        """
        return private_block(self, group, creator, create=create)

    def private_blocks(self) -> Iterator[PrivateBlock]:
        """The private blocks that are reserved here, not in items, in tag order."""
        return private_blocks(self)

    def __copy__(self) -> Dataset:
        return self._with_file(Dataset.from_body(copying.shallow(self._body)))

    def __deepcopy__(self, memo: dict[int, Any]) -> Dataset:
        """A copy that shares nothing that can change; of a mapped file it shares the map."""
        twin = copying.deep(self)
        memo[id(self)] = twin
        return self._with_file(twin)

    def _with_file(self, twin: Dataset) -> Dataset:
        file = self._file
        if file is not None:
            copy = FileState()
            for name in ("uid", "preamble", "size", "whole", "deflated"):
                setattr(copy, name, getattr(file, name))
            copy.meta = copying.deep(file.meta) if isinstance(file.meta, Dataset) else file.meta
            copy.findings = list(file.findings)
            _set_file(twin, copy)
        return twin

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as its bytes. What was read from a file is in memory when it is unpickled."""
        body, file = self._body, self._file
        deflated = None if file is None or file.deflated is None or writing.touched(body) else bytes(file.deflated)
        data = b"".join(writing.plain_chunks(self))
        meta = self.meta
        parts = (
            self.transfer_syntax_uid,
            self.preamble,
            None if meta is None else meta.to_bytes(),
            deflated,
        )
        return _restore, (data, body.encoding, body.inherited, body.style, parts)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Dataset):
            return NotImplemented
        return compare.equal(self, other)

    __hash__ = None  # type: ignore[assignment]

    def __dir__(self) -> list[str]:
        return [*(name for name in object.__dir__(self) if name not in _KEYS), *self.keywords()]

    def __repr__(self) -> str:
        index = self._body.index_now
        syntax = "" if self.transfer_syntax_uid is None else f", {self.transfer_syntax_uid}"
        return f"<Dataset{'' if index is None else f' of {len(index)} elements'}{syntax}>"


_set_body = Dataset.__dict__["_body"].__set__
_set_file = Dataset.__dict__["_file"].__set__


def _restore(data: bytes, encoding: Encoding, inherited: Inherited, style: bool, parts: tuple[Any, ...]) -> Dataset:
    """What ``__reduce__`` took apart."""
    body = Body(data, 0, len(data), encoding, Marks(_DEFAULT_LIMITS, Strictness.LENIENT), inherited)
    body.style = style
    body.load()
    body.changed = not data
    ds = Dataset.from_body(body)
    uid, preamble, meta, deflated = parts
    if uid is not None or meta is not None:
        file = ds._own_file()
        file.uid, file.preamble, file.deflated = uid, preamble, deflated
        if meta is not None:
            file.meta = (meta, 0, len(meta), EXPLICIT_LE, Marks(_DEFAULT_LIMITS, Strictness.LENIENT))
    return ds


def _steady(data: Buffer) -> Buffer:
    if isinstance(data, bytearray):
        return bytes(data)
    if isinstance(data, memoryview) and (data.format != "B" or data.ndim != 1):
        return data.cast("B")
    return data


def _tag(key: str | int) -> int:
    if isinstance(key, int):
        return key
    tag = elements.tag_of(key)
    if tag is not None:
        return tag
    try:
        return elements.parse_tag(key)
    except KermaError as error:
        raise KeyError(str(error)) from None


def _meant(name: str) -> str:
    if not name[:1].isupper():
        return ""
    near = elements.suggest(name)
    return f"; did you mean {' or '.join(near)}?" if near else ""

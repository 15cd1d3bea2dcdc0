"""Bytes <-> Python value of one element (PS3.5 section 6).

What is here: ``decode`` and ``encode`` for every VR, the character sets of PS3.3 C.12.1.1.2 as ``Charsets``, and the
value types, named by their VRs where they have one: ``AS``, ``DA``, ``DS``, ``DT``, ``IS``, ``TM``, ``PersonName``,
``UID``. ``dates`` parses DA, TM and DT and their ranges. Touches memory only.
"""

from kerma.values.age import AS
from kerma.values.charsets import DEFAULT, Charsets
from kerma.values.codec import DECODERS, decode, encode
from kerma.values.numbers import DS, IS
from kerma.values.person_name import NameGroup, PersonName
from kerma.values.temporal import DA, DT, TM, Span
from kerma.values.uid import UID

__all__ = [
    "AS",
    "DA",
    "DECODERS",
    "DEFAULT",
    "DS",
    "DT",
    "IS",
    "TM",
    "UID",
    "Charsets",
    "NameGroup",
    "PersonName",
    "Span",
    "decode",
    "encode",
]

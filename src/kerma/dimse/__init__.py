"""PS3.7, the DICOM message exchange, as bytes in and messages out: no sockets, clocks, threads or logging in this room.

``command`` has command sets, ``fields`` their tables, ``session`` joins fragments to messages and cuts messages to
fragments, ``framer`` lays large data sets out for sending, ``status`` names the status codes. Data sets stay bytes
here.
"""

from kerma.dimse.command import Command
from kerma.dimse.fields import CommandField
from kerma.dimse.framer import Framer
from kerma.dimse.session import DataSlice, MessageBegin, MessageEnd, Session
from kerma.dimse.status import Status, StatusCategory, category_of

__all__ = [
    "Command",
    "CommandField",
    "DataSlice",
    "Framer",
    "MessageBegin",
    "MessageEnd",
    "Session",
    "Status",
    "StatusCategory",
    "category_of",
]

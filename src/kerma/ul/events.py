"""What comes out of the upper layer: indications and confirmations of PS3.8 7 as values.

Association, release and abort are the PDUs themselves; data and the end of the transport have classes of their own
here. Touches nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from kerma.ul import pdu


@dataclass(slots=True)
class PData:
    """A piece of a presentation data value (PS3.8 9.3.5.1, E.2).

    ``data`` is a view into what was given to ``receive``: valid until the caller reuses that buffer. ``is_last`` is
    set only on the last piece of the last fragment of a command or data set.
    """

    context_id: int
    is_command: bool
    is_last: bool
    data: memoryview


@dataclass(frozen=True, slots=True)
class Closed:
    """The transport has ended; ``clean`` where no association was lost by it."""

    clean: bool


Event = PData | Closed | pdu.AssociateRQ | pdu.AssociateAC | pdu.AssociateRJ | pdu.ReleaseRQ | pdu.ReleaseRP | pdu.Abort

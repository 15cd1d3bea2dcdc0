"""What is known of an association when it is over: who, what, how many, how long, how it ended. Nothing of a
patient."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class AssociationSummary:
    """One association from the server's side. Times in seconds, ``started`` since the epoch."""

    peer: str
    """Address of the other side."""
    calling_aet: str = ""
    called_aet: str = ""
    tls: bool = False
    started: float = 0.0
    duration: float = 0.0
    operations: dict[str, int] = field(default_factory=dict)
    """Operations by their printed name ("C-STORE"): how many were answered."""
    failures: dict[str, int] = field(default_factory=dict)
    """Operations that were answered with a failure, as ``C-STORE A700`` -> how many."""
    bytes_received: int = 0
    bytes_sent: int = 0
    end: str = ""
    """released, rejected, aborted-by-peer, aborted, lost, idle, artim, drained, refused (too many connections, or a
    TLS hand-shake that failed)."""
    detail: str = ""
    """A sentence, where it did not end by a release."""

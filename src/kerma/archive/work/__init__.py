"""Work: procedure steps that wait to be done, are done or were done, who wants to hear of them, and what was promised.

``items`` are Unified Procedure Steps (PS3.4 CC), ``scheduled`` the modality worklist (PS3.4 K), ``performed`` Modality
Performed Procedure Steps (PS3.4 F), ``commitments`` Storage Commitment (PS3.4 J). The rules are pure functions in
``ups``, ``subscriptions`` and ``mpps``; the stores put them into transactions of the index. Every front door, HTTP or
DIMSE, asks the same stores and translates their statuses.
"""

from __future__ import annotations

from kerma.archive.work.work import Work

__all__ = ["Work"]

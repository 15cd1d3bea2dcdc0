"""One question model for C-FIND, QIDO, the worklist and scripts (PS3.4 C.2.2).

``model`` holds the question, ``keys`` which attributes it may name, ``identifier`` its forms as a data set or
keywords, ``match`` the oracle that answers it over one data set. Imports values and dataset; knows no table, no
network, no file.
"""

from __future__ import annotations

from kerma.query.identifier import from_identifier, from_keys, to_identifier
from kerma.query.model import Level, Page, Query, ReturnKey, Root

__all__ = ["Level", "Page", "Query", "ReturnKey", "Root", "from_identifier", "from_keys", "to_identifier"]

"""Who has access to an archive: local users and their sessions, keys of machines, links that are shared.

Lies in ``access.db`` and ``access.key`` beside the index, readable by the owner only (docs/decisions/0009). May touch
these two files; knows no HTTP request and no association. What somebody may do then is in ``archive.permissions``.
"""

from kerma.archive.access.access import Access
from kerma.archive.access.keys import ApiKey
from kerma.archive.access.links import Link
from kerma.archive.access.users import User

__all__ = ["Access", "ApiKey", "Link", "User"]

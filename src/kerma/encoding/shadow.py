"""What stands in for ``cython`` where the typed loops run as plain Python.

``loops`` says ``from kerma.encoding import shadow as cython``; the build of the compiled twin reads that line as
``import cython`` (docs/decisions/0005). So nobody needs Cython to run Kerma, and type checkers see plain numbers.
"""

from __future__ import annotations

compiled = False
"""True in the compiled twin."""
longlong = int
ulonglong = int
uint = int
bint = bool
p_uchar = bytes

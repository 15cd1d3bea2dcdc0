"""What the terminal can: asked by Primary Device Attributes, and its cells by the window size.

May touch the terminal. Rules: it is asked only where standard input and output are both one, and for a fifth of a
second at most; its settings are put back whatever happens.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys


def terminal_size() -> tuple[int, int]:
    """(columns, lines)."""
    size = shutil.get_terminal_size((80, 24))
    return max(size.columns, 2), max(size.lines, 2)


def device_attributes(seconds: float = 0.2) -> str:
    """The terminal's answer to DA1; "" where there is none."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return ""
    try:
        import select
        import termios
        import tty
    except ImportError:  # not on this system
        return ""
    fd = sys.stdin.fileno()
    answer = b""
    with contextlib.suppress(termios.error, OSError):
        before = termios.tcgetattr(fd)
        try:
            tty.setcbreak(fd, termios.TCSANOW)
            os.write(sys.stdout.fileno(), b"\x1b[c")
            while not answer.endswith(b"c") and len(answer) < 256 and select.select([fd], [], [], seconds)[0]:
                answer += os.read(fd, 64)
        finally:
            termios.tcsetattr(fd, termios.TCSANOW, before)
    return answer.decode("ascii", "replace")


def cell_size() -> tuple[int, int] | None:
    """Pixels of a cell, (width, height); None where the terminal does not tell."""
    if not sys.stdout.isatty():
        return None
    try:
        import fcntl
        import struct
        import termios

        told = fcntl.ioctl(sys.stdout.fileno(), termios.TIOCGWINSZ, bytes(8))
    except (ImportError, OSError):
        return None
    lines, columns, width, height = struct.unpack("HHHH", told)
    if not (lines and columns and width and height):
        return None
    return max(width // columns, 1), max(height // lines, 1)

"""The example of the guide runs as it is printed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import kerma

from .images import image, ramp, with_native

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "pixels.md"


def test_the_example(tmp_path: Path) -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    kerma.write(with_native(image(4, 6, frames=3), ramp((3, 4, 6))), tmp_path / "image.dcm")
    script = f"{example}\nprint(kerma.pixels.array(ds).shape, frame.shape, found.count, len(found.read(0)))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "(3, 4, 6) (4, 6) 3 48\n"

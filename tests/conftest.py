"""What all tests share: where the corpus is, Hypothesis' profiles, and a Ctrl-C that programs started here can hear."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

settings.register_profile("kerma", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("kerma")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts a background job with SIGINT ignored, and every program that it starts inherits that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of public files by others; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("KERMA_CORPUS", ROOT.parent / "shared" / "corpus"))
    if not (folder / "manifest.tsv").is_file():
        pytest.skip(f"no corpus at {folder}; set KERMA_CORPUS")
    return folder

"""All coverage-guided targets for so many seconds in all: ``python -m tests.fuzz.atheris_all SECONDS [TARGET...]``.

Two run at a time (KERMA_FUZZ_JOBS). Each starts from the seeds of the project and collects what it learns in a folder
of its own below KERMA_FUZZ_WORK (default: a temporary one, thrown away). What breaks a promise is kept in
``fuzz-found/`` with the line that shows it, and the exit status is 1.
"""

from __future__ import annotations

import concurrent.futures
import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]
SEEDS = Path(__file__).with_name("seeds")
FOUND = ROOT / "fuzz-found"
SLOWEST = 10
"""Seconds for one input; more is a hang."""
MEGABYTES = 1024
"""Memory of the process, the fuzzer's own included."""


def run(name: str, seconds: int, work: Path) -> tuple[str, int, str]:
    """One target: its name, the exit status, and the end of what it said."""
    folder = work / name
    folder.mkdir(parents=True, exist_ok=True)
    FOUND.mkdir(exist_ok=True)
    options = [
        f"-max_total_time={seconds}",
        f"-timeout={SLOWEST}",
        f"-rss_limit_mb={MEGABYTES}",
        "-max_len=16384",
        f"-artifact_prefix={FOUND}/{name}-",
        "-print_final_stats=1",
        "-verbosity=0",
    ]
    command = [sys.executable, "-m", "tests.fuzz.atheris_run", name, *options, str(folder), str(SEEDS / name)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, errors="replace")
    return name, done.returncode, done.stdout + done.stderr


def executions(said: str) -> str:
    """How many inputs libFuzzer says that it tried."""
    return next((line.split()[-1] for line in said.splitlines() if "number_of_executed_units" in line), "?")


def main() -> int:
    """Run them; 1 where something was found."""
    if importlib.util.find_spec("atheris") is None:
        sys.stderr.write(
            "atheris is not installed (it has no wheel for this machine): coverage-guided fuzzing skipped\n"
        )
        return int(os.environ.get("KERMA_REQUIRE_PEERS") == "1")
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    names = sys.argv[2:] or list(TARGETS)
    jobs = int(os.environ.get("KERMA_FUZZ_JOBS", "2"))
    each = max(1, seconds * jobs // len(names))
    failed = 0
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        work = Path(os.environ.get("KERMA_FUZZ_WORK", folder))
        for name, status, said in pool.map(lambda name: run(name, each, work), names):
            sys.stdout.write(
                f"{name}: {executions(said)} inputs in {each} s, {'found something' if status else 'nothing found'}\n"
            )
            sys.stdout.flush()
            if status:
                failed = 1
                sys.stderr.write("\n".join(said.splitlines()[-60:]) + "\n")
    if not failed and FOUND.is_dir() and not any(FOUND.iterdir()):
        FOUND.rmdir()
    return failed


if __name__ == "__main__":
    sys.exit(main())

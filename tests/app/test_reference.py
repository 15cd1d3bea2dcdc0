"""The user guide's reference of the configuration is the one that the code gives."""

from __future__ import annotations

import tomllib
from pathlib import Path

from kerma.app import config as configuration
from kerma.app.reference import markdown

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "configuration.md"


def test_the_guide_holds_the_reference() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    marker = "<!-- reference: python -m kerma.app -->\n"
    assert text.partition(marker)[2] == markdown(), "write it again with `python -m kerma.app`"


def test_the_example_of_the_guide_is_taken(tmp_path: Path) -> None:
    example = GUIDE.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    assert tomllib.loads(example)["server"]["aet"] == "KERMA"
    path = tmp_path / "kerma.toml"
    path.write_text(example, encoding="utf-8")
    config = configuration.load(path)
    configuration.check_listening(config)
    assert [peer.name for peer in config.peers] == ["ct1", "workstation"]

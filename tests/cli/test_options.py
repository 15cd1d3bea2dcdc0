"""Words of the command line: keys, keywords and the configuration under them."""

from __future__ import annotations

from pathlib import Path

import pytest

from kerma.cli import options
from kerma.errors import UsageError


def test_keys() -> None:
    words = ["PatientName=DOE*=x", "0020,000D=1.2", "(0008,0020)=20260101-", "Modality=", "0040,0275.0040,0009=X"]
    assert options.parse_keys(words) == {
        "PatientName": "DOE*=x",
        "StudyInstanceUID": "1.2",
        "StudyDate": "20260101-",
        "Modality": "",
        "RequestAttributesSequence.ScheduledProcedureStepID": "X",
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["PatientName"], "is no matching key (write Keyword=value"),
        (["PatentName=X"], "did you mean PatientName"),
        (["Modality=CT", "Modality=MR"], "Modality is given twice"),
        (["0011,1001=x"], "(0011,1001) is not in the dictionary"),
        (["=x"], "neither a keyword nor a tag"),
    ],
)
def test_words_that_are_no_keys(words: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        options.parse_keys(words)
    assert message in str(caught.value)


def test_return_keys_come_with_commas_or_repeats_and_once() -> None:
    assert options.parse_returns(["PatientID, Modality", "0010,0020"]) == ("PatientID", "Modality")


def test_what_the_line_says_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERMA_SERVER_AET", "ENV")
    monkeypatch.setenv("KERMA_SERVER_DATA", "/env")
    config = options.load_config(None, server__aet="LINE", server__data=None, server__dicom=())
    assert (config.server.aet, config.server.data) == ("LINE", "/env")
    assert options.with_response(config, 3.0).limits.response == 3.0


def test_an_output_folder_is_made_or_refused(tmp_path: Path) -> None:
    assert options.output_folder(str(tmp_path / "a" / "b")).is_dir()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match="no folder to write to"):
        options.output_folder(str(tmp_path / "file" / "b"))

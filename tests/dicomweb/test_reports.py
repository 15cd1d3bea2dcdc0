"""Structured reports as text: every kind of item, whatever its depth, escaped."""

from __future__ import annotations

from typing import Any

from kerma.dataset import Dataset
from kerma.dicomweb import reports


def code(meaning: str, value: str = "1", scheme: str = "DCM") -> Dataset:
    ds = Dataset()
    ds.CodeValue, ds.CodingSchemeDesignator, ds.CodeMeaning = value, scheme, meaning
    return ds


def item(kind: str, name: str, **values: Any) -> Dataset:
    ds = Dataset()
    ds.ValueType, ds.ConceptNameCodeSequence = kind, [code(name)]
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


def report(*content: Dataset) -> Dataset:
    root = item("CONTAINER", "Chest report", ContentSequence=list(content))
    root.PatientName = "Doe^Jane"
    return root


def test_every_value_type_says_its_value() -> None:
    measured = Dataset()
    measured.NumericValue, measured.MeasurementUnitsCodeSequence = "12.50", [code("millimetre", "mm", "UCUM")]
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.3"
    reference.ReferencedFrameNumber = (1, 2)
    pointer = Dataset()
    pointer.ReferencedContentItemIdentifier = (1, 2)
    said = reports.plain(
        report(
            item("TEXT", "Finding", TextValue="nothing"),
            item("NUM", "Diameter", MeasuredValueSequence=[measured]),
            item("CODE", "Side", ConceptCodeSequence=[code("left")]),
            item("PNAME", "Observer", PersonName="Roe^R"),
            item("DATE", "On", Date="20260101"),
            item("UIDREF", "About", UID="1.2.9"),
            item("IMAGE", "Shown in", ReferencedSOPSequence=[reference]),
            item("SCOORD", "Outline", GraphicType="POLYLINE", GraphicData=(1.0, 2.0, 3.0, 4.0)),
            item("CONTAINER", "Section", ContentSequence=[item("TEXT", "Inside", TextValue="deep")]),
            pointer,
        )
    )
    for line in (
        "Chest report",
        "Patient: Doe^Jane",
        "Finding: nothing",
        "Diameter: 12.50 mm",
        "Side: left",
        "Observer: Roe^R",
        "On: 20260101",
        "About: 1.2.9",
        "Shown in: CT Image 1.2.3, frames 1, 2",
        "Outline: POLYLINE of 2 points",
        "Section",
        "  Inside: deep",
        "see item 1.2",
    ):
        assert line in said.splitlines()


def test_html_is_escaped_and_whole() -> None:
    page = reports.page(report(item("TEXT", "<b>", TextValue='<img src=x onerror="a">&')))
    assert "<img" not in page
    assert "&lt;img src=x onerror=&quot;a&quot;&gt;&amp;" in page
    assert page.count("<ul>") == page.count("</ul>")


def test_depth_and_count_are_bounded() -> None:
    deep = item("TEXT", "bottom", TextValue="x")
    for _ in range(300):
        deep = item("CONTAINER", "level", ContentSequence=[deep])
    assert max(line.depth for line in reports.lines(report(deep))) == reports.MAX_DEPTH
    many = report(*(item("TEXT", "n", TextValue="x") for _ in range(reports.MAX_ITEMS + 5)))
    found = list(reports.lines(many))
    assert len(found) == reports.MAX_ITEMS + 1
    assert "more" in found[-1].value


def test_a_report_without_anything() -> None:
    assert reports.plain(Dataset())
    assert "</html>" in reports.page(Dataset())

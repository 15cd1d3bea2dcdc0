"""OHIF in Chromium against ``kerma serve``, with nothing in between: lists, shows, measures and stores.

Each test fails for an error on the console and for an answer of 400 or more (the fixture ``viewer``); what is shown is
compared with small reference pictures (``looks``).
"""

from __future__ import annotations

import ssl
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect
from tests.interop import peers
from tests.interop.conftest import Start

import kerma

from . import looks
from .conftest import Served
from .ohif import PREPARED, SECONDS, SIZE, Viewer, config, find_page, serving

SHOWN = {  # sample: how many colours or greys there are at least
    "ct": 200,
    "mr": 100,
    "cine": 100,
    "echo": 2000,
    "colour": 150,
    "jpeg12": 150,
    "jpeg2000": 300,
    "htj2k": 50,
    "big-endian": 300,
    "jpeg-xl": 1000,
    "dose": 100,
    "ecg": 50,
    "sr": 50,
    "pdf": 50,
}


def shows(viewer: Viewer, name: str, least: int) -> bytes:
    """Wait until the screen is as the reference; the picture."""
    png = viewer.picture(lambda png: looks.colours(looks.region(png)) >= least and not looks.differs(name, png))
    assert looks.differs(name, png) == ""
    assert looks.colours(looks.region(png)) >= least
    return png


@pytest.mark.parametrize("name", SHOWN)
def test_is_shown(viewer: Viewer, served: Served, name: str) -> None:
    viewer.study(served.samples[name].study)
    if name not in {"sr", "pdf"}:
        viewer.drawn()
    shows(viewer, name, SHOWN[name])


def test_a_stack_is_scrolled(viewer: Viewer, served: Served) -> None:
    viewer.study(served.samples["ct"].study)
    viewer.drawn()
    first = shows(viewer, "ct", 200)
    middle = viewer.page.locator(".cornerstone-viewport-element").first
    middle.hover()
    for number in range(2, 6):
        viewer.page.mouse.wheel(0, 100)
        expect(viewer.page.locator('[data-cy="viewport-overlay-bottom-right"]')).to_contain_text(f"({number}/10)")
    viewer.drawn()
    assert looks.distance(first, shows(viewer, "ct-5", 200)) > 2


def test_a_cine_is_played(viewer: Viewer, served: Served) -> None:
    viewer.study(served.samples["echo"].study)
    viewer.drawn()
    first = shows(viewer, "echo", 2000)
    index = "() => window.cornerstone.getEnabledElements()[0].viewport.getCurrentImageIdIndex()"
    before = viewer.page.evaluate(index)
    viewer.page.locator('[data-cy="cine-player-play-pause"], [data-cy*="play"]').first.click()
    viewer.page.wait_for_function(f"before => ({index})() > before + 2", arg=before)
    later = viewer.picture(lambda png: looks.distance(first, png) > 1)
    assert looks.distance(first, later) > 1


def test_a_volume_is_cut_in_three_planes(viewer: Viewer, served: Served) -> None:
    viewer.study(served.samples["brain"].study, hangingProtocolId="mpr")
    viewer.drawn(3)
    shows(viewer, "mpr", 100)


def test_a_segmentation_lies_on_its_images(viewer: Viewer, served: Served) -> None:
    viewer.study(served.samples["ct"].study)
    viewer.drawn()
    viewer.page.locator('[data-cy="study-browser-thumbnail-no-image"]', has_text="Bones").dblclick()
    expect(viewer.page.get_by_text("Do you want to open this Segmentation?")).to_be_visible()
    shows(viewer, "seg", 300)


def test_a_slide_is_tiled(viewer: Viewer, served: Served) -> None:
    viewer.study(served.samples["slide"].study, mode="microscopy")
    shows(viewer, "slide", 2000)
    tiles = [url for _, url, _ in viewer.requests if "/frames/" in url]
    assert len(tiles) >= 16


def _rows(viewer: Viewer) -> list[str]:
    """Patients in the list; its first row is that of the filters."""
    return [text.split("\t")[0].split("\n")[0] for text in viewer.page.locator("tbody tr").all_inner_texts()[1:]]


def test_the_list_is_filtered(viewer: Viewer, served: Served) -> None:
    page = viewer.page
    viewer.open()
    rows = page.locator("tbody tr")
    filters = rows.first
    asked = f"{served.dicomweb}/studies?"

    with page.expect_response(lambda one: "PatientName=*compressed*" in one.url):
        filters.locator("input").nth(0).fill("compressed")
    expect(rows).to_have_count(1 + 4)
    assert all(name.startswith("CompressedSamples") for name in _rows(viewer))
    page.get_by_text("Reset").click()
    expect(rows.nth(5)).to_be_visible()

    with page.expect_response(lambda one: "ModalitiesInStudy=RTDOSE" in one.url):
        filters.locator("td").nth(2).click()
        page.get_by_role("option", name="RTDOSE", exact=True).click()
    expect(rows).to_have_count(1 + 1)
    assert _rows(viewer) == [served.samples["dose"].patient]
    page.get_by_text("Reset").click()
    expect(rows.nth(5)).to_be_visible()

    with page.expect_response(lambda one: "StudyDescription=*Thyr*" in one.url):
        filters.locator("td").nth(3).locator("input").fill("Thyr")
    expect(rows).to_have_count(1 + 1)
    assert _rows(viewer) == ["DOE, JOHN"]
    page.get_by_text("Reset").click()
    expect(rows.nth(5)).to_be_visible()

    with page.expect_response(lambda one: one.url.startswith(asked) and "StudyDate=20120101-20121231" in one.url):
        for field, day in (("start", "2012-01-01"), ("end", "2012-12-31")):
            page.locator(f"#studyDateTime-{field}").fill(day)
            page.locator(f"#studyDateTime-{field}").press("Enter")
    expect(rows.filter(has_text="2012")).to_have_count(2)


def test_the_list_tells_what_there_is(viewer: Viewer, served: Served, web: httpx.Client) -> None:
    viewer.open()
    known = {sample.study for sample in served.samples.values()}
    found = {one["0020000D"]["Value"][0] for one in web.get("studies").json()}
    assert known <= found
    expect(viewer.page.locator("tbody tr").nth(len(known))).to_be_visible()
    assert len(_rows(viewer)) >= len(known)


def test_a_measurement_is_saved_as_a_report(viewer: Viewer, served: Served, web: httpx.Client) -> None:
    page, study = viewer.page, served.samples["small"].study
    viewer.study(study)
    viewer.drawn()
    page.locator('[data-cy="MeasurementTools-split-button-primary"]').click()
    box = page.locator(".cornerstone-viewport-element").first.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 80, y - 20)
    page.mouse.down()
    page.mouse.move(x, y, steps=4)
    page.mouse.move(x + 80, y + 30, steps=4)
    page.mouse.up()
    page.locator('[data-cy="prompt-begin-tracking-yes-btn"]').click()
    panel = page.locator('[data-cy="trackedMeasurements-btn"]')
    save = page.get_by_text("Create SR")
    expect(panel.or_(save).first).to_be_visible()
    if not save.is_visible():
        panel.click()
    save.click()
    page.locator('[data-cy="dialog-input"], [role=dialog] input').first.fill("Length of it")
    with page.expect_response(lambda one: one.request.method == "POST") as posted:
        page.get_by_role("dialog").get_by_role("button", name="Save").click()
    assert posted.value.status == 200
    assert "00081199" in posted.value.json()
    expect(page.get_by_text("Length of it").first).to_be_visible()

    series = web.get(f"studies/{study}/series", params={"Modality": "SR"}).json()
    assert [one["0008103E"]["Value"] for one in series] == [["Length of it"]]
    with kerma.connect(f"KERMA@127.0.0.1:{served.peer.port}") as client:
        ds = next(iter(client.get(StudyInstanceUID=study, SeriesInstanceUID=series[0]["0020000E"]["Value"][0])))
    assert ds.SOPClassUID == "1.2.840.10008.5.1.4.1.1.88.22"
    assert "Length" in kerma.to_json(ds)


def test_a_file_is_uploaded_through_the_page(viewer: Viewer, served: Served, corpus: Path) -> None:
    path = corpus / "pydicom+pydicom/src/pydicom/data/test_files/SC_rgb_rle.dcm"
    page = viewer.page
    viewer.open()
    page.get_by_role("button", name="Upload").click()
    with page.expect_response(lambda one: one.request.method == "POST", timeout=SECONDS * 1000) as posted:
        page.locator("input[type=file]").first.set_input_files(path)
    assert posted.value.status == 200
    expect(page.get_by_role("dialog")).to_contain_text("Completed!")
    ds = kerma.read(path)
    with httpx.Client() as client:
        answer = client.get(
            f"{served.dicomweb}/studies/{ds.StudyInstanceUID}/series/{ds.SeriesInstanceUID}"
            f"/instances/{ds.SOPInstanceUID}",
            headers={"Accept": "application/dicom; transfer-syntax=*"},
        )
    assert answer.content == path.read_bytes()


def test_all_of_it_over_https_and_http_2(
    browser: Browser, served: Served, start: Start, tls_files: peers.TLSFiles
) -> None:
    """A series is stored, found and opened over TLS, in the version of HTTP that browsers choose there."""
    sample = served.samples["ct"]
    server = start(peers.kerma_serve, tls=tls_files)
    trust = ssl.create_default_context(cafile=str(tls_files.ca))
    with httpx.Client(base_url=f"{server.http}/dicomweb", verify=trust, http2=True) as client:
        for path in sample:
            answer = client.post("/studies", content=path.read_bytes(), headers={"Content-Type": "application/dicom"})
            assert (answer.status_code, answer.http_version) == (200, "HTTP/2")
    settings = config(f"{server.http}/dicomweb", f"{server.http}/wado")
    context = browser.new_context(viewport=SIZE, ignore_https_errors=True)
    context.add_init_script(PREPARED)
    with serving(find_page(), settings) as site:
        viewer = Viewer(context.new_page(), site, server.http)
        viewer.study(sample.study)
        viewer.drawn()
        shows(viewer, "ct", 200)
        frames = [answer for answer in viewer.answers if "/frames/" in answer.url]
        assert {answer.http_version() for answer in frames} == {"HTTP/2.0"}
        assert viewer.errors == []
        context.close()

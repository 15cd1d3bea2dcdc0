"""The resources of PS3.18 10 and 11, built and parsed."""

from __future__ import annotations

import pytest
from starlette.routing import compile_path

from kerma.dicomweb import uris
from kerma.dicomweb.problems import HTTPProblem
from kerma.dicomweb.uris import Kind, Resource, Templates, parse

VALUES = {
    "study": "1.2.3",
    "series": "1.2.4",
    "instance": "1.2.5",
    "frames": (1, 7, 2),
    "bulk": "00081110/0/00081155",
    "workitem": "1.2.6",
    "aet": "AE TITLE",
    "transaction": "1.2.7",
    "mpps": "1.2.8",
}


@pytest.mark.parametrize("kind", Kind)
def test_every_resource_is_parsed_as_it_is_built(kind: Kind) -> None:
    values = {name: value for name, value in VALUES.items() if f"{{{name}" in kind.template}
    resource = Resource(kind, **values)  # type: ignore[arg-type]
    path = resource.path()
    assert parse(path) == resource
    assert parse(path + "/") == resource
    assert Templates("https://host/dicomweb/").of(kind, **values) == "https://host/dicomweb" + path
    pattern, _, _ = compile_path(kind.template)
    assert pattern.match(path), "the template is no route"


def test_templates() -> None:
    at = Templates("/dicomweb")
    assert at.studies() == "/dicomweb/studies"
    assert at.study("1.2") == "/dicomweb/studies/1.2"
    assert at.series("1.2", "1.3") == "/dicomweb/studies/1.2/series/1.3"
    assert at.instance("1.2", "1.3", "1.4") == "/dicomweb/studies/1.2/series/1.3/instances/1.4"
    assert at.frames("1.2", "1.3", "1.4", 5).endswith("/frames/5")
    assert at.frames("1.2", "1.3", "1.4", [5, 1, 5]).endswith("/frames/5,1")
    assert at.bulkdata("1.2", "1.3", "1.4", "0042001a").endswith("/instances/1.4/bulkdata/0042001A")
    assert at.below("metadata", "1.2", "1.3") == "/dicomweb/studies/1.2/series/1.3/metadata"
    assert at.below("thumbnail", "1.2") == "/dicomweb/studies/1.2/thumbnail"
    assert at.below("rendered", "1.2", "1.3", "1.4").endswith("/instances/1.4/rendered")
    assert at.workitem("1.2") == "/dicomweb/workitems/1.2"
    assert at.subscription("1.2", "A/B") == "/dicomweb/workitems/1.2/subscribers/A%2FB"
    assert parse("/workitems/1.2/subscribers/A%2FB").aet == "A/B"
    with pytest.raises(HTTPProblem):
        at.below("nothing", "1.2")


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/studies/1.2/nothing",
        "/studies/1.2/series/1.3/frames/1",
        "/studies//series",
        "/studies/1.2/series/1.3/instances/1.4/frames",
        "/studies/1.2/series/1.3/instances/1.4/frames/1/rendered/more",
        "/studies/1.2/../../etc/passwd",
        "/workitems/1.2/subscribers",
        "//studies//",
    ],
)
def test_what_is_no_resource(path: str) -> None:
    with pytest.raises(HTTPProblem) as caught:
        parse(path)
    assert caught.value.status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/studies/x",
        "/studies/..",
        "/studies/1..2",
        "/studies/1.2%00",
        "/studies/1.2%0A",
        "/studies/1.2%2F..",
        "/studies/%D9%A1",
        "/studies/{study}",
        "/studies/" + "1" * 65,
        "/studies/1.2/series/1.3/instances/1.4/frames/0",
        "/studies/1.2/series/1.3/instances/1.4/frames/-1",
        "/studies/1.2/series/1.3/instances/1.4/frames/1,,2",
        "/studies/1.2/series/1.3/instances/1.4/frames/1-3",
        "/studies/1.2/series/1.3/instances/1.4/frames/99999999999999999999",
        "/studies/1.2/series/1.3/instances/1.4/frames/" + ",".join(["1"] * 2_001),
        "/studies/1.2/series/1.3/instances/1.4/bulkdata/../../x",
        "/studies/1.2/series/1.3/instances/1.4/bulkdata/00081110/0",
        "/studies/1.2/series/1.3/instances/1.4/bulkdata/0008111/0/00081155",
        "/workitems/1.2/subscribers/A%5CB",
        "/workitems/1.2/subscribers/ABCDEFGHIJKLMNOPQ",
        "/workitems/1.2/subscribers/%20",
    ],
)
def test_values_that_cannot_be(path: str) -> None:
    with pytest.raises(HTTPProblem) as caught:
        parse(path)
    assert caught.value.status == 400
    assert "passwd" not in str(caught.value)


def test_frames_and_uids() -> None:
    assert uris.frames("3,1, 2,3") == (3, 1, 2)
    assert parse("/studies/1.2/series/1.3/instances/1.4/frames/1%2C2").frames == (1, 2)
    assert uris.uid("1.02.3") == "1.02.3"
    with pytest.raises(HTTPProblem) as caught:
        parse("/studies/" + "1" * 9_000)
    assert caught.value.status == 414
    with pytest.raises(HTTPProblem):
        Templates().study("1.2/../x")
    with pytest.raises(HTTPProblem):
        Templates().of(Kind.SERIES, study="1.2")

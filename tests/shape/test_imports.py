"""Who may import whom: belts, circles, and what each room must never touch."""

from __future__ import annotations

import ast
from collections import defaultdict

import pytest

from .source import Module, module_names, modules, room_of

BELTS: tuple[tuple[str, ...], ...] = (
    ("_version", "errors", "limits", "findings", "standard"),
    ("values", "encoding", "ul"),
    ("dataset", "formats", "pixels", "query", "dimse"),
    ("services", "dicomweb", "archive"),
    ("net", "web", "aio"),
    ("app", "cli"),
)
"""Lowest first; within a belt a room may import those named before it."""

FACADE = {"__init__", "__main__"}
"""The package's own face: may name every room, for it loads them only when asked."""

FORBIDDEN: dict[str, set[str]] = {
    "values": {"ul"},
    "encoding": {"ul"},
    "ul": {"values", "encoding"},
    "dimse": {"dataset", "formats", "pixels", "query", "encoding"},
    "formats": {"pixels"},
    "archive": {"dicomweb"},
    "dicomweb": {"services"},
}
"""Beyond the belts: neighbours that do not know each other."""

ONLY_THESE_NAMES = {("archive", "services"): {"kerma.services.providers"}}
"""The archive answers to the providers' interfaces and knows nothing else of the services."""

RANK = {room: (belt, place) for belt, rooms in enumerate(BELTS) for place, room in enumerate(rooms)}

SANS_IO = {"ul", "dimse", "services", "dicomweb", "values", "encoding", "dataset", "query"}
WAITING = {
    "socket",
    "ssl",
    "select",
    "selectors",
    "asyncio",
    "threading",
    "multiprocessing",
    "concurrent",
    "time",
    "signal",
    "subprocess",
}
THIRD_PARTY_HOME: dict[str, set[str]] = {
    "numpy": {"pixels"},
    "PIL": {"formats", "pixels"},
    "av": {"pixels"},
    "nibabel": {"pixels"},
    "sqlalchemy": {"archive"},
    "alembic": {"archive"},
    "click": {"cli"},
    "rich": {"cli"},
    "structlog": {"app"},
    "pyarrow": {"app"},
    "obstore": {"net"},
    "starlette": {"web"},
    "granian": {"web"},
    "prometheus_client": {"web"},
    "socket": {"net"},
    "ssl": {"net"},
    "selectors": {"net"},
    "asyncio": {"net", "web", "aio"},
}
NEVER = {"pydicom", "pynetdicom", "gdcm", "warnings"}
BUT = {("kerma.formats.bridge", "pydicom"), ("kerma.cli.main", "warnings")}
"""The bridge gives pydicom what it asks for; the console script keeps the warnings of libraries from its users."""


def ids(module: Module) -> str:
    return module.name


@pytest.mark.parametrize("module", [m for m in modules() if m.room not in FACADE], ids=ids)
def test_imports_go_down(module: Module) -> None:
    wrong = []
    assert module.room in RANK, f"{module.name}: room {module.room} stands in no belt"
    mine = RANK[module.room]
    for found in module.imports():
        room = room_of(found.target)
        if room is None or room == module.room:
            continue
        if room in FACADE:
            wrong.append(f"line {found.line} imports the façade")
            continue
        allowed = room in RANK and RANK[room] < mine and room not in FORBIDDEN.get(module.room, set())
        only = ONLY_THESE_NAMES.get((module.room, room))
        if only is not None:
            allowed = found.target in only
        if not allowed:
            wrong.append(f"line {found.line} imports {found.target}")
    assert not wrong, f"{module.name}: {'; '.join(wrong)}"


def test_no_circles() -> None:
    graph: dict[str, set[str]] = defaultdict(set)
    for module in modules():
        if module.room in FACADE:
            continue
        for found in module.imports():
            if found.target in module_names() and found.target != module.name and not found.typing_only:
                graph[module.name].add(found.target)
    done: set[str] = set()
    for start in list(graph):
        path: list[str] = []
        stack: list[tuple[str, bool]] = [(start, False)]
        while stack:
            name, leaving = stack.pop()
            if leaving:
                path.pop()
                done.add(name)
                continue
            assert name not in path, "circle: " + " -> ".join([*path[path.index(name) :], name])
            if name in done:
                continue
            path.append(name)
            stack.append((name, True))
            stack.extend((target, False) for target in graph[name])


@pytest.mark.parametrize("module", modules(), ids=ids)
def test_rooms_touch_only_what_is_theirs(module: Module) -> None:
    wrong = []
    for found in module.imports():
        top = found.target.split(".")[0]
        if top in NEVER and (module.name, top) not in BUT:
            wrong.append(f"line {found.line} imports {top}")
        if module.room in SANS_IO and top in WAITING and not found.typing_only:
            wrong.append(f"line {found.line} imports {top}: this room never waits")
        if top in THIRD_PARTY_HOME and module.room not in THIRD_PARTY_HOME[top] and not found.typing_only:
            wrong.append(f"line {found.line} imports {top}, which lives in {sorted(THIRD_PARTY_HOME[top])}")
    assert not wrong, f"{module.name}: {'; '.join(wrong)}"


@pytest.mark.parametrize("module", [m for m in modules() if m.room not in FACADE], ids=ids)
def test_no_local_import_of_our_own(module: Module) -> None:
    """A circle is mended, not dodged. The command line may load rooms late, tables are loaded when asked."""
    if module.room in {"cli", "aio"}:
        return
    late = [found for found in module.imports() if found.local and room_of(found.target)]
    local = [f"line {found.line}: {found.target}" for found in late if "._gen" not in found.target]
    assert not local, f"{module.name}: {'; '.join(local)}"


@pytest.mark.parametrize("module", modules(), ids=ids)
def test_no_print_outside_the_command_line(module: Module) -> None:
    if module.room in {"cli", "__main__"}:
        return
    calls = [
        node.lineno
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not calls, f"{module.name} prints at lines {calls}"

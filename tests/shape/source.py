"""The source of Kerma as data: modules, rooms, imports and definitions, read with ``ast`` and never run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
PACKAGE = SRC / "kerma"


@dataclass(frozen=True)
class Import:
    """One import statement's target, where it stands and whether it is inside a function or for types only."""

    target: str
    line: int
    local: bool
    typing_only: bool


@dataclass(frozen=True)
class Module:
    path: Path

    @property
    def name(self) -> str:
        parts = self.path.relative_to(SRC).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def room(self) -> str:
        """The room is the folder below ``kerma``; the modules of the package's own folder are rooms of their own."""
        parts = self.path.relative_to(PACKAGE).parts
        return parts[0] if len(parts) > 1 else self.path.stem

    @property
    def generated(self) -> bool:
        return "_gen" in self.path.parts

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, str(self.path))

    @property
    def lines(self) -> int:
        return self.text.count("\n")

    def imports(self) -> list[Import]:
        """Every import; ``from kerma.a import b`` gives ``kerma.a.b`` where that is a module, else ``kerma.a``."""
        return list(_imports(self.tree, self.name, is_package=self.path.name == "__init__.py"))


def _imports(tree: ast.Module, name: str, *, is_package: bool) -> Iterator[Import]:
    stack: list[tuple[ast.AST, bool, bool]] = [(tree, False, False)]
    while stack:
        node, local, typing_only = stack.pop()
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, local, typing_only)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                anchor = name.split(".") if is_package else name.split(".")[:-1]
                anchor = anchor[: len(anchor) - node.level + 1]
                base = ".".join([*anchor, *([base] if base else [])])
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield Import(full if full in module_names() else base, node.lineno, local, typing_only)
        inside = local or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            stack.extend((child, inside, True) for child in node.body)
            stack.extend((child, inside, typing_only) for child in node.orelse)
        else:
            stack.extend((child, inside, typing_only) for child in ast.iter_child_nodes(node))


@lru_cache(maxsize=1)
def modules() -> tuple[Module, ...]:
    return tuple(Module(path) for path in sorted(PACKAGE.rglob("*.py")))


@lru_cache(maxsize=1)
def module_names() -> frozenset[str]:
    return frozenset(module.name for module in modules())


def room_of(target: str) -> str | None:
    """The room of a dotted name of Kerma, None for anything else."""
    parts = target.split(".")
    if parts[0] != "kerma":
        return None
    return parts[1] if len(parts) > 1 else "__init__"

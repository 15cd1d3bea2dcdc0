"""Small on purpose: a module stays under 600 lines, a function under 60, a class under 400."""

from __future__ import annotations

import ast

import pytest

from .source import Module, modules

MODULE_LINES = 600
CLASS_LINES = 400
FUNCTION_LINES = 60

WRITTEN = [module for module in modules() if not module.generated]


def lines_of(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


@pytest.mark.parametrize("module", WRITTEN, ids=lambda module: module.name)
def test_sizes(module: Module) -> None:
    wrong = []
    if module.lines > MODULE_LINES:
        wrong.append(f"{module.lines} lines")
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef) and lines_of(node) > CLASS_LINES:
            wrong.append(f"class {node.name} has {lines_of(node)} lines")
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and lines_of(node) > FUNCTION_LINES:
            wrong.append(f"function {node.name} has {lines_of(node)} lines")
    assert not wrong, f"{module.name}: {'; '.join(wrong)}"


@pytest.mark.parametrize("module", WRITTEN, ids=lambda module: module.name)
def test_opens_with_its_purpose(module: Module) -> None:
    if module.path.name == "__init__.py" and not module.text.strip():
        return
    assert ast.get_docstring(module.tree), f"{module.name} does not say what it is for"

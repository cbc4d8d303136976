"""The slow model is a second opinion: it knows the catalogue's types and nothing of the rules."""

import ast
import sys
from collections.abc import Iterator

from tests.project_files import expect_none, nodes

ALLOWED = {"app.domain.goal", "tests.model"}


def imported(node: ast.AST) -> Iterator[str]:
    """Yield the modules that a statement imports; what is relative stays within the package."""
    match node:
        case ast.ImportFrom(module=str(module), level=0):
            yield module
        case ast.ImportFrom(level=1):
            return
        case ast.ImportFrom(level=level):
            yield "." * level
        case ast.Import(names=names):
            yield from (alias.name for alias in names)


def may_be_known(module: str) -> bool:
    top = module.partition(".")[0]
    return module in ALLOWED or module.startswith("tests.model.") or top in sys.stdlib_module_names


def test_the_slow_model_imports_the_catalogues_types_and_nothing_of_the_rules() -> None:
    expect_none(
        (name, getattr(node, "lineno", 1), f"the slow model imports {module}")
        for name, node in nodes("tests/model/")
        for module in imported(node)
        if not may_be_known(module)
    )


def test_an_import_of_the_rules_would_be_seen() -> None:
    forbidden = ast.parse(
        "import app.domain.plan\nfrom tests.rules import pair\nfrom .. import rules"
    )
    found = [module for node in ast.walk(forbidden) for module in imported(node)]
    assert found == ["app.domain.plan", "tests.rules", ".."]
    assert not any(map(may_be_known, found))

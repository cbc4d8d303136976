"""The slow model is a second opinion: it knows the catalogue's types and nothing of the rules."""

import ast

from tests.project_files import nodes


def test_the_slow_model_imports_the_catalogues_types_and_nothing_of_the_rules() -> None:
    imported = {
        node.module
        for _, node in nodes("tests/model/")
        if isinstance(node, ast.ImportFrom) and node.module is not None
    }
    assert {name for name in imported if name.startswith("app")} == {"app.domain.goal"}
    assert not any(isinstance(node, ast.Import) for _, node in nodes("tests/model/"))

"""The project's files as git lists them, tracked or not yet: no environment, no caches."""

import ast
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

Where = tuple[str, int, str]
"""A file, a line in it, and what stands there or what is wrong with it."""


@cache
def names() -> tuple[str, ...]:
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    paths = ((name, ROOT / name) for name in sorted(set(listed)) if name)
    return tuple(name for name, path in paths if path.is_file() and not path.is_symlink())


@cache
def content(name: str) -> bytes:
    return (ROOT / name).read_bytes()


def is_text(name: str) -> bool:
    """Tell text from the rest as git does."""
    return b"\0" not in content(name)[:8000]


def text(name: str) -> str:
    return content(name).decode("utf-8", "replace")


def lines(chosen: Iterable[str]) -> Iterator[Where]:
    """Yield every line of the files, numbered."""
    for name in chosen:
        for number, line in enumerate(text(name).split("\n"), 1):
            yield name, number, line


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(content(name), name)


def python(*folders: str) -> list[str]:
    return [name for name in names() if name.endswith(".py") and name.startswith(folders or "")]


def nodes(*folders: str) -> Iterator[tuple[str, ast.AST]]:
    for name in python(*folders):
        for node in ast.walk(tree(name)):
            yield name, node


def literals(*folders: str) -> Iterator[Where]:
    """Yield every string in the code."""
    for name, node in nodes(*folders):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield name, node.lineno, node.value


def expect_none(found: Iterable[Where]) -> None:
    wrong = [f"{name}:{number}: {what}" for name, number, what in found]
    assert not wrong, "\n" + "\n".join(wrong)


def at(places: Iterable[Where]) -> str:
    return ", ".join(f"{name}:{number}" for name, number, _ in places) or "nowhere"

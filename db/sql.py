"""The SQL, by name. It lives in `queries/*.sql`, where psql opens it and reviewers read it as SQL.

A statement begins with two comments, and ends at the next one's name or at the end of the file:

    -- players_read: SELECT player
    -- What is stored of these players, and the database's clock.
    select ...

The first line is its name, which the code, the traces and the metrics use, and its summary: what it
does to which table. The second is a sentence.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

QUERIES = Path(__file__).parent / "queries"

_HEADER = re.compile(
    r"^-- (?P<name>[a-z][a-z_]*): (?P<operation>[A-Z]+) (?P<target>[a-z_]+)\n(?:-- .+\n)+",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Statement:
    """One statement. `attributes` are what its span says of it, by OpenTelemetry's conventions."""

    name: str
    text: str
    attributes: Mapping[str, str]


def load_statements(folder: Path = QUERIES) -> Mapping[str, Statement]:
    """Return every statement by name. Raise ValueError for a name used twice or text without."""
    statements: dict[str, Statement] = {}
    for path in sorted(folder.glob("*.sql")):
        for statement in _parse(path):
            if statement.name in statements:
                raise ValueError(f"{path.name}: there are two statements named {statement.name}")
            statements[statement.name] = statement
    return MappingProxyType(statements)


def _parse(path: Path) -> list[Statement]:
    content = path.read_text("utf-8")
    headers = list(_HEADER.finditer(content))
    before_first = content[: headers[0].start()] if headers else content
    if before_first.strip():
        raise ValueError(f"{path.name}: text before the first name and its sentence")
    ends = [header.start() for header in headers[1:]] + [len(content)]
    return [
        _statement(header, content[header.end() : end])
        for header, end in zip(headers, ends, strict=True)
    ]


def _statement(header: re.Match[str], body: str) -> Statement:
    name = header["name"]
    text = body.strip().removesuffix(";")
    if not text or ";" in text:
        raise ValueError(f"{name}: one statement stands under one name")
    return Statement(
        name=name,
        # The name leads the text, so that the server's own log and statistics show it, too.
        text=f"/* {name} */ {text}",
        attributes=MappingProxyType(
            {
                "db.system.name": "postgresql",
                "db.operation.name": header["operation"],
                "db.query.summary": f"{header['operation']} {header['target']}",
            }
        ),
    )

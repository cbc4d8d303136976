"""What an administrator has to grant, by what PostgreSQL says that a role may not do.

Two roles may be one: whoever migrates owns the tables, and whoever serves reads and writes them.
"""

import re
from collections.abc import Mapping
from typing import Final

ROLE: Final = "to the role of DATABASE_URL"
_DENIED: Final = re.compile(r"permission denied for (\w+) (\S+)")
_AS_OWNER: Final = "; migrate as the role that owns the tables"

_TO_SERVE: Final[Mapping[str, str]] = {
    "table": f"select, insert, update, delete on all tables in schema public {ROLE}",
    "function": f"execute on all functions in schema public {ROLE}",
    "schema": f"usage on schema {{0}} {ROLE}",
    "database": f"connect on database {{0}} {ROLE}",
}
_TO_MIGRATE: Final[Mapping[str, str]] = {
    "schema": f"create on schema {{0}} {ROLE}",
    "database": f"connect, create on database {{0}} {ROLE}",
}
_MIGRATION_SAYS: Final[Mapping[str, str]] = {
    "permission denied to create database": (
        "; as an administrator: make the database, with the role of DATABASE_URL as its owner"
    ),
    "no schema has been selected": (
        "; the search_path of DATABASE_URL, of its role or of the database names no schema that"
        " exists: correct it, or make the schema"
    ),
    "permission denied for table": _AS_OWNER,
    "must be owner of": _AS_OWNER,
    # Whoever may not read what was applied takes it that nothing was.
    "already exists": "; if another role made it, migrate as that role",
}


def what_to_grant(said: str) -> str:
    """Return what lets a role serve, to stand behind what PostgreSQL said; or nothing."""
    return _granted(said, _TO_SERVE)


def what_to_grant_for_migrations(said: str) -> str:
    """Return what lets a role migrate, to stand behind what PostgreSQL said; or nothing."""
    known = next((advice for words, advice in _MIGRATION_SAYS.items() if words in said), None)
    return _granted(said, _TO_MIGRATE) if known is None else known


def _granted(said: str, grants: Mapping[str, str]) -> str:
    denied = _DENIED.search(said)
    if denied is None or denied[1] not in grants:
        return ""
    return f"; as an administrator: grant {grants[denied[1]].format(denied[2])}"

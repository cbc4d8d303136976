"""The databases of tests/database.py, for every test in this folder."""

from tests.database import (
    database_numbers,
    database_url,
    module_database_url,
    postgres_url,
    template_url,
)

__all__ = [
    "database_numbers",
    "database_url",
    "module_database_url",
    "postgres_url",
    "template_url",
]

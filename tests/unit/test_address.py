"""One DATABASE_URL, read alike by both programs."""

import pytest

from db.address import derive

SOCKET = "postgresql://headrace@/headrace?host=/run/pg"
NETWORK = "postgresql://headrace:secret@db.example:6432/headrace"


@pytest.mark.parametrize(
    ("database_url", "asyncpg", "dbmate"),
    [
        (
            SOCKET,
            "postgresql://headrace@/headrace?host=/run/pg&port=5432",
            "postgres://headrace@/headrace?socket=/run/pg&port=5432&sslmode=disable",
        ),
        (
            "postgres://headrace@/headrace?host=/run/pg&port=5433&sslmode=require",
            "postgresql://headrace@/headrace?host=/run/pg&port=5433&sslmode=require",
            "postgres://headrace@/headrace?socket=/run/pg&port=5433&sslmode=disable",
        ),
        (
            "postgresql://headrace@%2Frun%2FPG:5433/headrace",
            "postgresql://headrace@/headrace?host=/run/PG&port=5433",
            "postgres://headrace@/headrace?socket=/run/PG&port=5433&sslmode=disable",
        ),
        (
            NETWORK,
            "postgresql://headrace:secret@db.example:6432/headrace?sslmode=prefer",
            "postgres://headrace:secret@/headrace?host=db.example&port=6432&sslmode=prefer",
        ),
        (
            "postgres://headrace@db.example/headrace?sslmode=verify-full&sslrootcert=/ca.pem",
            "postgresql://headrace@db.example:5432/headrace?sslmode=verify-full&sslrootcert=/ca.pem",
            (
                "postgres://headrace@/headrace?host=db.example&port=5432"
                "&sslmode=verify-full&sslrootcert=/ca.pem"
            ),
        ),
        (
            "postgresql:///headrace",
            "postgresql://localhost:5432/headrace?sslmode=prefer",
            "postgres:///headrace?host=localhost&port=5432&sslmode=prefer",
        ),
        (
            "postgresql://[::1]:6432/headrace",
            "postgresql://[::1]:6432/headrace?sslmode=prefer",
            "postgres:///headrace?host=%3A%3A1&port=6432&sslmode=prefer",
        ),
        (
            "postgresql:///?user=a&password=b%26c&dbname=d&host=db.example&port=1",
            "postgresql://a:b%26c@db.example:1/d?sslmode=prefer",
            "postgres://a:b%26c@/d?host=db.example&port=1&sslmode=prefer",
        ),
        (
            f"{NETWORK}?connect_timeout=3&application_name=a%20b",
            (
                "postgresql://headrace:secret@db.example:6432/headrace"
                "?sslmode=prefer&application_name=a%20b"
            ),
            (
                "postgres://headrace:secret@/headrace?host=db.example&port=6432"
                "&sslmode=prefer&connect_timeout=3&application_name=a%20b"
            ),
        ),
    ],
)
def test_both_programs_get_the_address_in_their_own_form(
    database_url: str, asyncpg: str, dbmate: str
) -> None:
    addresses = derive(database_url)
    assert addresses.asyncpg == asyncpg
    assert addresses.dbmate == dbmate


@pytest.mark.parametrize(
    ("written", "password"),
    [
        ("p%40ss%2Fw%3Ard%23%3F", "p%40ss%2Fw%3Ard%23%3F"),
        ("p@ss", "p%40ss"),  # the last "@" ends it
        ("a:b", "a%3Ab"),
        ("100%", "100%25"),
        ("%zz", "%25zz"),
        ("pässwörd+", "p%C3%A4ssw%C3%B6rd%2B"),
        ("", ""),
    ],
)
def test_a_password_may_hold_any_character(written: str, password: str) -> None:
    addresses = derive(f"postgresql://me:{written}@host/name")
    assert addresses.asyncpg.startswith(f"postgresql://me:{password}@host:5432/")
    assert addresses.dbmate.startswith(f"postgres://me:{password}@/name?")


@pytest.mark.parametrize(
    ("database_url", "complaint"),
    [
        ("", "must begin with postgresql://"),
        ("mysql://me:secret@host/name", "must begin with postgresql://"),
        ("postgresql:me:secret@host/name", "must begin with postgresql://"),
        ("postgresql://me:secret@host", "names no database"),
        ("postgresql://me:secret@host/", "names no database"),
        ("postgresql://me:secret@host/a/b", "more than one '/'"),
        ("postgresql://me:secret@host:port/name", "must be host or host:port"),
        ("postgresql://me:secret@host:0/name", "port must be a number"),
        ("postgresql://me:secret@host:65536/name", "port must be a number"),
        ("postgresql://me:secret@/name?host=/run&port=x", "port must be a number"),
        ("postgresql://me:secret@a:1,b:2/name", "several hosts"),
        ("postgresql://me:secret@/name?host=/a,/b", "several hosts"),
        ("postgresql://me:sec#secret@host/name", "'#'"),
        ("postgresql://me:sec/secret@host/name", "'@' behind its host"),
        ("postgresql://me:sec?secret@host/name", "'@' behind its host"),
        ("postgresql://me:secret@host/name?sslmode", "name=value"),
        ("postgresql://me:secret@host/name?sslmode=a&sslmode=b", "twice"),
    ],
)
def test_a_wrong_address_is_named_without_its_password(database_url: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as caught:
        derive(database_url)
    assert "sec" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_nothing_that_is_shown_has_the_password() -> None:
    addresses = derive(NETWORK.replace("secret", "s%2Fcret"))
    assert addresses.label == "db.example:6432, database headrace"
    assert "cret" not in repr(addresses)
    assert addresses.redact("no s%2Fcret, no s/cret") == "no ***, no ***"

"""Where the database is, for both programs that ask: asyncpg and dbmate.

They read the same URL differently. dbmate wants a Unix socket's folder under another name, and
assumes TLS where asyncpg only prefers it; asyncpg takes a password's first "@" for the end of it.
So the URL is taken apart once, here, and each gets a form that it reads as meant.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlencode

PORT_DEFAULT = 5432

_SCHEMES = ("postgresql://", "postgres://")
_HOST_AND_PORT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:]*)(?::(?P<port>\d{1,5}))?")
# libpq's name for a bound that `db.pool` has already; asyncpg would send it on to the server.
_DBMATE_ONLY = frozenset({"connect_timeout"})


@dataclass(frozen=True)
class DatabaseUrls:
    """One database under its two names. `label` has no secrets and is for messages."""

    asyncpg: str = field(repr=False)
    dbmate: str = field(repr=False)
    label: str
    _password: str | None = field(repr=False)

    def redact(self, text: str) -> str:
        """Return another program's text without the password, however it is written."""
        for secret in (self._password, quote(self._password or "", safe="")):
            if secret:
                text = text.replace(secret, "***")
        return text


@dataclass(frozen=True)
class _Parts:
    user: str | None
    password: str | None
    host: str
    port: int
    name: str
    query: dict[str, str]


def derive(database_url: str) -> DatabaseUrls:
    """Return both addresses of DATABASE_URL.

    Raise ValueError for what cannot be used; its text says what to change and never quotes the URL.
    """
    parts = _take_apart(database_url)
    if parts.host.startswith("/"):
        return _on_socket(parts)
    return _on_network(parts)


def _on_socket(parts: _Parts) -> DatabaseUrls:
    where = {"host": parts.host, "port": str(parts.port)}
    return DatabaseUrls(
        asyncpg=_url("postgresql", parts, "", where | _without_dbmate_only(parts.query)),
        dbmate=_url(
            "postgres",
            parts,
            "",
            {"socket": parts.host, "port": str(parts.port)} | parts.query | {"sslmode": "disable"},
        ),
        label=f"{parts.host} (port {parts.port}), database {parts.name}",
        _password=parts.password,
    )


def _on_network(parts: _Parts) -> DatabaseUrls:
    host_and_port = f"{parts.host}:{parts.port}"
    query = {"sslmode": "prefer"} | parts.query
    # In dbmate's own place for it, an IPv6 address would lose its brackets.
    where = {"host": parts.host.strip("[]"), "port": str(parts.port)}
    return DatabaseUrls(
        asyncpg=_url("postgresql", parts, host_and_port, _without_dbmate_only(query)),
        dbmate=_url("postgres", parts, "", where | query),
        label=f"{host_and_port}, database {parts.name}",
        _password=parts.password,
    )


def _without_dbmate_only(query: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in query.items() if name not in _DBMATE_ONLY}


def _url(scheme: str, parts: _Parts, host_and_port: str, query: dict[str, str]) -> str:
    credentials = ""
    if parts.user is not None:
        credentials = quote(parts.user, safe="")
        if parts.password is not None:
            credentials += ":" + quote(parts.password, safe="")
        credentials += "@"
    name = quote(parts.name, safe="")
    parameters = urlencode(query, quote_via=quote, safe="/")
    return f"{scheme}://{credentials}{host_and_port}/{name}?{parameters}"


def _take_apart(database_url: str) -> _Parts:
    scheme = next((known for known in _SCHEMES if database_url.startswith(known)), None)
    if scheme is None:
        raise ValueError("DATABASE_URL must begin with postgresql:// or postgres://")
    if "#" in database_url:
        raise ValueError("DATABASE_URL has a '#'; in a password or a name it is written %23")
    rest, _, raw_query = database_url.removeprefix(scheme).partition("?")
    authority, _, path = rest.partition("/")
    if "@" in path or "@" in raw_query:
        raise ValueError(
            "DATABASE_URL has an '@' behind its host; in a password '/' is written %2F, '?' %3F and"
            " '@' %40"
        )
    credentials, at, host_and_port = authority.rpartition("@")
    user, colon, password = credentials.partition(":")
    query = _read_query(raw_query)
    host, port = _find_host(host_and_port, query)
    name = query.pop("dbname", unquote(path))
    if not name:
        raise ValueError("DATABASE_URL names no database (the part behind the host's '/')")
    if "/" in path:
        raise ValueError(
            "DATABASE_URL has more than one '/' behind its host; only the database's name stands"
            " there"
        )
    return _Parts(
        user=query.pop("user", unquote(user) if at else None),
        password=query.pop("password", unquote(password) if colon else None),
        host=host,
        port=port,
        name=name,
        query=query,
    )


def _read_query(raw_query: str) -> dict[str, str]:
    if not raw_query:
        return {}
    try:
        pairs = parse_qsl(raw_query, keep_blank_values=True, strict_parsing=True)
    except ValueError:
        raise ValueError(
            "DATABASE_URL: what follows '?' must be name=value pairs joined by '&'"
        ) from None
    query = dict(pairs)
    if len(query) < len(pairs):
        raise ValueError("DATABASE_URL gives a parameter behind '?' twice")
    return query


def _find_host(host_and_port: str, query: dict[str, str]) -> tuple[str, int]:
    if "," in unquote(host_and_port) or "," in query.get("host", ""):
        raise ValueError("DATABASE_URL names several hosts; one is supported")
    found = _HOST_AND_PORT.fullmatch(host_and_port)
    if found is None:
        raise ValueError("DATABASE_URL: the part between '@' and '/' must be host or host:port")
    host = query.pop("host", None) or unquote(found["host"]) or "localhost"
    port_text = query.pop("port", None) or found["port"] or str(PORT_DEFAULT)
    if not port_text.isascii() or not port_text.isdigit() or not 0 < int(port_text) < 2**16:
        raise ValueError("DATABASE_URL: the port must be a number from 1 to 65535")
    if ":" in host and not host.startswith(("/", "[")):
        host = f"[{host}]"
    return host, int(port_text)

"""The kinds of values that settings have, and how people may write them."""

import re
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from app.tokens.keys import ALGORITHMS
from middleware.admission import Share

SHARE_NAMES = sorted(Share)
_WEIGHT = re.compile(r"[1-9]\d{0,2}|1000")
_RATE = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(?:/s)?")


class Environment(StrEnum):
    """Where the service runs: production allows no short cuts."""

    LOCAL = "local"
    TEST = "test"
    PRODUCTION = "production"


class AdmissionMode(StrEnum):
    """Whether the gate is built at all."""

    OFF = "off"
    ENFORCE = "enforce"


class LogLevel(StrEnum):
    """The least serious log line that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _rate(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value == "auto":
        raise ValueError("auto needs measured capacity, which is not built yet; give n or n/s")
    match = _RATE.fullmatch(value)
    if match is None or float(match[1]) <= 0:
        raise ValueError("expected a rate above 0 such as 300 or 300/s")
    return float(match[1])


def limit_or_auto(value: Any) -> Any:
    """Explain why `auto` is no limit yet."""
    if value == "auto":
        raise ValueError("auto needs measured capacity, which is not built yet; give a number")
    return value


def _weights(value: str) -> str:
    """Check weights such as events=2,gameplay=8,logins=6: every share once, and no other."""
    pairs = [part.strip().partition("=") for part in value.split(",")]
    names = [name for name, _, _ in pairs]
    wrong = [f"there is no share {name!r}" for name in names if name not in SHARE_NAMES]
    wrong += [f"{name} stands there twice" for name in SHARE_NAMES if names.count(name) > 1]
    wrong += [f"{name} is missing" for name in SHARE_NAMES if name not in names]
    wrong += [
        f"{name} has {number!r}, not a whole number from 1 to 1000"
        for name, _, number in pairs
        if name in SHARE_NAMES and not _WEIGHT.fullmatch(number)
    ]
    if wrong:
        raise ValueError("; ".join(wrong))
    return value


def is_http_url(text: str) -> bool:
    """Return whether this is an address that can be asked over HTTP."""
    try:
        parts = urlsplit(text)
        whole = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        whole = False
    return bool(whole) and not any(character.isspace() for character in text)


def _http_url(value: Any) -> Any:
    if not isinstance(value, str) or not is_http_url(value):
        raise ValueError("expected an address such as https://rewards.example/grants")
    return value


def _algorithms(value: str) -> str:
    """Check algorithms such as RS256,ES256."""
    wrong = [name for name in names_of(value) if name not in ALGORITHMS]
    if wrong or not names_of(value):
        raise ValueError(f"expected some of {', '.join(sorted(ALGORITHMS))}, with commas")
    return value


def names_of(value: str) -> frozenset[str]:
    """Return the names of a list with commas."""
    return frozenset(name.strip() for name in value.split(",") if name.strip())


def _key_source(value: str) -> str:
    """Check where keys come from: an address, or a file's path."""
    if "://" in value and not is_http_url(value):
        raise ValueError("expected an address such as https://issuer.example/jwks, or a file")
    return value


Weights = Annotated[str, AfterValidator(_weights)]
Bearer = Annotated[str, Field(pattern=r"^[A-Za-z0-9._~+/-]{16,256}={0,2}$")]
Algorithms = Annotated[str, AfterValidator(_algorithms)]
KeySource = Annotated[str, AfterValidator(_key_source)]
RatePerSecond = Annotated[float, BeforeValidator(_rate), Field(gt=0, le=1_000_000)]
HttpUrl = Annotated[str, BeforeValidator(_http_url)]

"""Where settings come from: files over environment over defaults.

A name is its field in capitals. `SETTINGS_DIR` names a folder with one file per setting (a mounted
ConfigMap as it is). All errors are reported at once, and each names the variable to change.
"""

import difflib
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ValidationError

from app.file_content import file_content
from app.setting_types import Environment
from app.settings import SECRET, Settings

SETTINGS_DIR = "SETTINGS_DIR"
PREFIXES = (
    "ADMISSION_",
    "AUTH_",
    "BODY_",
    "CATALOGUE_",
    "CONNECTIONS_",
    "DATABASE_",
    "DRAIN_",
    "ERASURE_",
    "EVENTS_",
    "OPERATIONS_",
    "REWARD_",
)
"""An unknown name that begins like this is an error: a typing mistake would not act."""

SETTING_BYTES_MAX = 1_000_000
_SURROGATE = re.compile("[\ud800-\udfff]")  # bytes that are not UTF-8 become these
PATHS = {name for name, field in Settings.model_fields.items() if field.annotation == Path | None}


class SettingsInvalid(Exception):
    """The settings cannot be used. `errors` has one line for each thing to change."""

    def __init__(self, errors: tuple[str, ...]) -> None:
        super().__init__("; ".join(errors))
        self.errors = errors


class LoadedSettings(BaseModel):
    """Settings, and where each came from: a file, the environment or a default."""

    settings: Settings
    origins: dict[str, str]


def load_settings(
    environ: Mapping[str, str], checks: Mapping[str, Callable[[str], object]] = MappingProxyType({})
) -> LoadedSettings:
    """Read and check everything. Raises `SettingsInvalid` with every error.

    `checks` are those that this module cannot make: by field, they raise a `ValueError` that names
    the variable.
    """
    values: dict[str, str] = {}
    origins: dict[str, str] = {}
    errors: list[str] = []
    for origin, names in (("environment", environ), ("file", _files(environ, errors))):
        for name in names:
            field = name.lower()
            if name.isupper() and field in Settings.model_fields:
                # An empty one is not set, as with OpenTelemetry's. Of an address or a folder it
                # would mean every address, or this folder.
                if names[name].strip():
                    values[field], origins[field] = names[name], origin
            elif origin == "file" or name.startswith(PREFIXES):
                errors.append(_unknown(name, origin))
    for field in [field for field, text in values.items() if not _is_text(field, text)]:
        errors.append(f"{field.upper()}: it is not text in UTF-8, or holds a zero byte")
        del values[field]
    for field in checks.keys() & values.keys():
        try:
            checks[field](values[field])
        except ValueError as error:
            errors.append(str(error))
    defaults = _environment_defaults(values.get("environment", ""))
    origins = {field: origins.get(field, "default") for field in sorted(Settings.model_fields)}
    settings = _validate({**defaults, **values}, errors)
    if settings is None or errors:
        raise SettingsInvalid(tuple(errors))
    return LoadedSettings(settings=settings, origins=origins)


def _is_text(field: str, text: str) -> bool:
    """Return whether text can be sent and shown; a path may have any bytes."""
    return "\0" not in text and (field in PATHS or not _SURROGATE.search(text))


def _validate(values: Mapping[str, Any], errors: list[str]) -> Settings | None:
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        wrong = {item["loc"][0] for item in error.errors() if item["loc"]}
        errors += [line for item in error.errors() for line in _explain(item, values)]
    if wrong:
        # The rules between settings are looked at only once each setting is right by itself.
        _validate({field: values[field] for field in values if field not in wrong}, errors)
    return None


def range_of(name: str) -> str:
    """Return which values a setting takes, in a few words."""
    field = Settings.model_fields[name]
    schema = Settings.model_json_schema()
    shape = schema["properties"][name]
    shape = next((one for one in shape.get("anyOf", ()) if one.get("type") != "null"), shape)
    if "$ref" in shape:
        shape = schema["$defs"][shape["$ref"].rsplit("/", 1)[-1]]
    if "enum" in shape:
        return " | ".join(shape["enum"])
    high = shape.get("maximum", shape.get("le"))
    if high is not None:
        above = shape.get("exclusiveMinimum", shape.get("gt"))
        low = shape.get("minimum", shape.get("ge"))
        return f"{low:.0f} to {high:.0f}" if above is None else f"above {above:.0f} to {high:.0f}"
    return "true | false" if field.annotation is bool else "text"


def describe_settings() -> str:
    """Return name, range, default and meaning of every setting, for `--help`."""
    return "\n".join(
        f"  {name.upper()} ({range_of(name)}; default {default_of(name)})\n"
        f"      {field.description}"
        for name, field in Settings.model_fields.items()
    )


def default_of(name: str) -> str:
    """Return what a setting is if nobody sets it, in a few words; some depend on ENVIRONMENT."""
    default = Settings.model_fields[name].default
    others: dict[str, list[str]] = {}
    for environment in Environment:
        own = _environment_defaults(environment).get(name, default)
        if own != default:
            others.setdefault(written(own) or "none", []).append(environment)
    told = [f"{own} in {' and '.join(environments)}" for own, environments in others.items()]
    return ", ".join([written(default) or "none", *told])


def written(value: Any) -> str | None:
    """Return a value as it would be written, or None where there is none."""
    if value is None:
        return None
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else f"{Decimal(str(value)):f}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _environment_defaults(environment: str) -> dict[str, Any]:
    """Return the defaults that differ by environment."""
    if environment == Environment.PRODUCTION:
        return {"host": "0.0.0.0"}  # noqa: S104 - a pod is reached from outside
    if environment == Environment.TEST:
        return {"auth_enabled": False}
    return {"auth_enabled": False, "drain_delay_s": 0.0}


def _files(environ: Mapping[str, str], errors: list[str]) -> dict[str, str]:
    folder = environ.get(SETTINGS_DIR)
    if not folder:
        return {}
    try:
        # A mounted ConfigMap also holds ..data and the like.
        paths = [path for path in Path(folder).iterdir() if not path.name.startswith(".")]
        return {
            path.name: file_content(path, SETTING_BYTES_MAX).decode().strip()
            for path in paths
            if path.is_file()
        }
    except (OSError, UnicodeDecodeError) as error:
        errors.append(f"{SETTINGS_DIR}={folder}: {error}")
        return {}


def _unknown(name: str, origin: str) -> str:
    known = [field.upper() for field in Settings.model_fields]
    near = difflib.get_close_matches(name.upper(), known, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"{name} ({origin}): there is no such setting{hint}"


def _explain(item: Any, values: Mapping[str, Any]) -> list[str]:
    message = str(item["msg"]).removeprefix("Value error, ")
    if not item["loc"]:
        return message.split("\n")
    field = str(item["loc"][0])
    given = "" if field in SECRET else f"={values.get(field, '')}"
    return [f"{field.upper()}{given}: {message}"]

"""What the Go service's environment means here: settings that this service takes."""

import shlex
from pathlib import Path

import pytest

from app.cli import main
from app.commands.go_environment import translated
from app.settings import Settings
from app.settings_loading import load_settings

GO = """
# as in its compose file
export AB_BASE_URL=https://platform.example/
AB_NAMESPACE="mygame"
AB_CLIENT_ID=abc
AB_CLIENT_SECRET=s/cret
DB_HOST=db
DB_PASSWORD='p@ss/word'
DB_MAX_OPEN_CONNS=25
CHALLENGE_CONFIG_PATH=config/challenges.json
REFRESH_INTERVAL=600
CLEANUP_ENABLED=true
BASE_PATH=/challenge
SOMETHING_ELSE=1
"""


def settings_of(lines: list[str]) -> dict[str, str]:
    pairs = (line.partition("=") for line in lines if not line.startswith("#"))
    return {name: value for name, _, value in pairs if name}


def test_a_production_s_environment_becomes_settings_that_are_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / ".env"
    file.write_text(GO)
    assert main(["settings", "--from-go-env", str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    unquoted = [" ".join(shlex.split(line, comments=True)) for line in lines]
    settings = load_settings(settings_of(unquoted)).settings
    assert settings.database_url == (
        "postgresql://postgres:p%40ss%2Fword@db:5432/challenge_service?sslmode=disable"
    )
    assert settings.auth_enabled
    assert settings.auth_issuer == "https://platform.example"
    assert settings.auth_keys == "https://platform.example/iam/v3/oauth/jwks"
    assert settings.auth_revocations is None
    address = "https://abc:s%2Fcret@platform.example/iam/v3/oauth/revocationlist"
    assert f"# AUTH_REVOCATIONS={address}" in lines
    assert (settings.namespace, settings.database_pool_size) == ("mygame", 25)
    assert settings.catalogue_path == Path("config/challenges.json")
    comments = {line.split(":")[0] for line in lines if line.startswith("#")}
    assert comments >= {
        *("# AUTH_ISSUER", "# CLEANUP_ENABLED"),
        *("# REFRESH_INTERVAL", "# REWARD_URL"),
    }


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"PLUGIN_GRPC_SERVER_AUTH_ENABLED": "True"}, "AUTH_ENABLED=true"),
        ({"PLUGIN_GRPC_SERVER_AUTH_ENABLED": "1"}, "AUTH_ENABLED=false"),
        ({}, "AUTH_ENABLED=true"),
        ({"LOG_LEVEL": "WARN"}, "LOG_LEVEL=warning"),
        ({"LOG_LEVEL": "debug"}, "LOG_LEVEL=debug"),
        (
            {"BASE_PATH": "/other"},
            "# BASE_PATH: always /challenge here; let the proxy in front translate it",
        ),
        (
            {"DB_PORT": "6543"},
            "DATABASE_URL=postgresql://postgres@localhost:6543/challenge_service?sslmode=disable",
        ),
    ],
)
def test_what_is_unset_means_what_it_means_there(
    environment: dict[str, str], expected: str
) -> None:
    lines = list(translated(environment))
    assert expected in lines
    assert {name.lower() for name in settings_of(lines)} <= set(Settings.model_fields)


@pytest.mark.parametrize("content", [b"\xff", None])
def test_a_file_that_cannot_be_read_is_one_line(
    tmp_path: Path, content: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / ".env"
    if content is not None:
        file.write_bytes(content)
    assert main(["settings", "--from-go-env", str(file)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1

"""What commands print, to people, to pipes and to programs."""

import json
import tomllib
from pathlib import Path

import pytest

from app.api_document import api_document
from app.cli import main
from app.settings import Settings
from tests.database import named

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 0
    return capsys.readouterr().out


def test_settings_in_a_pipe_are_whole_and_as_they_are_written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setenv("DATABASE_POOL_SIZE", "7")
    monkeypatch.setenv("EVENTS_TOKEN", "s3cret-s3cret-s3cret")
    lines = printed(capsys, "settings").splitlines()
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if "│" in line]
    values = {name: value for name, value, *_ in rows}
    assert values.keys() == {name.upper() for name in Settings.model_fields}
    assert values["AUTH_ENABLED"] == "false"
    assert values["ADMISSION_LIMIT"] == "7"
    assert values["EVENTS_TOKEN"] == "(hidden)"
    assert Path(values["DATA_DIR"]).is_absolute()


def test_settings_are_there_for_programs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_POOL_SIZE", "7")
    monkeypatch.setenv("ADMISSION_INITIALIZE_RATE", "300/s")
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/db")
    document = json.loads(printed(capsys, "settings", "--json"))
    assert document["DATABASE_POOL_SIZE"] == {"value": 7, "from": "environment"}
    assert document["AUTH_ENABLED"] == {"value": False, "from": "default"}
    assert document["ADMISSION_INITIALIZE_RATE"] == {"value": 300.0, "from": "environment"}
    assert document["ADMISSION_INITIALIZE_BURST"] == {"value": 30, "from": "default"}
    assert document["DATABASE_URL"] == {"value": "(hidden)", "from": "environment"}
    why = "DATABASE_URL is set"
    assert document["DATA_DIR"] == {"value": None, "from": "default", "no_effect": why}
    assert document["REWARD_URL"] == {"value": None, "from": "default"}


def test_help_says_what_holds_if_nothing_is_set(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    for setting in (
        "DATABASE_POOL_SIZE (1 to 1000; default 10)",
        "AUTH_ENABLED (true | false; default true, false in local and test)",
        "DRAIN_DELAY_S (0 to 300; default 5, 0 in local)",
        "HOST (text; default 127.0.0.1, 0.0.0.0 in production)",
    ):
        assert setting in said


@pytest.mark.parametrize(
    ("command", "default"),
    [("demo", "127.0.0.1:8000"), ("mock-provider", "8090"), ("migrate", "all")],
)
def test_a_command_s_help_says_its_defaults(
    capsys: pytest.CaptureFixture[str], command: str, default: str
) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert default in capsys.readouterr().out.partition("options:")[2]


def test_on_a_narrow_terminal_no_name_is_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    lines = printed(capsys, "settings").splitlines()
    assert [line.partition("=")[0] for line in lines] == list(map(str.upper, Settings.model_fields))
    assert "AUTH_ENABLED=false (default; true | false)" in lines


@pytest.mark.parametrize("columns", ["30", "1000"])
@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("NAMESPACE", "a[bold]b", "a[bold]b"),
        ("NAMESPACE", "a\x1b[2Jb", "\\x1b"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.0000001", "0.0000001"),
        ("DATABASE_URL", "postgresql://elsewhere/db", "default, no effect: DATABASE_URL is set"),
        ("ADMISSION_INITIALIZE_BURST", "5", "no effect: ADMISSION_INITIALIZE_RATE is not set"),
        ("ADMISSION_MODE", "off", "default, no effect: ADMISSION_MODE is off"),
    ],
)
def test_settings_are_shown_as_they_are_and_as_they_act(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    columns: str,
    name: str,
    value: str,
    shown: str,
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv(name, value)
    assert shown in " ".join(printed(capsys, "settings").split())


def test_there_is_one_version(capsys: pytest.CaptureFixture[str]) -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    document = json.loads(api_document())
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"headrace {project['version']}\n"
    assert document["info"]["version"] == project["version"]


@pytest.mark.parametrize("port", ["-1", "65536"])
def test_a_provider_that_cannot_listen_says_so(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, port: str
) -> None:
    assert main(["mock-provider", "--port", port, "--ledger", str(tmp_path / "ledger")]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"headrace: cannot listen on port {port}, or keep ")


def test_migrate_says_what_it_did(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", named(postgres_url, "told"))
    first = printed(capsys, "migrate").splitlines()
    assert first
    assert all(line.startswith("applied ") and line.endswith(".sql") for line in first)
    assert printed(capsys, "migrate") == "nothing to apply: the schema is up to date\n"

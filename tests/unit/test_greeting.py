"""What a person at a local machine is told to try can be pasted."""

import shlex
import subprocess
import sys

import pytest

from app.commands.common import data_dir_of
from app.commands.serve import _greeting
from app.serving.server import Addresses
from app.settings_loading import load_settings
from tests.project_files import ROOT

ADDRESSES = Addresses(("127.0.0.1", 8000), ("127.0.0.1", 8080))


@pytest.mark.parametrize("chosen", [None, "/tmp/my data"])
def test_the_greeting_says_where_the_data_are_and_what_removes_them(
    chosen: str | None,
) -> None:
    settings = load_settings({} if chosen is None else {"DATA_DIR": chosen}).settings
    lines = _greeting(settings, ADDRESSES).splitlines()
    [line] = [line for line in lines if line.startswith("  data")]
    folder, _, command = line.partition(", kept; to remove them: ")
    assert folder.split(maxsplit=1)[1] == str(data_dir_of(settings))
    given = [] if chosen is None else [f"DATA_DIR={chosen}"]
    assert shlex.split(command) == [*given, sys.executable, "-m", "app", "clean-data"]


def test_the_demo_of_the_greeting_runs_with_the_python_that_serves() -> None:
    lines = _greeting(load_settings({}).settings, ADDRESSES).splitlines()
    [line] = [line for line in lines if "app demo" in line]
    # An environment without any PATH: what is found is what is named.
    done = subprocess.run(
        [*shlex.split(line), "--help"], cwd=ROOT, env={}, check=False, capture_output=True
    )
    assert done.returncode == 0, done.stderr


def test_where_players_show_tokens_the_greeting_asks_with_one() -> None:
    settings = load_settings({"AUTH_ENABLED": "true", "AUTH_KEYS": "/keys.json"}).settings
    asking = [line for line in _greeting(settings, ADDRESSES).splitlines() if "v1" in line][1:]
    assert len(asking) == 2
    assert all("-H 'Authorization: Bearer TOKEN'" in line for line in asking)

"""What a person at a local machine is told to try can be pasted."""

import shlex
import subprocess

import pytest

from app.commands.serve import _greet
from app.server import Addresses
from app.settings_loading import load_settings
from tests.project_files import ROOT


def test_the_demo_of_the_greeting_runs_with_the_python_that_serves(
    capsys: pytest.CaptureFixture[str],
) -> None:
    addresses = Addresses(("127.0.0.1", 8000), ("127.0.0.1", 8080))
    _greet(load_settings({}).settings, addresses)
    [line] = [line for line in capsys.readouterr().out.splitlines() if "app demo" in line]
    # An environment without any PATH: what is found is what is named.
    done = subprocess.run(
        [*shlex.split(line), "--help"], cwd=ROOT, env={}, check=False, capture_output=True
    )
    assert done.returncode == 0, done.stderr

"""`make bench-micro` shows what it measured, and changes a checkout only when told to."""

import json
from pathlib import Path

import pytest

from benchmarks import micro


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give where results go; what is timed is one answer that cannot be fast enough."""

    def build() -> bytes:
        return json.dumps(list(range(1000))).encode()

    answer = micro.Case("an answer", 1e-9, build, build)
    monkeypatch.setattr(micro, "cases", lambda: [answer])
    monkeypatch.setattr(micro, "REPEATS", 1)
    monkeypatch.setattr(micro, "RESULT", tmp_path / "results" / "micro.json")
    return tmp_path / "results" / "micro.json"


def test_a_missed_target_is_shown_and_is_no_error(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert micro.main([]) == 0
    assert "1e-09 MISSED" in capsys.readouterr().out
    assert not kept.exists()


def test_what_was_measured_is_written_when_told_to(kept: Path) -> None:
    assert micro.main(["--keep"]) == 0
    assert b'"target_us": 1e-9' in kept.read_bytes()

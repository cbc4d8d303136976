"""The closed loop against the canned answer, as processes: what is counted is what was answered."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.rules.canned import FRONT, PLAIN
from benchmarks.rules.closed_loop import GENERATOR, Loop, Looped, Runner
from benchmarks.rules.rivals import Server, run_loop, serving_rival
from benchmarks.service import DidNotStart
from tests.eventually import eventually

BODY = b'{"challenges":[{' + b"x" * 200_000


@pytest.fixture(params=[PLAIN, FRONT])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    canned = tmp_path / "canned"
    canned.mkdir()
    (canned / "list").write_bytes(BODY)
    module = "benchmarks.rules.canned"
    with serving_rival(module, [request.param, str(canned)], tmp_path / "log") as made:
        yield made


def loop(server: Server, **changes: Any) -> Loop:
    plan: dict[str, Any] = {
        "port": server.port,
        "method": "GET",
        "path": "/list",
        "prefix": "p",
        "players": 3,
        "beginning": '{"challenges":[{',
        "roots": {"server": server.pid},
        "seconds": 0.3,
        "warm_s": 0.1,
        "connections": 4,
    }
    return Loop(**plan | changes)


def test_a_loop_counts_whole_answers_and_the_cpu_of_who_gave_them(
    server: Server, tmp_path: Path
) -> None:
    def all_is_counted() -> bool:
        looped = run_loop(loop(server), tmp_path)
        assert looped.wrong == ""
        assert looped.body_bytes == len(BODY)
        # The kernel counts hundredths of a second, and a busy machine may give less in one run.
        return looped.answers > 4 and looped.cpu_s["server"] > 0 and looped.cpu_s[GENERATOR] > 0

    # Four connections, each answered again and again, beyond what one connection may be used for.
    eventually(all_is_counted)


def test_a_body_that_begins_otherwise_ends_the_loop(server: Server) -> None:
    looped: Looped = Runner(loop(server, beginning='{"assignedGoals"')).run()
    assert looped.wrong.startswith("200 ")
    assert looped.answers == 0


def test_a_server_that_is_not_there_is_said(tmp_path: Path) -> None:
    looped = Runner(loop(Server(port=1, pid=1), roots={})).run()
    assert looped.wrong
    with pytest.raises(DidNotStart), serving_rival("benchmarks.no_such", [], tmp_path / "log"):
        raise AssertionError("it runs")

"""The bugs that `make planted-bugs` plants can still be planted."""

import ast

import pytest

from tests.planted_bugs import ROOT, RULES, planted
from tests.rules.bugs import BUGS, Bug


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_fits_the_rules(bug: Bug) -> None:
    for path, text in planted(ROOT / RULES, bug).items():
        assert text != path.read_text(encoding="utf-8")
        ast.parse(text)


def test_no_bug_is_planted_twice() -> None:
    assert len({bug.name for bug in BUGS}) == len({bug.edits for bug in BUGS}) == len(BUGS)

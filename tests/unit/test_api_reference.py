"""app/API.md says of each route what the code says, and answers every defect of the Go service."""

import re
from pathlib import Path

from app.domain.intake import MEANINGS, Incoming
from app.errors import REASONS
from app.events.cloudevents import decode
from tests.api_document import operations

CHECKOUT = Path(__file__).parents[2]
TEXT = (CHECKOUT / "app" / "API.md").read_text("utf-8")
README = (CHECKOUT / "README.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^### (.+?)\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL))
DEFECTS = range(52)
ANSWERS = ("Fixed", "Not built", "Not applicable", "Partly", "Bounded")


def test_every_route_has_one_section() -> None:
    assert sorted(SECTIONS) == sorted(f"{method} {path}" for method, path, _ in operations())
    assert len(re.findall(r"^### ", TEXT, re.MULTILINE)) == len(SECTIONS)


def test_every_section_says_what_its_operation_relies_on() -> None:
    assert [name for name, section in SECTIONS.items() if "**Guard:**" not in section] == []


def test_every_reason_of_an_event_has_its_row() -> None:
    section = SECTIONS["POST /challenge/v1/events"]
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+) \|$", section, re.MULTILINE)
    assert rows == [(why, result, sentence) for why, (result, sentence) in MEANINGS.items()]


def rows_of(section: str) -> list[tuple[int, list[str]]]:
    """Return each row of a table of errors: the status and its reasons."""
    rows = re.findall(r"^\| (\d{3}) \| (.+?) \|", section, re.MULTILINE)
    return [(int(status), re.findall(r"`(\w+)`", reasons)) for status, reasons in rows]


def everywhere(path: str) -> set[int]:
    """Return the statuses that any route may have, and those of any that asks who it is."""
    [listed] = re.findall(r"Any route may answer ([\d, and]+)\.", TEXT)
    [of_v1] = re.findall(r"Any below `/challenge/v1` may also answer ([\d, and]+)\.", TEXT)
    told = listed + of_v1 if path.startswith("/challenge/v1") else listed
    return {int(status) for status in re.findall(r"\d{3}", told)}


def test_a_route_s_errors_are_those_of_its_operation() -> None:
    for method, path, operation in operations():
        promised = {int(status) for status in operation["responses"] if status.isdigit()}
        told = {status for status, _ in rows_of(SECTIONS[f"{method} {path}"])}
        assert told <= promised, (method, path)
        errors = {status for status in promised if status >= 400}
        assert errors <= told | everywhere(path), path


def test_every_reason_that_is_told_has_its_status() -> None:
    rows = [row for section in SECTIONS.values() for row in rows_of(section)]
    assert rows
    for status, reasons in rows:
        assert reasons, status
        assert {REASONS[reason].status for reason in reasons} == {status}


def test_every_status_of_an_error_is_told_somewhere() -> None:
    told = {status for section in SECTIONS.values() for status, _ in rows_of(section)}
    not_found_and_no_such_method = {404, 405}
    everything = everywhere("/challenge/v1") | told | not_found_and_no_such_method
    assert everything == {kind.status for kind in REASONS.values()}


def test_the_example_of_events_can_be_pasted() -> None:
    """The shell writes the time, so that it is never too old; and quotes end where it does."""
    [sent] = re.findall(r"-d '(\[\n.+?\])'\n", SECTIONS["POST /challenge/v1/events"], re.DOTALL)
    now = "2027-06-23T12:00:00Z"
    body = sent.replace("'$(date -u +%FT%TZ)'", now)
    assert "'" not in body
    kinds = [type(each) for each in decode("application/cloudevents-batch+json", body.encode())]
    assert kinds == [Incoming, Incoming]
    assert now in body


def test_the_readme_lists_every_reason_in_the_order_of_statuses() -> None:
    rows = re.findall(r"^\| (\d{3}) \| `(\w+)` \| (.+?) \| .+ \|$", README, re.MULTILINE)
    expected = {(str(kind.status), str(reason), kind.summary) for reason, kind in REASONS.items()}
    assert set(rows) == expected
    assert len(rows) == len(expected)
    assert [status for status, *_ in rows] == sorted(status for status, *_ in rows)


def test_every_defect_has_a_row_with_an_answer() -> None:
    table = TEXT[TEXT.index("## What became of the Go service's defects") :]
    rows = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \|$", table, re.MULTILINE)
    assert [int(number) for number, _, _ in rows] == list(DEFECTS)
    assert [number for number, _, answer in rows if not answer.startswith(ANSWERS)] == []

"""Asks us what the Go service was asked, and prints every difference between the answers.

    python -m tests.compare_recorded RECORDED CATALOGUE [--url URL]

Without a URL the service is started for it, on a PostgreSQL of its own, with this catalogue. What a
record presupposes is brought about: what is "given" (that a goal is completed) by events; that a
goal is shown as claimed that no record before it claims, by a claim. Differences are grouped by the
fixes that explain them. Exit code 1: a difference that no fix explains, a fix that explains
nothing, or a record whose presupposition is not understood or does not come about.
"""

import argparse
import http.client
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from app.catalogue.parse import parse_catalogue
from app.domain.goal import Goal, Source
from benchmarks.database import bench_database
from benchmarks.service import serving
from tests.recorded.case import Case
from tests.recorded.differences import differences
from tests.recorded.fixes import FIXES, V1, Fix
from tests.recorded.records import (
    Answer,
    Completion,
    Record,
    Sent,
    completions,
    goals_in,
    read_records,
)

ANSWER_S_MAX = 30
VALUE_LENGTH_MAX = 160
EVENTS = f"{V1}/events"
EVENTS_TYPE = "application/cloudevents-batch+json"


class NotBroughtAbout(Exception):
    """What a record presupposes did not come about; the text says what and why."""


class Client:
    """Sends requests to one service, each on a connection of its own."""

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port

    def ask(self, sent: Sent, content_type: str = "application/json") -> Answer:
        """Return what is answered."""
        connection = http.client.HTTPConnection(*self._address, timeout=ANSWER_S_MAX)
        headers = {} if sent.user is None else {"x-mock-user-id": sent.user}
        body = None if sent.body is None else sent.body.encode()
        if body is not None:
            headers["Content-Type"] = content_type
        try:
            connection.request(sent.method, sent.path, body, headers)
            response = connection.getresponse()
            told: dict[str, str] = {}
            for name, value in response.getheaders():
                key = name.lower()
                told[key] = f"{told[key]}, {value}" if key in told else value
            return Answer(response.status, told, response.read().decode())
        finally:
            connection.close()


class Report:
    """Every difference, by the fix that explains it; and the records that could not be compared."""

    def __init__(self, goals: Mapping[str, Goal], fixes: Sequence[Fix] = FIXES) -> None:
        self.explained: dict[str, list[Case]] = {fix.sentence: [] for fix in fixes}
        self.unexplained: list[Case] = []
        self.failures: list[str] = []
        self.same = 0
        self._goals = goals
        self._fixes = fixes

    def add(self, record: Record, now: Answer) -> None:
        """Compare one answer with the recorded one."""
        found = differences(record.response, now)
        self.same += not found
        for difference in found:
            case = Case(record, now, difference, self._goals)
            fix = next((fix for fix in self._fixes if fix.explains(case)), None)
            (self.unexplained if fix is None else self.explained[fix.sentence]).append(case)

    @property
    def stale(self) -> list[str]:
        """The fixes that explain nothing."""
        return [sentence for sentence, cases in self.explained.items() if not cases]

    @property
    def is_good(self) -> bool:
        """Whether the fixes explain every difference, and each explains one."""
        return not (self.unexplained or self.failures or self.stale)

    def lines(self) -> Iterator[str]:
        """Return the report as text."""
        for number, (sentence, cases) in enumerate(self.explained.items(), 1):
            yield f"\n{number}. {sentence} ({len(cases)})"
            yield from map(_line, cases)
        yield f"\n{self.same} answers are the same."
        for sentence in self.stale:
            yield f"explains nothing: {sentence}"
        yield from self.failures
        if self.unexplained:
            yield f"\nNo fix explains ({len(self.unexplained)}):"
            yield from map(_line, self.unexplained)


def compare(records: Sequence[Record], goals: Mapping[str, Goal], client: Client) -> Report:
    """Ask everything in order, and return what differs."""
    report = Report(goals)
    made: set[Sent] = set()
    for record in records:
        player = record.request.user or ""
        try:
            for completion in () if record.given is None else completions(record.given):
                complete(client, player, goals, completion)
            for claim in claims_shown(record):
                if claim not in made:
                    made.add(claim)
                    make(client, claim)
        except (ValueError, NotBroughtAbout) as error:
            report.failures.append(f"{record.group}, {record.name}: {error}")
        if record.response.status == 200:
            made.add(msgspec.structs.replace(record.request, body=None))
        report.add(record, client.ask(record.request))
    return report


def claims_shown(record: Record) -> Iterator[Sent]:
    """Return the claims without which the recorded answer would not show goals as claimed."""
    for challenge_id, goal_id, goal in goals_in(record.response.content):
        if goal.get("status") == "claimed":
            path = f"{V1}/challenges/{challenge_id}/goals/{goal_id}/claim"
            yield Sent("POST", path, record.request.user, None)


def make(client: Client, claim: Sent) -> None:
    """Claim what is to be claimed. Raise NotBroughtAbout."""
    answer = client.ask(claim)
    if answer.status != 200:
        raise NotBroughtAbout(f"{claim.path} answered {answer.status} {answer.body}")


def complete(
    client: Client, player: str, goals: Mapping[str, Goal], completion: Completion
) -> None:
    """Send the events that complete an active goal. Raise NotBroughtAbout."""
    goal_id, progress = completion
    goal = goals.get(goal_id)
    if goal is None:
        raise NotBroughtAbout(f"the catalogue has no goal {goal_id}")
    value = goal.requirement.target_value if progress is None else progress
    count = value if goal.source is Source.LOGIN else 1
    events = [
        {
            "specversion": "1.0",
            # The same in every record, so that it is only once that it counts.
            "id": f"recorded-{player}-{goal_id}-{number}",
            "source": "recorded",
            "type": f"headrace.{goal.source}",
            "subject": player,
            "time": datetime.now(UTC).isoformat(),
            "namespace": "local",
            "data": {
                "statCode": goal.requirement.stat_code,
                "latestValue": number + 1 if goal.source is Source.LOGIN else value,
                "inc": 1 if goal.source is Source.LOGIN else value,
            },
        }
        for number in range(count)
    ]
    answer = client.ask(Sent("POST", EVENTS, None, json.dumps(events)), EVENTS_TYPE)
    results = json.loads(answer.body)["results"] if answer.status == 200 else []
    if not results or {each["result"] for each in results} - {"accepted", "duplicate"}:
        raise NotBroughtAbout(f"{EVENTS} answered {answer.status} {answer.body}")


@contextmanager
def _client(url: str | None, catalogue: Path) -> Iterator[Client]:
    """Yield a client of the service at the URL, or of one that is started for it."""
    if url is not None:
        address = urlsplit(url)
        yield Client(address.hostname or "", address.port or 80)
        return
    with bench_database() as (database_url, folder), tempfile.TemporaryDirectory() as logs:
        settings = {
            "ENVIRONMENT": "test",
            "DATABASE_URL": database_url,
            "CATALOGUE_PATH": str(catalogue.resolve()),
            "DATA_DIR": str(folder),
        }
        with serving(settings, Path(logs) / "service.log") as service:
            yield Client("127.0.0.1", service.port)


def _line(case: Case) -> str:
    place, was, now = case.difference
    where = f"{case.record.group}, {case.record.name}: {place}"
    return f"   {where}: {_short(was)} -> {_short(now)}"


def _short(value: object) -> str:
    text = value if isinstance(value, str) and value.startswith("(") else json.dumps(value)
    return text if len(text) <= VALUE_LENGTH_MAX else f"{text[:VALUE_LENGTH_MAX]}..."


def main(arguments: Sequence[str]) -> int:
    """Compare, print and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.compare_recorded")
    parser.add_argument("recorded", type=Path)
    parser.add_argument("catalogue", type=Path)
    parser.add_argument(
        "--url",
        help="of a running service that has this catalogue and knows none of the recorded players",
    )
    chosen = parser.parse_args(arguments)
    for path in (chosen.recorded, chosen.catalogue):
        if not path.is_file():
            parser.error(f"there is no file {str(path)!r}")
    catalogue = parse_catalogue(chosen.catalogue.read_bytes()).catalogue
    goals = {goal.goal_id: goal for goal in catalogue.goals}
    records = read_records(chosen.recorded)
    with _client(chosen.url, chosen.catalogue) as client:
        report = compare(records, goals, client)
    sys.stdout.writelines(f"{line}\n" for line in report.lines())
    return 0 if report.is_good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

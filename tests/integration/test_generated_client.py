"""A client that a tool made of our OpenAPI document reads the answers, and keeps every error."""

import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from app.api_document import api_document
from tests.api_document import PROBLEM, bodies, document, examples_of, operations
from tests.app import App, settings_for

PACKAGE = "client_made_of_the_document"
API = Path(__file__).parents[2].joinpath("app/API.md").read_text("utf-8")
TOKEN = "events-token-of-16"
WINTER = "winter-challenge-2025"
SETTINGS = {
    "EVENTS_TOKEN": TOKEN,
    # A second initialize finds no room for 50 s, and is promised a moment.
    "ADMISSION_INITIALIZE_RATE": "0.02",
    "ADMISSION_INITIALIZE_BURST": "1",
    "ADMISSION_LOGINS_WAIT_MS": "0",
}


class Client:
    """The generated package, and one of its clients that asks an application in this process."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._transport = transport
        self._package = import_module(PACKAGE)
        self._functions = {
            operation["operationId"]: snake(operation["operationId"], operation["tags"][0])
            for _, _, operation in operations()
        }

    def model(self, name: str) -> Any:
        """Return a class that the tool made."""
        return getattr(import_module(f"{PACKAGE}.models"), name)

    async def ask(
        self, operation: str, *names: str, headers: dict[str, str] | None = None, **sent: Any
    ) -> Any:
        """Call the function of an operation and return its answer: status, headers, `parsed`."""
        function = import_module(f"{PACKAGE}.api.{self._functions[operation]}").asyncio_detailed
        client = self._package.Client(
            base_url=document()["servers"][1]["url"],
            headers={"x-mock-user-id": "alice"} if headers is None else headers,
            httpx_args={"transport": self._transport},
        )
        async with client:
            return await function(*names, client=client, **sent)


def snake(name: str, tag: str) -> str:
    """Return the module that the tool makes for an operation."""
    return f"{tag}." + re.sub(r"([A-Z])", r"_\1", name).lower()


def as_sent(parsed: Any) -> Any:
    """Return what was read, as it would be sent; the tool writes UTC in another way."""
    sent = parsed.to_dict()
    if "claimedAt" in sent:
        sent["claimedAt"] = sent["claimedAt"].replace("+00:00", "Z")
    return sent


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Make the client as app/API.md says, and return what the tool had to say."""
    folder = tmp_path_factory.mktemp("generated")
    [config] = re.findall(r"```yaml\n(content_type_overrides:\n.+?)```", API, re.DOTALL)
    (folder / "client.yaml").write_text(config + "post_hooks: []\n")
    said = generate(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield said
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


def generate(folder: Path) -> str:
    tool = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"]
    (folder / "api.json").write_bytes(api_document())
    where = ["--path", str(folder / "api.json"), "--output-path", str(folder / PACKAGE)]
    ran = subprocess.run(
        [*tool, *where, "--config", str(folder / "client.yaml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stderr


@pytest.fixture
async def client(made: str, database_url: str) -> AsyncIterator[Client]:
    async with App(settings_for(**SETTINGS), database_url) as app:

        async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
            await app.asgi({**scope, "state": dict(app.state)}, receive, send)

        yield Client(httpx.ASGITransport(asgi))


def test_the_tool_leaves_out_nothing_but_two_kinds_of_body(made: str) -> None:
    events = "parsing POST /challenge/v1/events within events."
    assert re.findall(r"^(?:WARNING|ERROR) (.+)$", made, re.MULTILINE) == [events] * 2, made
    assert re.findall(r"^Unsupported content type (.+)$", made, re.MULTILINE) == [
        "application/x-ndjson",
        "application/x-left-out",
    ]


def test_every_error_of_the_document_is_read_whole(made: str) -> None:
    problem = Client().model("ProblemBody")
    errors = [
        error for _, media in bodies() if media["schema"] == PROBLEM for error in examples_of(media)
    ]
    assert len(errors) > 10
    for error in errors:
        # The list is empty today; a client that is built now keeps what a later release puts there.
        for details in ([], [{"@type": "urn:x", "field": "goal_id"}]):
            read = problem.from_dict({**error, "details": details})
            assert as_sent(read) == {**error, "details": details}
            assert read.additional_properties == {}


async def test_a_refusal_says_when_to_come_back(client: Client) -> None:
    first = await client.ask("initialize")
    assert isinstance(first.parsed, client.model("InitializeAnswer"))
    [goal, *_] = first.parsed.assigned_goals
    assert (first.parsed.total_active, first.parsed.new_assignments) == (10, 10)
    assert (goal.is_active, goal.status.value, goal.reward.quantity) == (True, "not_started", 10)
    refused = await client.ask("initialize")
    assert (refused.status_code, refused.parsed.reason.value) == (503, "line_full")
    assert type(refused.parsed.retry_after_ms) is int
    assert refused.parsed.retry_after_ms > 0
    assert refused.parsed.reserved is True
    assert int(refused.headers["retry-after"]) == -(-refused.parsed.retry_after_ms // 1000)


async def test_an_error_is_read_whole_whichever_it_is(client: Client) -> None:
    """The statuses that an operation does not name come by its default, as 413 does here."""
    await client.ask("initialize")
    await client.ask("setGoalActive", WINTER, "kill-10-snowmen", body=active(client))
    await send(client, "1", "snowmen_killed", 10)
    select = client.model("BatchBody")
    for status, reason, operation, names, sent in (
        (401, "unauthenticated", "listChallenges", (), {"headers": {}}),
        (401, "unauthenticated", "sendEvents", (), {"body": []}),
        (404, "challenge_not_found", "getRotation", ("nowhere",), {}),
        (400, "bad_request", "selectGoals", (WINTER,), {"body": select([])}),
        (413, "body_too_large", "selectGoals", (WINTER,), {"body": select(["g"] * 10_000)}),
        (400, "goal_not_completed", "claimReward", (WINTER, "complete-tutorial"), {}),
        (400, "goal_locked", "claimReward", (WINTER, "kill-10-snowmen"), {}),
    ):
        answer = await client.ask(operation, *names, **sent)
        assert (answer.status_code, answer.parsed.reason.value) == (status, reason)
        assert as_sent(answer.parsed) == json.loads(answer.content)
        assert answer.parsed.additional_properties == {}
    assert answer.parsed.missing_prerequisites == ["complete-tutorial"]


async def test_a_claim_that_stands_in_the_way_is_named(client: Client) -> None:
    await client.ask("initialize")
    await send(client, "1", "tutorial_completed", 1)
    claimed = await client.ask("claimReward", WINTER, "complete-tutorial")
    assert claimed.parsed.claimed_at.tzinfo == UTC
    again = await client.ask("claimReward", WINTER, "complete-tutorial")
    assert (again.status_code, again.parsed.reason.value) == (409, "already_claimed")
    assert again.parsed.claim_id == claimed.parsed.claim_id
    assert again.parsed.claimed_at == claimed.parsed.claimed_at
    assert as_sent(again.parsed) == json.loads(again.content)


def active(client: Client) -> Any:
    return client.model("ActiveBody")(is_active=True)


async def send(client: Client, event_id: str, stat_code: str, value: int) -> None:
    """Send a statistic; the answer says that it was counted."""
    event = client.model("CloudEvent")(
        specversion="1.0",
        id=event_id,
        source="test",
        type_=client.model("CloudEventType")("headrace.statistic"),
        subject="alice",
        time=datetime.now(UTC),
        data=client.model("EventData")(stat_code=stat_code, latest_value=value),
    )
    headers = {"authorization": f"Bearer {TOKEN}"}
    answer = await client.ask("sendEvents", headers=headers, body=[event])
    assert [result.result.value for result in answer.parsed.results] == ["accepted"]

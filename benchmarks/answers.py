"""One HTTP/1.1 answer, read with little CPU, and the class of what came of an attempt.

    ok             200 with a whole body that names goals
    refused_503    503 that tells the client its moment
    refused_429    429 that tells the client its moment
    client_error   another 4xx
    server_error   5xx, also a 503 without a moment
    bad_body       an answer that is not what it says
    timeout        nothing whole within the client's patience
    reset          closed or reset without a whole answer
    no_connection  the connection was never made
    cut_off        the run ended first

Only answers with a Content-Length are read; the service under test sends no others.
"""

from enum import StrEnum

import msgspec

ANSWER_BYTES_MAX = 1 << 20
# A whole decode of every body would cost the generator more than the request itself.
FULL_CHECK_EVERY = 50


class Call(StrEnum):
    """What is asked for: the default goals, or the list of all challenges."""

    INITIALIZE = "initialize"
    LIST = "list"


class Outcome(StrEnum):
    """What came of one attempt; every attempt ends in exactly one of these."""

    OK = "ok"
    REFUSED_503 = "refused_503"
    REFUSED_429 = "refused_429"
    CLIENT_ERROR = "client_error"
    SERVER_ERROR = "server_error"
    BAD_BODY = "bad_body"
    TIMEOUT = "timeout"
    RESET = "reset"
    NO_CONNECTION = "no_connection"
    CUT_OFF = "cut_off"


REFUSED = frozenset({Outcome.REFUSED_503, Outcome.REFUSED_429})
UNANSWERED = frozenset({Outcome.TIMEOUT, Outcome.RESET, Outcome.NO_CONNECTION, Outcome.CUT_OFF})
# Answered, but neither let in nor told when to come again.
WRONG = frozenset({Outcome.CLIENT_ERROR, Outcome.SERVER_ERROR, Outcome.BAD_BODY})


class Refusal(msgspec.Struct):
    """The members of a problem body that a client acts on."""

    reason: str = ""
    retry_after_ms: int | None = None


class _Initialized(msgspec.Struct):
    assignedGoals: list[msgspec.Raw]  # noqa: N815 - the contract's name
    newAssignments: int  # noqa: N815 - the contract's name
    totalActive: int  # noqa: N815 - the contract's name


class _Challenge(msgspec.Struct):
    goals: list[msgspec.Raw]


class _Listed(msgspec.Struct):
    challenges: list[_Challenge]


_decode_refusal = msgspec.json.Decoder(Refusal).decode
_decode_initialized = msgspec.json.Decoder(_Initialized).decode
_decode_listed = msgspec.json.Decoder(_Listed).decode
# How the body of each kind of answer begins, if it names anything.
_BEGINNINGS = {Call.INITIALIZE: b'"assignedGoals":[{"', Call.LIST: b'"challenges":[{"'}


class Verdict(msgspec.Struct, frozen=True):
    """What an answer means to the client. `retry_after_ms` is None where no moment was told."""

    outcome: Outcome
    reason: str = ""
    retry_after_ms: int | None = None


_OK = Verdict(Outcome.OK)


class Answer:
    """Collects the bytes of one answer until it is whole."""

    __slots__ = ("_body_start", "_bytes", "_total", "closes", "status")

    def __init__(self) -> None:
        self._bytes = b""
        self._body_start = 0
        self._total = 0
        self.status = 0
        self.closes = False

    def feed(self, data: bytes) -> bool:
        """Take `data`; return whether the answer is whole now. Raise ValueError if it is none."""
        self._bytes = self._bytes + data if self._bytes else data
        if not self._total:
            self._read_head()
        if len(self._bytes) > (self._total or ANSWER_BYTES_MAX):
            raise ValueError("more bytes than the answer announced")
        return len(self._bytes) == self._total

    def body(self) -> bytes:
        """Return the body of a whole answer."""
        return self._bytes[self._body_start :]

    def _read_head(self) -> None:
        end = self._bytes.find(b"\r\n\r\n")
        if end < 0:
            return
        if not self._bytes.startswith(b"HTTP/1.1 "):
            raise ValueError("not an HTTP/1.1 answer")
        self.status = int(self._bytes[9:12])
        head = self._bytes[: end + 2].lower()
        start = head.find(b"\r\ncontent-length:")
        if start < 0:
            raise ValueError("no Content-Length")
        start += len(b"\r\ncontent-length:")
        length = int(head[start : head.index(b"\r\n", start)])
        self.closes = b"\r\nconnection: close\r\n" in head
        self._body_start = end + 4
        self._total = self._body_start + length


def judge(status: int, body: bytes, *, full: bool, call: Call = Call.INITIALIZE) -> Verdict:
    """Return what a whole answer means; `full` decodes a 200's body, not only its ends."""
    if status == 200:
        return _OK if _names_goals(body, call, full=full) else Verdict(Outcome.BAD_BODY)
    if status in (429, 503):
        return _judge_refusal(status, body)
    if 400 <= status < 500:
        return Verdict(Outcome.CLIENT_ERROR, reason=_read_reason(body).reason)
    if status >= 500:
        return Verdict(Outcome.SERVER_ERROR, reason=_read_reason(body).reason)
    return Verdict(Outcome.BAD_BODY, reason=f"status {status}")


def _names_goals(body: bytes, call: Call, *, full: bool) -> bool:
    if not full:
        return _BEGINNINGS[call] in body[:256] and body.endswith(b"}")
    try:
        if call is Call.LIST:
            return any(challenge.goals for challenge in _decode_listed(body).challenges)
        return len(_decode_initialized(body).assignedGoals) > 0
    except msgspec.MsgspecError:
        return False


def _judge_refusal(status: int, body: bytes) -> Verdict:
    problem = _read_reason(body)
    if problem.retry_after_ms is None or problem.retry_after_ms < 0:
        # Without a moment it is a failure for the client, whatever its status.
        failed = Outcome.SERVER_ERROR if status == 503 else Outcome.CLIENT_ERROR
        return Verdict(failed, reason=problem.reason)
    refused = Outcome.REFUSED_503 if status == 503 else Outcome.REFUSED_429
    return Verdict(refused, problem.reason, problem.retry_after_ms)


def _read_reason(body: bytes) -> Refusal:
    try:
        return _decode_refusal(body)
    except msgspec.MsgspecError:
        return Refusal(reason="unreadable")

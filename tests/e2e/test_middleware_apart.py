"""The gate, the body limits and the tracing wrap any application: they need nothing of this one."""

import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]

PROGRAM = """
import asyncio, sys
from middleware.admission import AdmissionCore, AdmissionSettings, Arrival, Class, Rate, Share
from middleware.body_limits import BodyLimits
from middleware.gate import AdmissionGate
from middleware.tracing import TracingMiddleware

SECOND_NS = 1_000_000_000

class Nobody:
    def on_arrival(self): pass
    def on_end(self): pass
    def on_answer(self, route, status, seconds, reason): print("answered", status, reason)

async def hello(scope, receive, send):
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": message["body"]})

def classify(scope, jitter):
    return Arrival(Class.GAMEPLAY, scope["path"], True, jitter, None)

settings = AdmissionSettings(
    limit=4, initialize_rate=None, quota=Rate.per_second(1, 2),
    weights=dict.fromkeys(Share, 1), waits_ns=dict.fromkeys(Share, SECOND_NS),
    wait_ns_max=SECOND_NS, slot_horizon_ns=60 * SECOND_NS, slot_grace_ns=SECOND_NS, line_per_key=2,
)
gate = AdmissionGate(core=AdmissionCore(settings), classify=classify).around(hello)
app = TracingMiddleware(BodyLimits(gate, bytes_max=5, seconds_max=1), watcher=Nobody())

async def ask(body):
    scope = {"type": "http", "method": "POST", "path": "/", "scheme": "http", "http_version": "1.1",
             "headers": [(b"content-length", str(len(body)).encode())], "query_string": b""}
    messages = [{"type": "http.request", "body": body, "more_body": False}]
    async def receive():
        return messages.pop() if messages else await asyncio.Future()
    async def send(message): pass
    await app(scope, receive, send)

async def main():
    for body in (b"hello", b"hello you", b"hello", b"hello"):
        await ask(body)
    assert not [name for name in sys.modules if name.partition(".")[0] in ("app", "db")]

asyncio.run(main())
"""


def test_middleware_alone_serves_an_application_of_others(tmp_path: Path) -> None:
    shutil.copytree(CHECKOUT / "middleware", tmp_path / "middleware")
    (tmp_path / "other.py").write_text(PROGRAM)
    ended = subprocess.run(
        [sys.executable, "other.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    answers = [line for line in ended.stdout.splitlines() if line.startswith("answered")]
    assert answers == [
        "answered 200 None",
        "answered 413 body_too_large",
        "answered 200 None",
        "answered 429 over_quota",
    ]

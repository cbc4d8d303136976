"""The gate's gauges: all of one moment, by share where they differ."""

from dataclasses import replace

from prometheus_client import generate_latest

from app.telemetry import Metrics
from middleware.admission import AdmissionCore, AdmissionEvent, Class, Snapshot, Verdict
from tests.admission import SETTINGS, admit, wait


def test_one_look_reads_the_gate_once_and_shows_what_binds_each_share() -> None:
    core = AdmissionCore(replace(SETTINGS, limit=4))
    admit(core, cls=Class.INITIALIZE)
    for _ in range(3):
        admit(core)
    wait(core)
    looks = 0

    def look() -> Snapshot:
        nonlocal looks
        looks += 1
        return core.snapshot(0)

    metrics = Metrics()
    metrics.watch_admission(look)
    lines = generate_latest(metrics.registry).decode().splitlines()
    assert looks == 1
    shown = {
        "admission_limit 4.0",
        "admission_running 4.0",
        'admission_places{share="gameplay"} 3.0',
        'admission_places{share="logins"} 1.0',
        'admission_waiting{class="gameplay"} 1.0',
        'admission_place_held_seconds{share="events"} 0.02',
        'admission_binds{bound="places",share="gameplay"} 1.0',
        'admission_binds{bound="nothing",share="gameplay"} 0.0',
        'admission_binds{bound="nothing",share="logins"} 1.0',
        "admission_promised 0.0",
        "admission_promised_kept_ratio 1.0",
        "admission_horizon_seconds 120.0",
        "admission_drain_per_second 150.0000150000015",
    }
    assert shown <= set(lines)


def test_a_wait_between_two_pieces_is_no_second_arrival() -> None:
    metrics = Metrics()
    metrics.on_admission(AdmissionEvent(Class.EVENTS, Verdict.ADMITTED, None, 0, 0))
    metrics.on_admission(AdmissionEvent(Class.EVENTS, Verdict.RESUMED, None, 50_000_000, 0))
    text = generate_latest(metrics.registry).decode()
    assert 'admission_decisions_total{class="events",reason="",verdict="admitted"} 1.0' in text
    assert "resumed" not in text
    assert 'admission_resume_wait_seconds_sum{class="events"} 0.05' in text
    assert 'admission_wait_seconds_count{class="events"} 1.0' in text

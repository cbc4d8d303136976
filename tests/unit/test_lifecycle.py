"""When a process is ready."""

from app.serving.lifecycle import Lifecycle, Phase


def test_a_started_process_is_ready_once_what_it_needs_was_there() -> None:
    lifecycle, there = Lifecycle(), False
    lifecycle.has_begun = lambda: there
    assert (lifecycle.shown, lifecycle.ready) == (Phase.STARTING, False)
    lifecycle.phase = Phase.READY
    assert (lifecycle.shown, lifecycle.ready) == (Phase.STARTING, False)
    there = True
    assert (lifecycle.shown, lifecycle.ready) == (Phase.READY, True)
    there = False
    assert lifecycle.ready
    lifecycle.phase = Phase.DRAINING
    assert (lifecycle.shown, lifecycle.ready) == (Phase.DRAINING, False)

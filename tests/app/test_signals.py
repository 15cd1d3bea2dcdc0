"""Stop signals as something to wait for."""

from __future__ import annotations

import os
import signal
import threading

from kerma.app.signals import StopSignals


def test_a_signal_ends_the_wait_and_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with StopSignals() as signals:
        os.kill(os.getpid(), signal.SIGTERM)
        signals.wait()
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_signals_that_come_together_are_one() -> None:
    with StopSignals() as signals:
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
            os.kill(os.getpid(), number)
        signals.wait()
        assert signals.run_unless_stopped(lambda: None)


def test_work_that_ends() -> None:
    done = threading.Event()
    with StopSignals() as signals:
        assert signals.run_unless_stopped(done.set)
    assert done.is_set()


def test_work_that_is_stopped_goes_on_alone() -> None:
    go, ended = threading.Event(), threading.Event()

    def work() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        go.wait(10)
        ended.set()

    with StopSignals() as signals:
        assert not signals.run_unless_stopped(work)
        assert not ended.is_set()
        go.set()
        assert ended.wait(10)

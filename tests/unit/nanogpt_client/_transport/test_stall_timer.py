"""The stall timer ends blocking reads in time, and only those."""

from __future__ import annotations

import queue
import socket
import threading
import time

import pytest

from nanogpt_client._transport.stall_timer import Deadline, StallTimer, stall_timer


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def timed_read(timer: StallTimer, deadline: Deadline, limit: float | None) -> tuple[bytes, float]:
    started = time.monotonic()
    with timer.limiting(deadline, limit):
        data = deadline.socket.recv(10)
    return data, time.monotonic() - started


def test_a_silent_read_is_ended(pair):
    deadline = Deadline(pair[0])
    data, seconds = timed_read(StallTimer(), deadline, 0.05)
    assert (data, deadline.fired) == (b"", True)
    assert 0.05 <= seconds < 1


def test_a_read_in_time_is_left_alone(pair):
    timer, deadline = StallTimer(), Deadline(pair[0])
    pair[1].send(b"hello")
    assert timed_read(timer, deadline, 0.05)[0] == b"hello"
    time.sleep(0.1)
    assert not deadline.fired
    pair[1].send(b"again")
    assert timed_read(timer, deadline, 0.05)[0] == b"again"


def test_an_earlier_deadline_wakes_the_sleeping_stall_timer(pair):
    timer = StallTimer()
    other, peer = socket.socketpair()
    with other, peer, timer.limiting(Deadline(other), 30):
        time.sleep(0.02)  # it sleeps for half a minute now
        assert timed_read(timer, Deadline(pair[0]), 0.05)[1] < 1


def test_one_thread_serves_all(pair):
    timer = StallTimer()
    before = threading.active_count()
    pairs = [socket.socketpair() for _ in range(10)]
    readers = [
        threading.Thread(target=timed_read, args=(timer, Deadline(ours), 0.05)) for ours, _ in pairs
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(2)
    assert threading.active_count() <= before + 1
    for ours, theirs in pairs:
        ours.close()
        theirs.close()


def test_without_a_limit_nothing_is_watched():
    timer = StallTimer()
    with timer.limiting(Deadline(object()), None):
        assert not timer._deadlines
    assert timer._thread is None


def test_a_guard_fires_also_before_it_has_a_socket():
    timer, deadline = StallTimer(), Deadline()
    with timer.limiting(deadline, 0.02):
        time.sleep(0.2)
    assert deadline.fired


def test_an_alarm_calls_once_unless_it_is_cancelled():
    called: list[str] = []
    stall_timer.alarm(0.02, lambda: called.append("late"))
    stall_timer.alarm(0.02, lambda: called.append("never")).cancel()
    time.sleep(0.2)
    assert called == ["late"]


def test_firing_at_a_closed_socket_is_harmless(pair):
    deadline = Deadline(pair[0])
    pair[0].close()
    deadline.fire()
    assert deadline.fired


class SlowDeadline(Deadline):
    """Lets another read begin exactly while the stall timer looks through its deadlines."""

    def __init__(self, begin, at: float) -> None:
        super().__init__(None)
        self._begin, self._at = begin, at

    @property
    def ends_at(self):
        if time.monotonic() >= self._at:
            self._at = float("inf")
            self._begin()

    @ends_at.setter
    def ends_at(self, value) -> None:
        pass


def test_a_read_that_begins_while_the_stall_timer_looks_around_is_not_forgotten(pair):
    timer, deadline, begun = StallTimer(), Deadline(pair[0]), threading.Event()
    reader = threading.Thread(target=timed_read, args=(timer, deadline, 0.2))

    def begin() -> None:
        reader.start()
        time.sleep(0.05)
        begun.set()

    other, peer = socket.socketpair()
    with other, peer:
        timer._deadlines.add(SlowDeadline(begin, at=time.monotonic() + 0.1))
        timed_read(timer, Deadline(other), 0.15)  # passes: the stall timer looks around
        assert begun.wait(2)
    reader.join(1)
    fired = deadline.fired
    pair[1].close()  # lets a forgotten read come back
    reader.join(1)
    assert fired


def test_its_queue_is_of_the_same_kind_as_its_thread(pair, monkeypatch):
    """Gevent may replace both after the import; its threads must not wait in Python's own queue."""
    timer, made = StallTimer(), []

    class Patched(queue.SimpleQueue):
        def get(self, *arguments, **options):
            made.append(self)
            return super().get(*arguments, **options)

    monkeypatch.setattr(queue, "SimpleQueue", Patched)
    assert timed_read(timer, Deadline(pair[0]), 0.05)[1] < 1
    assert made


def test_where_no_thread_can_be_started_the_next_call_tries_again(pair, monkeypatch):
    timer, start = StallTimer(), threading.Thread.start

    def refuse(_):
        monkeypatch.setattr(threading.Thread, "start", start)
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError):
        timed_read(timer, Deadline(pair[0]), 0.05)
    assert timed_read(timer, Deadline(pair[0]), 0.05)[0] == b""


def test_a_child_process_starts_afresh():
    timer = StallTimer()
    timer._deadlines.add(Deadline(None))
    StallTimer.__init__(timer)  # as os.register_at_fork has it called in the child
    assert not timer._deadlines
    assert isinstance(stall_timer, StallTimer)

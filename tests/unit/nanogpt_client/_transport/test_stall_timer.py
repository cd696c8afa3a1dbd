"""The watchdog ends blocking reads in time, and only those."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from nanogpt_client._transport.stall_timer import Deadline, Watchdog, watchdog


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def timed_read(dog: Watchdog, guard: Deadline, limit: float | None) -> tuple[bytes, float]:
    started = time.monotonic()
    with dog.guarding(guard, limit):
        data = guard.socket.recv(10)
    return data, time.monotonic() - started


def test_a_silent_read_is_ended(pair):
    guard = Deadline(pair[0])
    data, seconds = timed_read(Watchdog(), guard, 0.05)
    assert (data, guard.fired) == (b"", True)
    assert 0.05 <= seconds < 1


def test_a_read_in_time_is_left_alone(pair):
    dog, guard = Watchdog(), Deadline(pair[0])
    pair[1].send(b"hello")
    assert timed_read(dog, guard, 0.05)[0] == b"hello"
    time.sleep(0.1)
    assert not guard.fired
    pair[1].send(b"again")
    assert timed_read(dog, guard, 0.05)[0] == b"again"


def test_an_earlier_deadline_wakes_the_sleeping_watchdog(pair):
    dog = Watchdog()
    other, peer = socket.socketpair()
    with other, peer, dog.guarding(Deadline(other), 30):
        time.sleep(0.02)  # it sleeps for half a minute now
        assert timed_read(dog, Deadline(pair[0]), 0.05)[1] < 1


def test_one_thread_serves_all(pair):
    dog = Watchdog()
    before = threading.active_count()
    pairs = [socket.socketpair() for _ in range(10)]
    readers = [
        threading.Thread(target=timed_read, args=(dog, Deadline(ours), 0.05)) for ours, _ in pairs
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
    dog = Watchdog()
    with dog.guarding(Deadline(object()), None):
        assert not dog._guards
    assert dog._thread is None


def test_a_guard_fires_also_before_it_has_a_socket():
    dog, guard = Watchdog(), Deadline()
    with dog.guarding(guard, 0.02):
        time.sleep(0.2)
    assert guard.fired


def test_an_alarm_calls_once_unless_it_is_cancelled():
    called: list[str] = []
    watchdog.alarm(0.02, lambda: called.append("late"))
    watchdog.alarm(0.02, lambda: called.append("never")).cancel()
    time.sleep(0.2)
    assert called == ["late"]


def test_firing_at_a_closed_socket_is_harmless(pair):
    guard = Deadline(pair[0])
    pair[0].close()
    guard.fire()
    assert guard.fired


class SlowGuard(Deadline):
    """Lets another read begin exactly while the watchdog looks through its guards."""

    def __init__(self, begin, at: float) -> None:
        super().__init__(None)
        self._begin, self._at = begin, at

    @property
    def deadline(self):
        if time.monotonic() >= self._at:
            self._at = float("inf")
            self._begin()

    @deadline.setter
    def deadline(self, value) -> None:
        pass


def test_a_read_that_begins_while_the_watchdog_looks_around_is_not_forgotten(pair):
    dog, guard, begun = Watchdog(), Deadline(pair[0]), threading.Event()
    reader = threading.Thread(target=timed_read, args=(dog, guard, 0.2))

    def begin() -> None:
        reader.start()
        time.sleep(0.05)
        begun.set()

    other, peer = socket.socketpair()
    with other, peer:
        dog._guards.add(SlowGuard(begin, at=time.monotonic() + 0.1))
        timed_read(dog, Deadline(other), 0.15)  # its deadline passes: the watchdog looks around
        assert begun.wait(2)
    reader.join(1)
    fired = guard.fired
    pair[1].close()  # lets a forgotten read come back
    reader.join(1)
    assert fired


def test_a_child_process_starts_afresh():
    dog = Watchdog()
    dog._guards.add(Deadline(None))
    Watchdog.__init__(dog)  # as os.register_at_fork has it called in the child
    assert not dog._guards
    assert isinstance(watchdog, Watchdog)

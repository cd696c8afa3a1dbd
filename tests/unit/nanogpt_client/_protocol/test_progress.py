"""Progress: told to a function, drawn as a bar."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

import pytest

from nanogpt_client._protocol.progress import ProgressReporter
from nanogpt_client._protocol.steps import UserResult
from nanogpt_client._transport.concurrency import invoke
from nanogpt_client.endpoints.speech import speak
from nanogpt_client.endpoints.transcription import transcribe
from nanogpt_client.endpoints.video import generate_video, wait_for_video
from nanogpt_client.errors import ConfigurationError, JobTimeoutError
from nanogpt_client.types.progress import Progress
from tests.support.driving import answer, first_call, reply

TICKET = reply({"runId": "r-1", "status": "pending", "cost": 0.5}, 202)
QUEUED = reply({"data": {"status": "IN_QUEUE"}})
RUNNING = reply({"data": {"status": "IN_PROGRESS"}})
DONE = reply({"data": {"status": "COMPLETED", "output": {"video": {"url": "/v.mp4"}}}})


def test_a_video_tells_every_step_and_its_run_id_first():
    seen: list[Progress] = []
    flow = generate_video("a cat", model="m", poll_interval=2, on_progress=seen.append)
    answer(flow, TICKET, QUEUED, RUNNING, DONE)
    assert [(p.status, p.done, p.seconds) for p in seen] == [
        ("submitted", 0, 0), ("queued", 0, 0), ("running", 0, 2), ("completed", 1, 4),
    ]  # fmt: skip
    assert {(p.kind, p.run_id, p.total) for p in seen} == {("video", "r-1", 1)}


def test_waiting_again_tells_as_well():
    seen: list[Progress] = []
    answer(wait_for_video("r-1", on_progress=seen.append), DONE)
    assert [p.status for p in seen] == ["submitted", "completed"]


def test_speech_and_transcription_jobs_tell_too():
    seen: list[Progress] = []
    ready = reply({"status": "completed", "audioUrl": "https://cdn/a.mp3"})
    answer(speak("hi", model="m", on_progress=seen.append), TICKET, ready, reply(b"ID3"))
    heard = reply({"status": "completed", "transcription": "hi"})
    answer(transcribe(b"ID3", model="m", on_progress=seen.append), TICKET, heard)
    assert [(p.kind, p.status) for p in seen] == [
        ("speech", "submitted"), ("speech", "completed"),
        ("transcription", "submitted"), ("transcription", "completed"),
    ]  # fmt: skip


def test_the_progress_words_are_never_sent():
    flow = generate_video("a cat", model="m", on_progress=print, progress=False)
    assert set(first_call(flow).request.json) == {"model", "prompt"}


def test_a_failing_function_does_not_cost_the_video(caplog):
    def tell(progress: Progress) -> None:
        raise RuntimeError("broken")

    found = answer(generate_video("a cat", model="m", on_progress=tell), TICKET, DONE)
    assert found.url == "/v.mp4"
    assert "on_progress failed" in caplog.text


class Bar:
    """Stands in for tqdm, and remembers what it drew."""

    made: list[Bar]

    def __init__(self, total: int, initial: int, desc: str) -> None:
        self.total, self.desc, self.n = total, desc, initial
        self.words: list[str] = []
        self.closed = False
        Bar.made.append(self)

    def set_postfix_str(self, text: str) -> None:
        self.words.append(text)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def bars(monkeypatch) -> list[Bar]:
    import tqdm.auto  # noqa: PLC0415 - as the code under test has it

    Bar.made = []
    monkeypatch.setattr(tqdm.auto, "tqdm", Bar)
    return Bar.made


def test_a_bar(bars):
    answer(generate_video("a cat", model="m", progress=True), TICKET, RUNNING, DONE)
    (bar,) = bars
    assert (bar.desc, bar.total, bar.n, bar.closed) == ("video", 1, 1, True)
    assert bar.words == [f"{word}, job r-1" for word in ("submitted", "running", "completed")]


def test_a_bar_is_closed_after_a_failure(bars):
    with pytest.raises(JobTimeoutError):
        answer(wait_for_video("r-1", poll_timeout=0, progress=True), RUNNING)
    assert bars[0].closed


def test_without_tqdm_a_bar_is_refused_before_anything_is_sent(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(ConfigurationError, match=r"\[progress\]"):
        ProgressReporter({"progress": True})
    with pytest.raises(ConfigurationError, match="needs tqdm"):
        answer(generate_video("a cat", model="m", progress=True))


def test_no_bar_without_asking(bars):
    answer(wait_for_video("r-1"), DONE)
    assert bars == []


def test_nobody_who_listens_is_no_step():
    reporter = ProgressReporter({})
    assert list(reporter.report(Progress("image"))) == []
    assert list(reporter.finished("image", 2, "a picture")) == []


def test_parts_that_finish_at_the_same_time_are_reported_one_after_the_other():
    seen: list[Progress] = []
    reporter = ProgressReporter({"on_progress": seen.append})
    first, second = reporter.finished("image", 3, "a"), reporter.finished("image", 3, "b", parts=2)
    steps = [next(first), next(second, None)]  # one thread has counted, another comes before it
    for step in reversed(steps):
        if step is not None:
            invoke(step)
    for flow in (second, first):
        for step in _rest(flow):
            invoke(step)
    assert [(p.done, p.total, p.result) for p in seen] == [(1, 3, "a"), (3, 3, "b")]


def _rest(flow: Any) -> Any:
    """Yield the further steps of a flow that waits for what its first one returned."""
    with suppress(StopIteration):
        while True:
            yield flow.send(UserResult())

"""What NanoGPT's documentation shows as an example is accepted, and read.

The file of examples is no part of this repository: it lies beside the checkout, or these tests are
skipped.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from nanogpt_client.endpoints import _jobs
from nanogpt_client.endpoints._check import checked
from nanogpt_client.endpoints.video import recover_videos, submit_video, video_status
from nanogpt_client.wire import options as kinds
from nanogpt_client.wire.account import Deposit, UsageReport
from nanogpt_client.wire.billing import Billing
from nanogpt_client.wire.chat import Usage
from nanogpt_client.wire.media import Transcript
from tests.driving import first_call, reply

EXAMPLES = Path(__file__).parents[3] / "shared" / "nanogpt" / "examples.json"
pytestmark = pytest.mark.skipif(
    not EXAMPLES.exists(), reason="NanoGPT's examples.json does not lie beside the checkout"
)

ROUTES: dict[str, Any] = {
    "/chat/completions": kinds.ChatOptions,
    "/embeddings": kinds.EmbeddingOptions,
    "/images/generations": kinds.ImageOptions,
    "/images/edits": kinds.ImageOptions,
    "/audio/speech": kinds.SpeechOptions,
    "/tts": kinds.SpeechOptions,
    "/audio/transcriptions": kinds.TranscriptionOptions,
    "/generate-video": kinds.VideoOptions,
    "/web": kinds.WebSearchOptions,
}
OURS = {
    "webSearch": "web_search", "linkup": "web_search", "outputType": "output_type",
    "includeImages": "include_images", "fromDate": "from_date", "toDate": "to_date",
    "includeDomains": "include_domains", "excludeDomains": "exclude_domains",
    "maxResults": "max_results",
}  # fmt: skip


@cache
def examples() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(EXAMPLES.read_text("utf-8"))
    return found


def shown(page: str) -> list[dict[str, Any]]:
    """Return the JSON objects that a page shows."""
    return [
        example["json"]
        for example in examples()
        if example["page"].endswith(f"/{page}.mdx") and isinstance(example.get("json"), dict)
    ]


def words(value: Any) -> Any:
    """Leave out what stands for something else, such as ``{{example-text-model}}``."""
    return None if isinstance(value, str) and value.startswith(("{{", "<")) else value


def test_every_value_that_is_documented_is_accepted():
    accepted = 0
    for example in examples():
        route = (example.get("route") or "").partition("?")[0]
        kind = next((kind for end, kind in ROUTES.items() if route.endswith(end)), None)
        if kind is None or not isinstance(example.get("body"), dict):
            continue
        for name, value in example["body"].items():
            option = OURS.get(name, name)
            if option in kind.__annotations__ and words(value) is not None:
                assert checked({option: value}, kind) == {option: value}, example["page"]
                accepted += 1
    assert accepted >= 80


@pytest.mark.parametrize("page", ["video-status-unified", "video-status"])
def test_states_of_a_video(page):
    seen = {}
    for body in shown(page):
        job = video_status("v").parse(reply(body))
        seen[job.status] = job
    assert seen.keys() == {"running", "completed", "failed"}
    done, failed = seen["completed"], seen["failed"]
    assert (done.url, str(done.cost)) == ("https://storage.example.com/video.mp4", "0.35")
    assert (failed.code, failed.is_refunded) == ("content_policy_violation", True)
    assert "Content flagged" in (failed.error or "")


def test_tickets_and_lost_jobs_of_videos():
    (ticket,) = [body for body in shown("video-generation") if "prechargeLabel" in body][:1]
    job = first_call(submit_video("a cat", model="m")).parse(reply(ticket, 202))
    assert (job.run_id, job.status, job.cost) == ("vid_m1abc123def456", "queued", None)
    assert (str(job.billing.cost_nano), str(job.billing.balance_nano)) == ("0.35", "12.5")
    (listed,) = shown("video-recover")
    assert [job.run_id for job in recover_videos().parse(reply(listed))] == [job.run_id]


def test_states_of_speech_and_transcriptions():
    states = [
        _jobs.read_state(reply(body))
        for page in ("tts-status", "transcribe-status")
        for body in shown(page)
        if "status" in body
    ]
    assert {state.status for state in states} == {"queued", "running", "completed", "failed"}
    assert {state.code for state in states if state.code} == {"CONTENT_POLICY_VIOLATION"}


def test_transcriptions():
    bodies = [body for body in shown("transcribe-status") if "transcription" in body]
    heard = Transcript.read(bodies[0], Billing.read(bodies[0]))
    assert (heard.duration, str(heard.cost), heard.language) == (148.2, "0.075", "en")


def test_cloned_voices():
    found = [
        Transcript.read(body, Billing()).voice_url
        for body in shown("voice-cloning")
        if body.get("status") == "completed"
    ]
    assert found == [
        "https://cdn.example.com/preview-audio.mp3",
        "https://storage.example.com/speaker-embedding.safetensors",
    ]


def test_deposits():
    deposits = [Deposit.read(body) for body in shown("crypto-deposits") if body.keys() & {
        "txId", "paymentId", "paymentLink"}]  # fmt: skip
    assert len(deposits) >= 3
    assert all(deposit.id or deposit.payment_link for deposit in deposits)


def test_usage():
    reports = [UsageReport.read(body) for body in shown("usage") if "totals" in body]
    assert reports
    for report in reports:
        assert report.cost_usd is not None
        assert report.net_cost_usd == report.cost_usd - (report.refunded_usd or 0)


def test_tokens():
    """The final chunk of the page streaming-protocol, and the usage of prompt-caching."""
    (chunk,) = [body for body in shown("streaming-protocol") if "x_nanogpt_pricing" in body][:1]
    usage = Usage.read(chunk["usage"], chunk["x_nanogpt_pricing"])
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (123, 20, 143)
    assert str(Billing.read(chunk).cost) == "0.000169"
    (body,) = [body for body in shown("prompt-caching") if "usage" in body][:1]
    usage = Usage.read(body["usage"])
    assert usage is not None
    assert (usage.prompt_tokens, usage.total_tokens) == (8500, 8700)

"""The tools over the sandbox, sync and async: what a model reads, and what a program gets."""

from __future__ import annotations

import asyncio
import io
import json
import wave
from decimal import Decimal
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from PIL import Image
from pydantic import ValidationError

from nanogpt_client import (
    Budget,
    BudgetExceededError,
    DownloadError,
    InvalidArgumentError,
    NanoGPTClient,
    NotFoundError,
    Progress,
    SpendNotApprovedError,
)
from nanogpt_client._adapters.documented import attribute_docs
from nanogpt_client.sandbox import Sandbox, Script, ToolCalls
from nanogpt_client.tools import (
    TOOLS,
    SpendRequest,
    Toolbox,
    ToolboxSettings,
    ToolResult,
    describe_for_model,
)


class Sync:
    """Calls tools with the blocking client."""

    @staticmethod
    def call(tools: Toolbox, name: str, **arguments: Any) -> ToolResult:
        return tools.call(name, arguments)


class Async:
    """Calls tools with the async one, on a loop of its own each time."""

    @staticmethod
    def call(tools: Toolbox, name: str, **arguments: Any) -> ToolResult:
        return asyncio.run(tools.acall(name, arguments))


@pytest.fixture(params=[Sync, Async])
def call(request):
    return request.param.call


@pytest.fixture
def box(sandbox):
    def make(**settings: Any) -> Toolbox:
        client = NanoGPTClient(
            sandbox.api_key, base_url=sandbox.base_url, budget=settings.pop("budget", None)
        )
        usual: dict[str, Any] = {"video_poll_interval": 0.01, "audio_format": "wav"}
        return Toolbox(client=client, **(usual | settings))

    return make


def made(tools: Toolbox, result: ToolResult) -> bytes:
    """Return the file that a result tells of, from where a program finds it."""
    path = result.artifact["path"]
    data = Path(path).read_bytes() if path else tools.artifacts.get(result.artifact["name"])
    assert data is not None
    return data


def kinds(tools: Toolbox) -> list[str]:
    """Return what was paid for, in order."""
    free = {"account", "catalog", "download"}
    return [e.kind for e in tools.ledger if e.kind not in free and e.cost]


def test_an_image_is_saved_and_named(call, box, tmp_path):
    result = call(
        box(output_dir=tmp_path), "generate_image", prompt="a cat", size="256x256", seed=7
    )
    artifact = result.artifact
    assert result.text == f"Generated 1 image with hidream for 0.005 USD. File: {artifact['path']}."
    with Image.open(artifact["path"]) as image:
        assert (image.format, image.size) == ("PNG", (256, 256))
    assert {k: artifact[k] for k in ("kind", "mime_type", "seed", "cost", "url")} == {
        "kind": "image", "mime_type": "image/png", "seed": 7, "cost": 0.005, "url": None,
    }  # fmt: skip
    assert artifact["request_id"]
    assert (artifact["cost_exact"], result.cost) == ("0.005", Decimal("0.005"))
    assert artifact["size"] == Path(artifact["path"]).stat().st_size
    assert result.media == ()


def test_without_a_folder_there_is_a_url(call, box):
    tools = box()
    result = call(tools, "generate_image", prompt="a cat")
    assert result.artifact["url"] in result.text
    assert result.artifact["path"] is None
    assert made(tools, result).startswith(b"\x89PNG")


def test_several_images_are_all_named(call, box, tmp_path):
    result = call(box(output_dir=tmp_path), "generate_image", prompt="a cat", n=2)
    paths = [file["path"] for file in result.artifact["files"]]
    assert len(set(paths)) == 2
    assert all(path in result.text for path in paths)


def test_a_model_with_vision_gets_the_image(call, box):
    tools = box(image_blocks=True)
    result = call(tools, "generate_image", prompt="a cat")
    assert result.media[0].data == made(tools, result)


@pytest.mark.parametrize("saved", [True, False])
def test_one_tool_uses_what_another_made(call, box, tmp_path, saved):
    tools = box(output_dir=tmp_path if saved else None)
    drawn = call(tools, "generate_image", prompt="a red cat", size="256x256")
    name = drawn.artifact["name"]
    changed = call(tools, "edit_image", prompt="make it blue", image=name, strength=0.5)
    assert changed.text.startswith("Edited 1 image")
    assert made(tools, changed) != made(tools, drawn)
    said = call(tools, "speak", text="Hello from here.")
    with wave.open(io.BytesIO(made(tools, said))) as sound:
        assert sound.getnframes() > 0
    spoken = said.artifact
    heard = call(tools, "transcribe", audio=spoken["path"] or spoken["name"])
    assert heard.text == "Hello from here."
    assert heard.artifact["segments"] == []


def test_bytes_and_urls_can_be_edited(call, box):
    tools = box(image_size="256x256")
    drawn = call(tools, "generate_image", prompt="a cat")
    for source in (made(tools, drawn), drawn.artifact["url"]):
        assert made(tools, call(tools, "edit_image", prompt="blue", image=source))


def test_speakers_are_labelled(call, box):
    tools = box(transcription_model="Elevenlabs-STT")
    spoken = call(tools, "speak", text="Hello.").artifact
    heard = call(tools, "transcribe", audio=spoken["name"], diarize=True)
    assert heard.text == "Speaker 1: Hello."
    assert heard.artifact["segments"][0]["speaker"] == "Speaker 1"


def test_a_video_is_saved_and_found_again_without_a_second_charge(call, box, tmp_path):
    tools = box(output_dir=tmp_path)
    first = call(tools, "generate_video", prompt="a cat", duration=5, aspect_ratio="16:9")
    run_id = first.artifact["run_id"]
    assert f"(run id {run_id})" in first.text
    with av.open(first.artifact["path"], "r") as film:
        assert film.duration is not None
        assert round(film.duration / av.time_base) == 5
    again = call(tools, "generate_video", run_id=run_id)
    assert again.artifact["path"] == first.artifact["path"]
    assert tools.artifacts.names() == []  # it is large, and saved
    assert kinds(tools) == ["video"]


def test_a_video_without_a_folder_is_its_url(call, box):
    film = call(box(), "generate_video", prompt="a cat").artifact
    assert (film["name"], film["path"]) == (None, None)
    assert film["url"].startswith("http")


def test_progress_has_the_run_id(call, box):
    seen: list[Progress] = []
    film = call(box(on_progress=seen.append), "generate_video", prompt="a cat")
    assert seen[0].status == "submitted"
    assert {p.run_id for p in seen} == {film.artifact["run_id"]}


def test_web_search(call, box):
    found = call(box(max_results=2), "search_web", query="What is Nano?")
    sources = found.artifact["sources"]
    assert len(sources) == 2
    for number, source in enumerate(sources, 1):
        assert f"[{number}] {source['title']}\n{source['url']}" in found.text
    answer = call(box(), "search_web", query="What is Nano?", output="answer")
    assert answer.text.startswith(answer.artifact["answer"])
    assert "Sources:" in answer.text


def test_structured_search(call, box):
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    found = call(
        box(), "search_web", query="What is Nano?", output="structured", answer_schema=schema
    )
    assert json.loads(found.text) == found.artifact["structured"]
    assert isinstance(found.artifact["structured"]["name"], str)


def test_the_balance_and_where_to_send_nano(call, box):
    result = call(box(), "check_balance")
    assert result.artifact["nano_deposit_address"] in result.text
    assert f"{Decimal(result.artifact['usd_exact']).normalize():f} USD" in result.text
    assert result.artifact["usd"] == float(result.artifact["usd_exact"])


@pytest.mark.parametrize(
    ("arguments", "usd"),
    [
        ({"kind": "image", "size": "256x256", "n": 2}, "0.010"),
        ({"kind": "speech", "text": "x" * 1000}, "0.015"),
        ({"kind": "speech", "text": "x" * 301, "model": "bytedance/seed-audio-1.0"}, "0.18"),
        ({"kind": "video", "seconds": 5}, "0.35"),
        ({"kind": "video"}, "0.35"),
        ({"kind": "video", "model": "veo3-fast-video"}, "1.6"),
        ({"kind": "video", "model": "kling-v26-pro", "seconds": 10}, "0.7"),
        ({"kind": "video", "model": "bytedance/seedance-2.5"}, "0.25"),
        ({"kind": "video", "model": "google/gemini-omni-flash/v1.1"}, "1.04"),
        ({"kind": "transcription", "seconds": 60}, "0.0005"),
    ],
)
def test_costs_are_estimated_and_compared(call, box, arguments, usd):
    tools = box()
    result = call(tools, "estimate_cost", **arguments)
    assert Decimal(result.artifact["usd_exact"]) == Decimal(usd)
    assert result.artifact["affordable"] is True
    assert "covers it" in result.text
    assert kinds(tools) == []


def test_the_cost_of_a_chat(call, box):
    result = call(box(chat_model="openai/gpt-5.2"), "estimate_cost", kind="chat", text="Hello!")
    assert result.artifact["usd"] > 0


@pytest.mark.parametrize(
    ("name", "arguments", "match"),
    [
        (
            "generate_image",
            {"prompt": "x", "size": "9x9"},
            "does not support size='9x9'; it supports 1024x1024",
        ),
        ("generate_image", {"prompt": "x", "n": 9}, "supports n up to 4, not 9"),
        ("speak", {"text": "x", "voice": "bob"}, "does not support voice='bob'; it supports alloy"),
        (
            "generate_video",
            {"prompt": "x", "duration": 7.5},
            "does not support duration=7.5; it supports 5",
        ),
        ("generate_video", {"prompt": "x", "aspect_ratio": "2:1"}, "it supports 16:9"),
        ("generate_video", {}, "a video needs a prompt, or the run_id"),
        ("transcribe", {"audio": "/etc/passwd"}, "there is no file '/etc/passwd' here"),
        ("edit_image", {"prompt": "x", "image": "../secret.png"}, "there is no file"),
        ("speak", {"txt": "x"}, "text: field required"),
        ("speak", {"text": "x", "loud": True}, "loud: extra inputs are not permitted"),
        ("generate_image", {"prompt": "x", "n": 0}, "n: input should be greater than"),
        ("estimate_cost", {"kind": "transcription"}, "the cost of transcription needs seconds"),
        ("estimate_cost", {"kind": "chat", "text": "x"}, "pass the id of the chat model"),
        ("search_web", {"query": "x", "output": "structured"}, "together"),
        ("fetch_page", {"url": "http://localhost:8000/"}, "has the port 8000"),
        ("fetch_page", {"url": "http://192.168.0.1/"}, "inside a private network"),
        ("fetch_page", {"url": "https://youtu.be/x"}, "is on YouTube"),
        ("fetch_page", {"url": "file:///etc/passwd"}, "is not an http"),
        ("youtube_transcript", {"url": "https://example.com"}, "is not on YouTube"),
        ("draw", {}, "there is no tool 'draw'; choose from generate_image"),
    ],
)
def test_what_cannot_work_is_refused_and_nothing_is_paid(call, box, name, arguments, match):
    tools = box()
    with pytest.raises(InvalidArgumentError, match=match):
        call(tools, name, **arguments)
    assert kinds(tools) == []


def test_an_unknown_model_is_nanogpts_to_refuse(call, box):
    with pytest.raises(NotFoundError):
        call(box(image_model="none"), "generate_image", prompt="x")


def test_dear_calls_are_confirmed_first(call, box):
    asked: list[SpendRequest] = []

    def confirm(purchase: SpendRequest) -> bool:
        asked.append(purchase)
        return purchase.tool == "generate_image"

    tools = box(confirm_above_usd="0.01", confirm=confirm, image_size="512x512")
    call(tools, "speak", text="cheap")
    call(tools, "generate_image", prompt="cheap")
    assert asked == []
    call(tools, "generate_image", prompt="dear", size="1024x1024")
    assert (asked[0].usd, asked[0].model) == (Decimal("0.014"), "hidream")
    assert asked[0].arguments["prompt"] == "dear"
    with pytest.raises(
        SpendNotApprovedError, match="the user did not confirm it; nothing was sent"
    ):
        call(tools, "generate_video", prompt="dear", duration=5)
    assert kinds(tools) == ["speech", "image", "image"]


def test_a_page_is_read(call, box):
    tools = box()
    found = call(tools, "fetch_page", url="https://docs.example.com/nano")
    title, url, *_ = found.text.splitlines()
    assert (title, url) == (found.artifact["title"], "https://docs.example.com/nano")
    assert found.artifact["content"] in found.text
    assert (found.artifact["kind"], found.cost) == ("page", Decimal("0.001"))
    assert found.artifact["request_id"]
    dearer = call(box(stealth=True), "fetch_page", url="https://docs.example.com/nano")
    assert dearer.cost == Decimal("0.005")


def test_a_transcript_is_read(call, box):
    found = call(box(), "youtube_transcript", url="https://youtu.be/kJQP7kiw5Fk")
    assert "kJQP7kiw5Fk" in found.text
    assert (found.artifact["kind"], found.cost) == ("transcript", Decimal("0.01"))


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("fetch_page", "https://no.invalid/"),
        ("youtube_transcript", "https://www.youtube.com/watch?v=invalid"),
    ],
)
def test_a_page_that_cannot_be_read_costs_nothing(call, box, name, url):
    tools = box()
    with pytest.raises(DownloadError, match="could not be read") as caught:
        call(tools, name, url=url)
    assert describe_for_model(caught.value).endswith("Nothing was spent. Use another URL or file.")
    assert kinds(tools) == []


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("fetch_page", "https://evil.example.com/?secret=1"),
        ("youtube_transcript", "https://youtu.be/kJQP7kiw5Fk"),
    ],
)
def test_pages_are_urls_and_so_under_the_rules_for_urls(call, box, name, url):
    for settings in ({"allow_urls": False}, {"allow_hosts": ["docs.example.com"]}):
        tools = box(**settings)
        with pytest.raises(InvalidArgumentError, match="not allowed here"):
            call(tools, name, url=url)
        assert len(tools.ledger) == 0


def test_nobody_is_asked_to_pay_for_a_url_that_is_refused_anyway(call, box):
    asked: list[SpendRequest] = []

    def confirm(request: SpendRequest) -> bool:
        asked.append(request)
        return True

    tools = box(confirm=confirm)
    for name, url in (("fetch_page", "http://10.0.0.1/"), ("youtube_transcript", "https://a.com")):
        with pytest.raises(InvalidArgumentError):
            call(tools, name, url=url)
    assert asked == []
    call(tools, "fetch_page", url="https://docs.example.com/nano")
    assert [request.usd for request in asked] == [Decimal("0.001")]


def test_the_documented_price_of_a_page_is_confirmed_or_refused(call, box):
    url = "https://docs.example.com/nano"
    assert call(box(confirm_above_usd="0.001"), "fetch_page", url=url).cost
    with pytest.raises(SpendNotApprovedError, match=r"0\.005 USD, above the 0\.001 USD"):
        call(box(confirm_above_usd="0.001", stealth=True), "fetch_page", url=url)
    with pytest.raises(SpendNotApprovedError, match=r"above the limit of 0\.005 USD"):
        call(box(refuse_above_usd="0.005"), "youtube_transcript", url="https://youtu.be/x")


def test_an_unknown_price_is_confirmed_too(call, box):
    tools = box(confirm_above_usd=5, confirm=lambda purchase: purchase.usd is not None)
    with pytest.raises(SpendNotApprovedError, match="has an unknown price"):
        call(tools, "search_web", query="x")
    assert kinds(tools) == []


def test_without_anyone_to_ask_dear_calls_are_refused(call, box):
    tools = box(confirm_above_usd="0.01")
    with pytest.raises(SpendNotApprovedError, match=r"0\.014 USD, above the 0\.01 USD allowed"):
        call(tools, "generate_image", prompt="dear")
    with pytest.raises(SpendNotApprovedError, match="unknown price, which may be above the"):
        call(tools, "search_web", query="x")
    assert kinds(tools) == []


def test_a_question_may_be_asynchronous(box):
    async def confirm(purchase: SpendRequest) -> bool:
        await asyncio.sleep(0)
        return True

    tools = box(confirm=confirm)
    assert asyncio.run(tools.acall("generate_image", {"prompt": "x"})).artifact["cost"]
    with pytest.raises(InvalidArgumentError, match="needs AsyncNanoGPTClient"):
        tools.call("generate_image", {"prompt": "x"})


def test_a_budget_ends_it(call, box):
    tools = box(budget=Budget(max_calls=1))
    call(tools, "speak", text="one")
    with pytest.raises(BudgetExceededError):
        call(tools, "speak", text="two")


@pytest.mark.parametrize(
    ("name", "arguments", "usd"),
    [
        ("generate_image", {"prompt": "x", "n": 2}, "0.028"),
        ("speak", {"text": "x" * 100}, "0.0015"),
        ("generate_video", {"prompt": "x"}, "0.35"),
        ("generate_video", {"prompt": "x", "duration": 5}, "0.35"),
    ],
)
def test_a_budget_sets_aside_what_work_will_cost(call, box, name, arguments, usd):
    tools = box(budget=Budget(Decimal(usd) - Decimal("0.0001")))
    with pytest.raises(BudgetExceededError, match=f"{usd}0* estimated for it; nothing was sent"):
        call(tools, name, **arguments)
    assert kinds(tools) == []
    enough = box(budget=Budget(usd))
    call(enough, name, **arguments)
    assert enough.budget.spent == Decimal(usd)


def test_arguments_may_come_as_json(box):
    assert box().call("check_balance", "").artifact["kind"] == "balance"
    assert box().call("estimate_cost", '{"kind": "image"}').artifact["usd"]
    with pytest.raises(InvalidArgumentError, match="the arguments of speak are not a JSON"):
        box().call("speak", "{")


def test_some_of_the_tools(box):
    tools = box(include=("speak", "check_balance"))
    assert [s["function"]["name"] for s in tools.schemas()] == ["speak", "check_balance"]
    with pytest.raises(InvalidArgumentError, match="there is no tool 'generate_image'"):
        tools.call("generate_image", {"prompt": "x"})
    with pytest.raises(ValidationError, match=r"unknown tools \['draw'\]"):
        box(include=("draw",))


def test_schemas_can_be_sent_to_a_model(box):
    schemas = box().schemas()
    assert [s["function"]["name"] for s in schemas] == list(TOOLS)
    text = json.dumps(schemas)
    assert "binary" not in text
    for schema in schemas:
        parameters = schema["function"]["parameters"]
        assert all("description" in p for p in parameters["properties"].values())


def test_a_chat_model_can_use_them(box):
    tools = box()
    model = Sandbox(model=Script(ToolCalls(check_balance={})))
    http_client = httpx.Client(transport=model.transport())
    with NanoGPTClient(model.api_key, http_client=http_client) as client:
        answer = client.chat("How much is left?", model="openai/gpt-5.2", tools=tools.schemas())
    (asked,) = answer.message.tool_calls
    assert "USD" in tools.call(asked.name, asked.arguments).text


@pytest.mark.parametrize("settings", [ToolboxSettings, *(tool.settings for tool in TOOLS.values())])
def test_every_setting_is_documented(settings):
    assert settings.model_fields.keys() == attribute_docs(settings).keys()


def test_every_setting_of_a_tool_is_one_of_the_toolbox(box):
    tools = box()
    own: dict[str, Any] = {"speak": {"audio_format": "wav"}}
    own["generate_video"] = {"poll_interval": 0.01}
    for name, tool in TOOLS.items():
        expected = tool.settings(artifacts=tools.artifacts, **own.get(name, {}))
        assert tools.settings_for(name) == expected

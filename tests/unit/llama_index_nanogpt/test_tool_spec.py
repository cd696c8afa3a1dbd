"""NanoGPT's tools in LlamaIndex: what models and programs get, errors, progress, costs."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import AsyncIterator, Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from langchain_core.utils.function_calling import convert_to_openai_tool
from llama_index.core.agent.workflow import FunctionAgent, ToolCallResult
from llama_index.core.base.llms.types import ImageBlock, TextBlock
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.llms import ChatMessage
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.tools import ToolMetadata, ToolOutput
from llama_index.core.tools.calling import acall_tool_with_selection, call_tool_with_selection
from llama_index.core.workflow import Context
from llama_index_instrumentation import get_dispatcher
from pydantic import Field, ValidationError

from langchain_nanogpt import NanoGPTToolkit
from llama_index_nanogpt import NanoGPTCostHandler, NanoGPTToolSpec, tools
from llama_index_nanogpt.callbacks import NanoGPTProgressEvent
from nanogpt_client import (
    Budget,
    BudgetExceededError,
    ConfigurationError,
    InvalidArgumentError,
    NanoGPTClient,
    Progress,
    SpendNotApprovedError,
)
from nanogpt_client.sandbox import SandboxApp, Script, ToolCalls
from nanogpt_client.tools import TOOLS, schemas
from tests.support.llama_index import agents_own_warnings
from tests.unit.langchain_nanogpt.samples import picture
from tests.unit.llama_index_nanogpt.scripted import llm_of

pytestmark = [pytest.mark.usefixtures("litter_stays_here"), agents_own_warnings]

DRAW_A_FOX = ToolCalls(generate_image={"prompt": "a red fox"})
KEY = "sk-nano-0123abcd-4567-89ab-cdef-0123456789ab"


@pytest.fixture
def client(sandbox) -> Iterator[NanoGPTClient]:
    with NanoGPTClient(sandbox.api_key, base_url=sandbox.base_url) as made:
        yield made


@pytest.fixture
async def spec_of() -> AsyncIterator[Callable[..., NanoGPTToolSpec]]:
    """Make specs that are closed in the end."""
    made: list[NanoGPTToolSpec] = []

    def make(**settings: Any) -> NanoGPTToolSpec:
        made.append(NanoGPTToolSpec(**settings))
        return made[-1]

    yield make
    for spec in made:
        spec.close()
        await spec.aclose()


@pytest.fixture(params=["call", "acall"])
def run(request):
    """Return a coroutine function that runs a tool as LlamaIndex does, either way."""

    async def act(spec: NanoGPTToolSpec, name: str, **arguments: Any) -> ToolOutput:
        asked = ToolSelection(tool_id="call-1", tool_name=name, tool_kwargs=arguments)
        tools = spec.to_tool_list()
        if request.param == "call":
            return call_tool_with_selection(asked, tools)
        return await acall_tool_with_selection(asked, tools)

    return act


def test_every_tool_is_a_pair_of_methods_and_described_as_langchains_are():
    spec = NanoGPTToolSpec(api_key=KEY)
    assert NanoGPTToolSpec.spec_functions == [(name, f"a{name}") for name in TOOLS]
    ours = {t.metadata.get_name(): t.metadata.to_openai_tool() for t in spec.to_tool_list()}
    theirs = {t.name: t for t in NanoGPTToolkit(api_key=KEY).get_tools()}
    assert list(ours) == list(theirs) == list(TOOLS)
    for name, shown in ours.items():
        other = convert_to_openai_tool(theirs[name])["function"]
        assert shown["function"]["description"] == other["description"]
        parameters = shown["function"]["parameters"]
        assert parameters["properties"].keys() == other["parameters"]["properties"].keys()
        assert parameters.get("required") == other["parameters"].get("required")


@pytest.mark.parametrize("name", TOOLS)
def test_methods_show_the_arguments_of_their_tool(name):
    fields = TOOLS[name].args.model_fields
    for method in (getattr(NanoGPTToolSpec, name), getattr(NanoGPTToolSpec, f"a{name}")):
        this, *parameters = inspect.signature(method).parameters.values()
        assert (this.name, [parameter.name for parameter in parameters]) == ("self", [*fields])
        for parameter in parameters:
            field = fields[parameter.name]
            assert parameter.annotation not in {inspect.Parameter.empty, Any}
            assert (parameter.default is inspect.Parameter.empty) == field.is_required()
            assert f"{parameter.name}: {field.description}" in method.__doc__
    assert inspect.iscoroutinefunction(getattr(NanoGPTToolSpec, f"a{name}"))


def test_methods_are_made_without_docstrings_too():
    class Arguments(schemas.Arguments):  # as with `python -OO`
        text: str

    Arguments.__doc__ = None
    for method in tools._methods("say", Arguments):
        assert (method.__doc__ or "").endswith("    text: None")


async def test_text_for_the_model_and_bytes_for_the_program(run, client, spec_of, tmp_path):
    spec = spec_of(client=client, output_dir=tmp_path, image_size="256x256")
    output = await run(spec, "generate_image", prompt="a cat")
    artifact = output.raw_output.artifact
    assert output.blocks == [
        TextBlock(text=f"Generated 1 image with hidream for 0.005 USD. File: {artifact['path']}.")
    ]
    assert [str(path) for path in tmp_path.iterdir()] == [artifact["path"]]
    assert (artifact["cost"], artifact["cost_exact"]) == (0.005, "0.005")
    assert not output.is_error


async def test_a_model_with_vision_gets_the_image_as_a_block(run, client, spec_of):
    spec = spec_of(client=client, image_size="256x256", image_blocks=True)
    text, image = (await run(spec, "generate_image", prompt="a cat")).blocks
    assert isinstance(text, TextBlock)
    assert isinstance(image, ImageBlock)
    assert image.image_mimetype == "image/png"
    assert image.resolve_image().read().startswith(b"\x89PNG")


async def test_sources_stand_in_the_text(run, client, spec_of):
    spec = spec_of(client=client)
    output = await run(spec, "search_web", query="What is Nano?", max_results=2)
    sources = output.raw_output.artifact["sources"]
    assert len(sources) == 2
    assert all(source["url"] in output.content for source in sources)


async def test_methods_are_for_programs(client, spec_of):
    spec = spec_of(client=client, image_size="256x256")
    spoken = spec.speak(text="Good morning.")
    assert (await spec.atranscribe(audio=spoken.artifact["name"])).text == "Good morning."
    drawn = await spec.agenerate_image(prompt="a cat")
    changed = spec.edit_image(prompt="make it blue", image=drawn.artifact["name"])
    assert str(spec.artifacts.get(changed.artifact["name"])).startswith("b'\\x89PNG")
    assert (await spec.aedit_image(prompt="blue", image=picture("PNG"))).artifact["size"]
    assert "USD" in spec.check_balance().text
    assert "USD" in (await spec.acheck_balance()).text
    assert spec.estimate_cost(kind="image").artifact["affordable"]
    assert (await spec.aestimate_cost(kind="speech", text="hi")).artifact["usd"] > 0
    assert spec.search_web(query="Nano").artifact["kind"] == "search"
    assert (await spec.asearch_web(query="Nano")).artifact["kind"] == "search"
    page = spec.fetch_page(url="https://example.com/nano")
    assert page.text == (await spec.afetch_page(url="https://example.com/nano")).text
    video = "https://youtu.be/kJQP7kiw5Fk"
    said = spec.youtube_transcript(url=video)
    assert said.text == (await spec.ayoutube_transcript(url=video)).text
    assert spec.generate_image(prompt="x").text.startswith("Generated")
    assert spec.transcribe(audio=(await spec.aspeak(text="Bye.")).artifact["name"]).text == "Bye."


async def test_the_model_reads_an_error(run, client, spec_of):
    spec = spec_of(client=client)
    output = await run(spec, "generate_image", prompt="a cat", size="9x9")
    assert output.is_error
    assert "does not support size='9x9'; it supports 1024x1024" in output.content
    assert "Nothing was sent or spent. Correct the arguments" in output.content
    assert isinstance(output.exception, InvalidArgumentError)


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("speak", {}, "text: field required"),
        ("speak", {"text": "hi", "loud": True}, "loud: extra inputs"),
        ("check_balance", {"now": True}, "now: extra inputs"),
        ("transcribe", {"audio": "/etc/passwd"}, "there is no file '/etc/passwd' here"),
        ("generate_video", {}, "a video needs a prompt"),
    ],
)
async def test_wrong_arguments_are_reported(run, client, spec_of, name, arguments, says):
    output = await run(spec_of(client=client), name, **arguments)
    assert output.is_error
    assert says in output.content
    assert len(client.ledger) == 0


def test_errors_keep_their_class_for_programs(client, spec_of):
    spec = spec_of(client=client)
    with pytest.raises(InvalidArgumentError, match="Nothing was sent or spent"):
        spec.generate_image(prompt="a cat", size="9x9")


async def test_an_agent_reads_errors_and_goes_on(client, spec_of):
    spec = spec_of(client=client, image_size="9x9")
    app = SandboxApp(model=Script(DRAW_A_FOX, "I cannot draw that."))
    agent = FunctionAgent(llm=llm_of(app), tools=[*spec.to_tool_list()])
    answer: Any = await agent.run("Draw a red fox.")
    (call,) = answer.tool_calls
    assert call.tool_output.is_error
    assert "does not support size='9x9'" in app.requests[-1].messages[-1]["content"]
    assert str(answer) == "I cannot draw that."


class Listener(BaseEventHandler):
    """Remembers progress."""

    events: list[Any] = Field(default_factory=list)

    @classmethod
    def class_name(cls) -> str:
        return "Listener"

    def handle(self, event: Any, **_: Any) -> None:
        if isinstance(event, NanoGPTProgressEvent):
            self.events.append(event)


async def test_long_work_sends_events_and_calls_back(run, client, spec_of):
    listener = Listener()
    seen: list[Progress] = []
    spec = spec_of(client=client, video_poll_interval=0.01, on_progress=seen.append)
    get_dispatcher().add_event_handler(listener)
    try:
        output = await run(spec, "generate_video", prompt="a cat")
    finally:
        get_dispatcher().event_handlers.remove(listener)
    statuses = [event.status for event in listener.events]
    assert (statuses[0], statuses[-1]) == ("submitted", "completed")
    assert {e.run_id for e in listener.events} == {output.raw_output.artifact["run_id"]}
    assert [progress.status for progress in seen] == statuses


async def test_a_progress_function_may_be_asynchronous(client, spec_of):
    seen: list[Progress] = []

    async def tell(progress: Progress) -> None:
        seen.append(progress)

    spec = spec_of(client=client, video_poll_interval=0.01, on_progress=tell)
    await spec.agenerate_video(prompt="a cat")
    assert seen[-1].status == "completed"


async def test_a_video_is_fetched_by_its_run_id_and_not_paid_again(run, client, spec_of):
    spec = spec_of(client=client, video_poll_interval=0.01)
    spent = client.ledger.spent
    ordered = await run(spec, "generate_video", prompt="a cat")
    price = client.ledger.spent - spent
    again = await run(spec, "generate_video", run_id=ordered.raw_output.artifact["run_id"])
    assert again.raw_output.artifact["url"] == ordered.raw_output.artifact["url"]
    assert client.ledger.spent - spent == price > 0


async def test_costs_are_reported_to_handlers(run, client, spec_of):
    with NanoGPTCostHandler() as costs:
        await run(spec_of(client=client), "speak", text="Good morning.")
        await run(spec_of(client=client), "generate_image", prompt="x", size="9x9")
    spoken, refused = costs.ledger
    assert (spoken.kind, spoken.model, spoken.outcome) == ("speech", "tts-1", "ok")
    assert (refused.kind, refused.outcome) == ("image", "InvalidArgumentError")
    assert refused.cost == 0
    assert costs.total_usd == client.ledger.spent > 0


async def test_it_keeps_to_its_budget(run, sandbox, spec_of):
    budget = Budget(max_calls=1)
    spec = spec_of(api_key=sandbox.api_key, base_url=sandbox.base_url, budget=budget)
    assert not (await run(spec, "speak", text="one")).is_error
    refused = await run(spec, "speak", text="two")
    assert "Make no more paid calls" in refused.content
    assert isinstance(refused.exception, BudgetExceededError)


@pytest.mark.parametrize("answer", [False, True])
async def test_spending_is_confirmed(run, client, spec_of, answer: bool):
    asked: list[Any] = []

    def confirm(purchase: Any) -> bool:
        asked.append(purchase)
        return answer

    spec = spec_of(client=client, confirm_above_usd="0.001", confirm=confirm)
    output = await run(spec, "generate_image", prompt="a cat", size="256x256")
    assert [purchase.usd for purchase in asked] == [Decimal("0.005")]
    assert output.is_error is not answer
    if not answer:
        assert "the user did not confirm it; nothing was sent" in output.content
        assert isinstance(output.exception, SpendNotApprovedError)
        assert "image" not in {entry.kind for entry in client.ledger}


def test_only_the_tools_that_are_included():
    spec = NanoGPTToolSpec(api_key=KEY, include=("speak", "search_web"))
    assert [tool.metadata.name for tool in spec.to_tool_list()] == ["speak", "search_web"]
    assert [t.metadata.name for t in spec.to_tool_list(["acheck_balance"])] == ["check_balance"]
    with pytest.raises(ValidationError, match="unknown tools"):
        NanoGPTToolSpec(api_key=KEY, include=("sing",))


def test_a_description_of_ones_own():
    mine = ToolMetadata("Says it.", "say", TOOLS["speak"].args)
    (tool,) = NanoGPTToolSpec(api_key=KEY).to_tool_list([("speak", "aspeak")], {"speak": mine})
    assert (tool.metadata.name, tool.metadata.description) == ("say", "Says it.")


def test_no_key_is_shown_and_specs_can_be_copied_and_sent():
    spec = NanoGPTToolSpec(api_key=KEY, pickle_api_key=True, output_dir="out")
    tool = spec.to_tool_list()[0]
    for shown in (repr(spec), str(spec), str(spec.model_dump()), repr(tool), str(tool.metadata)):
        assert KEY not in shown
    for copied in (pickle.loads(pickle.dumps(spec)), copy.deepcopy(spec), spec.model_copy()):
        assert (copied.output_dir, copied.api_key) == (spec.output_dir, spec.api_key)


def test_an_unknown_setting_is_refused():
    with pytest.raises(ConfigurationError, match="modle"):
        NanoGPTToolSpec(api_key=KEY, modle="x")  # type: ignore[call-arg]


@pytest.mark.filterwarnings("ignore:Skipping serialization of known unserializable key")
async def test_an_agents_context_with_images_can_be_stored(client, spec_of):
    """What tools return is kept there; bytes would be no JSON."""
    spec = spec_of(client=client, image_size="256x256", image_blocks=True)
    llm = llm_of(Script(DRAW_A_FOX, "Here it is."))
    agent = FunctionAgent(llm=llm, tools=[*spec.to_tool_list()])
    context = Context(agent)
    handler = agent.run(ChatMessage(content="Draw a red fox."), ctx=context)
    results = [e async for e in handler.stream_events() if isinstance(e, ToolCallResult)]
    await handler
    assert [result.tool_output.raw_output.artifact["kind"] for result in results] == ["image"]
    assert ToolCallResult.model_validate_json(results[0].model_dump_json())
    assert isinstance(Context.from_dict(agent, context.to_dict()), Context)

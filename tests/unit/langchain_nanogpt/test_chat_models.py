"""`ChatNanoGPT` as a citizen of LangChain: what it sends, keeps, copies and tells."""

from __future__ import annotations

import asyncio
import json
import pickle
from copy import deepcopy
from typing import Any, TypedDict, cast

import httpx
import pytest
from langchain_core import exceptions
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.exceptions import ModelInvalidRequestError, OutputParserException
from langchain_core.load import dumpd, dumps, load
from langchain_core.messages import HumanMessage
from langchain_core.messages import content as blocks
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.runnables import ConfigurableField
from langchain_core.tracers._streaming import _V2StreamingCallbackHandler
from pydantic import BaseModel

from langchain_nanogpt import ChatNanoGPT
from nanogpt_client import Budget, ConfigurationError, InvalidArgumentError, Ledger, NanoGPTClient
from tests.unit.langchain_nanogpt.replies import MODEL, Wire, call

KEY = "sk-nano-of-the-test"
SCHEMA_CALL = Wire(call('{"name": "Ada", "age": 36}', id="c1", name="Person"), finish="tool_calls")
SCHEMA_TEXT = Wire({"content": '{"name": "Ada", '}, {"content": '"age": 36}'})


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int


class PersonDict(TypedDict):
    """Somebody."""

    name: str
    age: int


PersonDict.__name__ = "Person"


def hello(**top):
    return Wire({"content": "Hello"}, **top)


def test_options_of_a_call_override_the_constructors_in_the_body():
    wire = hello()
    llm = wire.model(temperature=0.5, max_tokens=9, stop=[], reasoning_effort="low")
    llm.invoke("hi", temperature=0.1, max_tokens=None, stop=["END"], model="zai-org/glm-5")
    assert wire.bodies == [
        {
            "model": "zai-org/glm-5",
            "messages": [{"role": "user", "content": "hi"}],
            "temperature": 0.1,
            "stop": ["END"],
            "reasoning_effort": "low",
            "include_usage": True,
        }
    ]


def test_nothing_is_sent_before_a_stream_is_read():
    wire = hello()
    stream = wire.model().stream("hi")
    assert wire.bodies == []
    next(stream)
    assert len(wire.bodies) == 1


@pytest.mark.parametrize(
    ("search", "model", "body"),
    [
        (True, f"{MODEL}:online", {}),
        ("linkup-deep", f"{MODEL}:online/linkup-deep", {}),
        ({"provider": "exa"}, MODEL, {"webSearch": {"enabled": True, "provider": "exa"}}),
    ],
)
def test_web_search_is_an_option_everywhere(search, model, body):
    wire = hello()
    wire.model(web_search=search).invoke("hi")
    wire.model().invoke("hi", web_search=search)
    wire.model().bind(web_search=search).invoke("hi")
    for sent in wire.bodies:
        assert sent["model"] == model
        assert {k: v for k, v in sent.items() if k == "webSearch"} == body


def test_the_built_in_search_tool_turns_search_on():
    wire = hello()
    wire.model().bind_tools([{"type": "web_search"}]).invoke("hi")
    wire.model(web_search="exa-fast").bind_tools([{"type": "web_search"}]).invoke("hi")
    sized = {"type": "web_search", "search_context_size": "low"}
    wire.model().bind_tools([sized]).invoke("hi")
    assert [body["model"] for body in wire.bodies] == [
        f"{MODEL}:online",
        f"{MODEL}:online/exa-fast",
        MODEL,
    ]
    assert wire.bodies[2]["webSearch"] == {"enabled": True, "search_context_size": "low"}
    assert not any("tools" in body for body in wire.bodies)


def test_no_tools_are_not_sent_and_a_format_is():
    wire = hello()
    response_format = {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}
    wire.model().bind_tools([], tool_choice="auto", response_format=response_format).invoke("hi")
    assert wire.bodies[0].keys() & {"tools", "tool_choice"} == set()
    assert wire.bodies[0]["response_format"] == response_format


def test_tools_go_with_choice_and_parallel_calls():
    wire = hello()
    bound = wire.model().bind_tools([Person], tool_choice="any", parallel_tool_calls=False)
    bound.invoke("hi")
    assert wire.bodies[0]["tools"][0]["function"]["name"] == "Person"
    assert wire.bodies[0]["tool_choice"] == "required"
    assert wire.bodies[0]["parallel_tool_calls"] is False


@pytest.mark.parametrize(
    ("method", "wire"),
    [
        ("function_calling", SCHEMA_CALL),
        ("json_schema", SCHEMA_TEXT),
        ("json_mode", SCHEMA_TEXT),
        (None, SCHEMA_TEXT),
    ],
)
async def test_structured_answers_by_every_method(method, wire):
    chain = wire.model().with_structured_output(Person, method=method)
    ada = Person(name="Ada", age=36)
    assert chain.invoke("hi") == await chain.ainvoke("hi") == list(chain.stream("hi"))[-1] == ada
    chain = wire.model().with_structured_output(PersonDict, method=method)
    assert chain.invoke("hi") == list(chain.stream("hi"))[-1] == {"name": "Ada", "age": 36}


def test_the_profile_decides_the_method():
    wire = SCHEMA_TEXT
    before = len(wire.bodies)
    wire.model(profile={"structured_output": True}).with_structured_output(Person).invoke("hi")
    wire.model(profile={}).with_structured_output(Person, include_raw=True).invoke("hi")
    sent, without = wire.bodies[before:]
    assert sent["response_format"]["type"] == "json_schema"
    assert sent["response_format"]["json_schema"]["name"] == "Person"
    assert without["tool_choice"]["function"]["name"] == "Person"


@pytest.mark.parametrize(
    ("method", "wire", "reason"),
    [
        ("function_calling", Wire({"content": "Ada is 36."}), "prose"),
        (
            "function_calling",
            Wire(call('{"name": "A', id="c1", name="Person"), finish="length"),
            "max_tokens",
        ),
        ("json_schema", Wire({"content": "Ada is 36."}), "Ada is 36"),
    ],
)
def test_no_structured_answer_is_one_paid_call_and_an_error(method, wire, reason):
    with pytest.raises(OutputParserException, match=reason):
        wire.model().with_structured_output(Person, method=method).invoke("hi")
    assert len(wire.bodies) == 1
    chain = wire.model().with_structured_output(Person, method=method, include_raw=True)
    result = chain.invoke("hi")
    assert result["parsed"] is None
    assert isinstance(result["parsing_error"], OutputParserException)
    assert result["raw"].response_metadata["cost"] == 0.0125


@pytest.mark.parametrize(
    ("schema", "answer"),
    [
        ({"title": "Ages", "type": "array", "items": {"type": "integer"}}, [36]),
        (
            {"title": "Ages", "type": "object", "additionalProperties": {"type": "integer"}},
            {"Ada": 36},
        ),
        ({"title": "Ages", "anyOf": [{"type": "integer"}, {"type": "null"}]}, 36),
    ],
)
def test_a_json_schema_without_properties_is_sent_whole(schema, answer):
    wire = Wire({"content": json.dumps(answer)})
    chain: Any = wire.model().with_structured_output(schema, method="json_schema")
    assert chain.invoke("hi") == answer
    sent = wire.bodies[0]["response_format"]["json_schema"]
    assert (sent["name"], sent["schema"]) == ("Ages", schema)
    with pytest.raises(InvalidArgumentError, match="method='json_schema'"):
        wire.model().with_structured_output(schema, method="function_calling")


def test_a_schema_that_openai_nests_is_sent_as_it_is():
    age: dict[str, Any] = {"type": "object", "properties": {"age": {"type": "integer"}}}
    schema = {"name": "Person", "description": "d", "schema": age}
    wire = Wire({"content": '{"age": 1}'})
    wire.model().with_structured_output(schema, method="json_schema").invoke("hi")
    asked = wire.model().with_structured_output(schema, method="json_schema", strict=True)
    asked.invoke("hi")
    loose, strict = [body["response_format"]["json_schema"] for body in wire.bodies]
    closed = {**age, "required": ["age"], "additionalProperties": False}
    assert (loose, strict) == (schema, schema | {"strict": True, "schema": closed})


def test_a_method_that_does_not_exist_is_refused():
    with pytest.raises(
        InvalidArgumentError, match="method='tool_calling' is unknown; use one of function_calling"
    ):
        SCHEMA_TEXT.model().with_structured_output(Person, method=cast("Any", "tool_calling"))


def test_a_cache_tells_copies_and_changed_models_apart():
    wire = Wire({"content": "hi"})
    first = wire.model(cache=InMemoryCache())
    for _ in range(2):
        first.invoke("hi")
    first.model_copy(update={"model": "other"}).invoke("hi")
    first.temperature = 0.5
    first.invoke("hi")
    asked = [(body["model"], body.get("temperature")) for body in wire.bodies]
    assert asked == [(MODEL, None), ("other", None), (MODEL, 0.5)]


HALF = '{"name": "Ada", "age": 3'


@pytest.mark.parametrize("method", ["function_calling", "json_schema", "json_mode"])
@pytest.mark.parametrize("schema", [Person, PersonDict])
@pytest.mark.parametrize("finish", ["length", "stop"])
async def test_half_an_answer_never_passes_for_a_whole_one(method, schema, finish):
    said = call(HALF, id="c1", name="Person") if method == "function_calling" else {"content": HALF}
    wire = Wire(said, finish=finish)
    chain = wire.model().with_structured_output(schema, method=method)
    ways = (chain.invoke, lambda text: list(chain.stream(text)))
    for ask in ways:
        with pytest.raises(
            OutputParserException,
            match="max_tokens" if finish == "length" else "not a valid|incomplete",
        ):
            ask("hi")
    with pytest.raises(OutputParserException):
        assert [part async for part in chain.astream("hi")]
    beside: Any = wire.model().with_structured_output(schema, method=method, include_raw=True)
    for result in (beside.invoke("hi"), *beside.stream("hi"), await beside.ainvoke("hi")):
        assert result["parsed"] is None
        assert isinstance(result["parsing_error"], OutputParserException)
        assert result["raw"].response_metadata["cost"] == 0.0125


@pytest.mark.parametrize("text", [WHOLE := '{"name": "Ada", "age": 36}', f"```json\n{WHOLE}\n```"])
def test_json_in_a_fence_is_whole(text):
    chain = Wire({"content": text}).model().with_structured_output(Person, method="json_mode")
    ada = Person(name="Ada", age=36)
    assert chain.invoke("hi") == list(chain.stream("hi"))[-1] == ada


def test_a_content_filter_is_a_refusal():
    wire = Wire({"content": ""}, finish="content_filter")
    with pytest.raises(REFUSAL, match="content filter"):
        wire.model().with_structured_output(Person).invoke("hi")


REFUSAL = getattr(exceptions, "ModelRefusalError", OutputParserException)  # since core 1.7.5


@pytest.mark.parametrize("method", ["function_calling", "json_schema", "json_mode"])
async def test_a_refusal_is_an_error(method):
    wire = Wire({"refusal": "I will "}, {"refusal": "not."})
    chain = wire.model().with_structured_output(Person, method=method)
    for ask in (chain.invoke, lambda text: list(chain.stream(text))):
        with pytest.raises(REFUSAL, match="I will not"):
            ask("hi")
    with pytest.raises(REFUSAL, match="I will not"):
        await chain.ainvoke("hi")
    assert len(wire.bodies) == 3
    raw = wire.model().with_structured_output(Person, method=method, include_raw=True)
    result: Any = raw.invoke("hi")
    assert isinstance(result["parsing_error"], REFUSAL)
    assert result["raw"].response_metadata["cost"] == 0.0125


@pytest.mark.parametrize("version", ["v0", "v1"])
def test_a_refusal_is_a_block(version):
    model = Wire({"refusal": "I will "}, {"refusal": "not."}).model(output_version=version)
    first, *rest = model.stream("hi")
    for answer in (model.invoke("hi"), sum(rest, first)):
        block: Any
        (block,) = answer.content_blocks
        if hasattr(blocks, "RefusalContentBlock"):
            assert {k: block[k] for k in ("type", "refusal")} == {
                "type": "refusal",
                "refusal": "I will not.",
            }
        else:
            assert block["value"]["refusal"] == "I will not."


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"web_search": "googel"}, "googel"),
        ({"model": f"{MODEL}:online/exa-fast", "web_search": "linkup"}, "contradict"),
        ({"model": f"{MODEL}:cheap", "provider": "openai"}, "both choose the provider"),
        ({"model": f"{MODEL}:memory-7", "memory": 30}, "contradict"),
        ({"extra_body": {"a": object()}}, "JSON"),
    ],
)
def test_clashing_options_are_refused_at_once(settings, complaint):
    with pytest.raises(InvalidArgumentError, match=complaint):
        hello().model(**settings)


def test_several_answers_are_never_streamed():
    wire = hello()
    llm = wire.model(n=2)
    with pytest.raises(ModelInvalidRequestError, match="n"):
        list(llm.stream("hi"))
    assert wire.bodies == []


class OldListener(BaseCallbackHandler):
    """What `astream_events` attaches: it asks for a stream by having these methods."""

    def tap_output_aiter(self, *arguments):
        return arguments[-1]

    def tap_output_iter(self, *arguments):
        return arguments[-1]


class NewListener(BaseCallbackHandler, _V2StreamingCallbackHandler):
    """What LangGraph attaches."""


@pytest.mark.parametrize("listener", [OldListener, NewListener])
def test_a_listener_does_not_turn_several_answers_into_a_stream(listener):
    wire = hello()
    wire.model(n=2).invoke("hi", {"callbacks": [listener()]})
    wire.model().invoke("hi", {"callbacks": [listener()]})
    assert [body.get("stream") for body in wire.bodies] == [None, True]


def test_tracing_knows_provider_model_and_settings():
    llm = hello().model(temperature=0.5, max_tokens=9, stop="END")
    assert llm._get_ls_params() == {
        "ls_provider": "nanogpt",
        "ls_model_name": MODEL,
        "ls_model_type": "chat",
        "ls_temperature": 0.5,
        "ls_max_tokens": 9,
        "ls_stop": ["END"],
    }
    assert llm._get_ls_params(stop=["x"], model="b")["ls_model_name"] == "b"
    assert llm._get_ls_params(stop=["x"])["ls_stop"] == ["x"]
    assert llm.metadata["lc_versions"].keys() >= {"langchain-core", "nanogpt-integrations"}
    assert llm._identifying_params["temperature"] == 0.5


class Watcher(BaseCallbackHandler):
    def __init__(self):
        self.seen = []
        self.tokens = []

    def on_chat_model_start(self, serialized, messages, **kwargs):
        self.seen += [serialized, messages, kwargs]

    def on_llm_new_token(self, token, **_):
        self.tokens.append(token)


def test_traces_and_dumps_hold_no_secret():
    watcher = Watcher()
    secrets = {"default_headers": {"X-Team": "sk-header"}, "callbacks": [watcher]}
    llm = hello().model(**secrets)
    llm.invoke("hi", extra_headers={"X-Call": "sk-call"})
    places = (watcher.seen, llm, dumps(llm), llm.model_dump(), llm._identifying_params)
    for secret in (KEY, "sk-header", "sk-call"):
        for place in places:
            assert secret not in repr(place)


def test_tokens_reach_callbacks_once():
    watcher = Watcher()
    chunks = list(SCHEMA_TEXT.model().stream("hi", {"callbacks": [watcher]}))
    assert len(chunks) == len(watcher.tokens)
    assert "".join(watcher.tokens) == '{"name": "Ada", "age": 36}'


@pytest.mark.filterwarnings("ignore:The function `load` is in beta")
def test_serialised_it_comes_back_the_same():
    llm = ChatNanoGPT(model=MODEL, api_key=KEY, temperature=0.5, web_search={"provider": "exa"})
    again = load(
        dumpd(llm),
        allowed_objects=[ChatNanoGPT],
        valid_namespaces=["langchain_nanogpt"],
        secrets_map={"NANOGPT_API_KEY": KEY},
    )
    assert again.asdict() == llm.asdict()
    assert again.api_key.get_secret_value() == KEY


@pytest.mark.parametrize("used", [False, True])
@pytest.mark.parametrize("copy", [deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_work_before_and_after_use(sandbox_environment, copy, used):
    llm = ChatNanoGPT(model=MODEL, temperature=0.5, budget=Budget(1))
    if used:
        llm.invoke("hi")
    again = copy(llm)
    assert again.asdict() == llm.asdict()
    assert again.invoke("hi").text
    before = used and copy is deepcopy  # which shares the ledger; a pickle has no history
    assert again.ledger.totals.calls == 1 + before
    assert again.budget.calls == 1 + used


def test_a_deep_copy_shares_ledger_and_injected_clients():
    llm = hello().model(budget=Budget(1))
    again = deepcopy(llm)
    assert again.ledger is llm.ledger
    assert again.budget is llm.budget
    assert again.http_client is llm.http_client
    assert again.invoke("hi").text == "Hello"


def test_a_model_is_not_pickled_without_its_injected_client():
    with pytest.raises(ConfigurationError, match="http_client cannot be pickled"):
        pickle.dumps(hello().model())


def test_it_works_on_one_event_loop_after_another(llm):
    async def ask():
        return [await llm.ainvoke("hi"), [chunk async for chunk in llm.astream("hi")]]

    for _ in range(2):
        answer, chunks = asyncio.run(ask())
        assert answer.text
        assert chunks


def test_injected_clients_stay_open():
    llm = hello().model()
    llm.invoke("hi")
    llm.close()
    asyncio.run(llm.aclose())
    assert not llm.http_client.is_closed
    assert not llm.http_async_client.is_closed


def test_a_shared_client_brings_its_key_address_and_ledger(sandbox):
    with NanoGPTClient(sandbox.api_key, base_url=sandbox.base_url, ledger=Ledger()) as client:
        llm = ChatNanoGPT(model=MODEL, client=client)
        llm.invoke("hi")
        assert llm.ledger is client.ledger
        assert client.ledger.totals.calls == 1
        assert llm.base_url == sandbox.base_url
        llm.close()
        assert client.chat("hi", model=MODEL).text
        with pytest.raises(ConfigurationError, match="api_key differs from that of client="):
            ChatNanoGPT(model=MODEL, client=client, api_key="another")


def test_a_missing_key_says_which_variable_to_set():
    with pytest.raises(ConfigurationError, match="NANOGPT_API_KEY"):
        ChatNanoGPT(model=MODEL)


def test_configured_copies_record_in_the_same_ledger():
    wire = hello()
    llm = wire.model()
    chain = llm.configurable_fields(
        temperature=ConfigurableField(id="t"), model=ConfigurableField(id="m")
    )
    chain.invoke("hi", {"configurable": {"t": 0.3, "m": "zai-org/glm-5"}})
    assert wire.bodies[0]["temperature"] == 0.3
    assert wire.bodies[0]["model"] == "zai-org/glm-5"
    assert llm.ledger.totals.calls == 1


def test_a_copy_with_another_way_to_nanogpt_takes_it():
    llm = hello().model()
    other = llm.model_copy(update={"base_url": "https://example.org/api/v1"})
    assert other._client().config.chat_root == "https://example.org/api/v1"
    assert llm.model_copy(update={"temperature": 0.1})._client() is llm._client()


def test_a_cache_hit_asks_nobody():
    wire = hello()
    llm = wire.model(cache=InMemoryCache())
    first, second = llm.invoke("hi"), llm.invoke("hi")
    llm.invoke("hi", temperature=0.5)
    assert first.content == second.content
    assert len(wire.bodies) == 2


def test_tokens_are_counted_offline(monkeypatch):
    llm = hello().model()
    assert llm.get_num_tokens("12345") == 2
    few = llm.get_num_tokens_from_messages([HumanMessage("hi")])
    assert few < llm.get_num_tokens_from_messages([HumanMessage("hi")], tools=[Person])
    with pytest.raises(NotImplementedError, match="custom_get_token_ids"):
        llm.get_token_ids("hi")
    exact = hello().model(custom_get_token_ids=lambda text: list(map(ord, text)))
    assert exact.get_num_tokens("12345") == 5
    assert exact.get_token_ids("a") == [97]
    assert exact.get_num_tokens_from_messages([HumanMessage("hi")]) == len("Human: hi")


def test_what_the_sandbox_cites_is_cited(llm):
    answer = llm.invoke("What is Nano?", web_search=True)
    (text,) = answer.content_blocks
    for citation in text["annotations"]:
        assert citation["url"].startswith("https://")
        assert answer.text[citation["start_index"] : citation["end_index"]]


def test_reasoning_of_a_tool_loop_goes_back():
    wire = Wire({"reasoning": "hm"}, call("{}", id="c1", name="now"), finish="tool_calls")
    llm = wire.model()
    for answer in (llm.invoke("hi"), llm.stream_events("hi", version="v3").output):
        llm.invoke([HumanMessage("hi"), answer])
        assert wire.bodies[-1]["messages"][1]["reasoning_content"] == "hm"


def test_the_body_is_json_of_plain_types():
    wire = hello()
    wire.model().bind_tools([Person, PersonDict]).invoke("hi")
    assert json.loads(json.dumps(wire.bodies[0])) == wire.bodies[0]


def test_headers_of_the_constructor_are_sent():
    heard = []

    def handler(request):
        heard.append(request.headers)
        return hello()(request)

    client = httpx.Client(transport=httpx.MockTransport(handler))
    llm = ChatNanoGPT(model=MODEL, api_key=KEY, default_headers={"X-Team": "t"}, http_client=client)
    llm.invoke("hi", extra_headers={"X-Call": "c"})
    assert (heard[0]["x-team"], heard[0]["x-call"]) == ("t", "c")


async def test_long_chats_can_be_sent_compressed(sandbox_environment):
    heard = []

    class Listening(httpx.HTTPTransport):
        def handle_request(self, request):
            heard.append(request.headers)
            return super().handle_request(request)

    with httpx.Client(transport=Listening()) as client:
        llm = ChatNanoGPT(model=MODEL, compress_above=2_000, http_client=client)
        for text in ("What is Nano?", "What is Nano? " * 500):
            assert llm.invoke(text).text
            assert "".join(chunk.text for chunk in llm.stream(text))
    assert [h.get("content-encoding") for h in heard] == [None, None, "gzip", "gzip"]
    assert int(heard[2]["content-length"]) < 1_000
    with pytest.raises(ConfigurationError, match="http_async_client"):
        await llm.ainvoke("hi")  # a direct connection would go round the injected client


async def test_a_client_for_async_calls_alone_is_not_gone_round():
    async with httpx.AsyncClient(transport=httpx.MockTransport(hello())) as client:
        llm = ChatNanoGPT(model=MODEL, api_key=KEY, http_async_client=client)
        assert (await llm.ainvoke("hi")).text
        with pytest.raises(ConfigurationError, match="http_client"):
            llm.invoke("hi")


@pytest.mark.parametrize(
    "setting",
    [
        {"timeout": 1.0},
        {"max_retries": 0},
        {"max_connections": 3},
        {"requests_per_second": 5.0},
        {"rate_limit_wait": 5.0},
        {"stream_idle_timeout": 1.0},
        {"first_event_timeout": None},
        {"compress_above": 10},
        {"base_url": "https://other.example/api/v1"},
        {"api_key": "sk-other"},
        {"default_headers": {"x-team": "birds"}},
        {"http_client": object()},
        {"budget": Budget(1)},
        {"ledger": Ledger()},
    ],
    ids=lambda setting: next(iter(setting)),
)
def test_no_setting_beside_a_client_is_ignored(setting):
    with pytest.raises(ConfigurationError, match=next(iter(setting))):
        ChatNanoGPT(model=MODEL, client=NanoGPTClient(KEY), **setting)


def test_a_model_shows_the_settings_of_its_client_and_may_repeat_them():
    client = NanoGPTClient(KEY, timeout=9.0, max_retries=5, budget=Budget(1))
    llm = ChatNanoGPT(model=MODEL, client=client)
    assert (llm.timeout, llm.max_retries, llm.budget) == (9.0, 5, client.budget)
    again = ChatNanoGPT(**{name: getattr(llm, name) for name in type(llm).model_fields})
    assert again.client is client


def test_compressing_needs_a_number_of_bytes():
    with pytest.raises(ConfigurationError, match="compress_above"):
        hello().model(compress_above=-1)


EVERY_OPTION: dict[str, Any] = {
    "temperature": 0.3,
    "top_k": 3,
    "min_p": 0.1,
    "seed": 4,
    "logprobs": True,
    "top_logprobs": 2,
    "user": "u",
    "reasoning_effort": "low",
    "reasoning": {"exclude": True},
    "memory": 7,
    "model_context_limit": 20_000,
    "provider": {"order": ["a"]},
    "caching": True,
    "stickyprovider": True,
    "prompt_caching": {"enabled": True, "ttl": "1h"},
    "service_tier": "flex",
    "billing_mode": "paygo",
    "scraping": True,
    "youtube_transcripts": True,
    "extra_body": {"novelty": 1},
}


def test_nanogpts_own_options_are_sent_wherever_they_are_set():
    wire = hello()
    wire.model(**EVERY_OPTION).invoke("hi")
    wire.model().invoke("hi", **EVERY_OPTION)
    wire.model().bind(**EVERY_OPTION).invoke("hi")
    first, *others = wire.bodies
    assert all(body == first for body in others)
    as_they_are = EVERY_OPTION.keys() - {"memory", "extra_body"}
    assert {name: first[name] for name in as_they_are} == {w: EVERY_OPTION[w] for w in as_they_are}
    assert first["model"] == f"{MODEL}:memory-7"
    assert first["novelty"] == 1
    streamed = list(wire.model(**EVERY_OPTION).stream("hi"))
    assert streamed
    stream_only = {"stream", "stream_options", "include_usage"}
    assert {k: v for k, v in wire.bodies[-1].items() if k not in stream_only} == {
        k: v for k, v in first.items() if k not in stream_only
    }


async def test_fallbacks_and_rate_limits_of_langchain_apply(llm, sandbox_environment):
    failing = ChatNanoGPT(model="sandbox/fault/500", max_retries=0)
    limiter = InMemoryRateLimiter(requests_per_second=1000, check_every_n_seconds=0.001)
    limited = ChatNanoGPT(model=MODEL, rate_limiter=limiter)
    chain = failing.with_fallbacks([limited])
    assert chain.invoke("hi").text == (await chain.ainvoke("hi")).text
    assert "".join(chunk.text for chunk in chain.stream("hi"))
    assert failing.ledger.totals.calls == limited.ledger.totals.calls == 3


async def test_what_is_bound_to_a_model_with_fallbacks_is_bound_to_them_too(sandbox_environment):
    failing = ChatNanoGPT(model="sandbox/fault/500", max_retries=0)
    either = failing.with_fallbacks([ChatNanoGPT(model=MODEL)])
    asked = "Lisbon has 545000 people."
    for method in ("function_calling", "json_schema"):
        extracting = either.with_structured_output(Person, method=method)
        assert extracting.invoke(asked) == await extracting.ainvoke(asked)
        assert isinstance(extracting.invoke(asked), Person)
    assert either.bind_tools([Person]).invoke(asked).tool_calls[0]["name"] == "Person"

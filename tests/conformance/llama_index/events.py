"""What LlamaIndex's observers see of a call, and what it plans with."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from llama_index.core.callbacks import CallbackManager, CBEventType, TokenCountingHandler
from llama_index.core.callbacks.base_handler import BaseCallbackHandler
from llama_index.core.indices.prompt_helper import PromptHelper
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.event_handlers import BaseEventHandler

from tests.conformance.llama_index.answers import EACH_STREAM, HELLO
from tests.conformance.llama_index.base import WAYS, Hooks, ask
from tests.conformance.llama_index.wire import USAGE

EACH_WAY = pytest.mark.parametrize("way", WAYS)


class Recorder(BaseEventHandler):
    """Keeps all events."""

    events: list[Any] = []  # noqa: RUF012 - a pydantic field

    @classmethod
    def class_name(cls):
        return "Recorder"

    def handle(self, event, **_):
        self.events.append(event)

    def counts(self) -> Counter[str]:
        """How many of each kind there were, of those that LLMs cause."""
        names = (event.class_name() for event in self.events)
        return Counter(name for name in names if name.startswith("LLM"))


class Callbacks(BaseCallbackHandler):
    """Counts starts and ends of LLM calls."""

    def __init__(self):
        super().__init__([], [])
        self.started = self.ended = 0

    def on_event_start(self, event_type, *_args, event_id="", **_kwargs):
        self.started += event_type is CBEventType.LLM
        return event_id

    def on_event_end(self, event_type, *_args, **_kwargs):
        self.ended += event_type is CBEventType.LLM

    def start_trace(self, trace_id=None):
        pass

    def end_trace(self, trace_id=None, trace_map=None):
        pass


class Limiter:
    """Counts how often it is asked."""

    def __init__(self):
        self.times = 0

    def acquire(self):
        self.times += 1

    async def async_acquire(self):
        self.times += 1


class Events(Hooks):
    """Invariants of what is told about a call."""

    @pytest.fixture
    def recorder(self):
        handler, root = Recorder(events=[]), get_dispatcher()
        root.add_event_handler(handler)
        yield handler
        root.event_handlers.remove(handler)

    @EACH_WAY
    async def test_one_call_is_one_event(self, serve, recorder, way):
        """A call dispatches one start and one end event, whichever method made it."""
        llm, _ = serve(HELLO)
        await ask(llm, way)
        kind = "LLMChat" if "chat" in way else "LLMCompletion"
        counts = recorder.counts()
        counts.pop(f"{kind}InProgressEvent", None)
        assert counts == {f"{kind}StartEvent": 1, f"{kind}EndEvent": 1}

    @EACH_WAY
    async def test_one_call_is_one_callback(self, serve, way):
        """Handlers of the older callback manager see one start and one end per call."""
        llm, _ = serve(HELLO)
        callbacks = Callbacks()
        llm.callback_manager = CallbackManager([callbacks])
        await ask(llm, way)
        assert (callbacks.started, callbacks.ended) == (1, 1)

    @EACH_WAY
    async def test_one_call_asks_the_limiter_once(self, serve, way):
        """A call asks the rate limiter once."""
        llm, _ = serve(HELLO)
        llm.rate_limiter = limiter = Limiter()
        await ask(llm, way)
        assert limiter.times == 1

    @EACH_STREAM
    async def test_the_end_event_is_the_last_item(self, serve, recorder, way):
        """A stream dispatches an event per chunk, and its end event has the last one."""
        llm, _ = serve(HELLO)
        items = await ask(llm, way)
        assert recorder.counts()["LLMChatInProgressEvent"] == len(items)
        end = next(e for e in recorder.events if e.class_name() == "LLMChatEndEvent")
        assert end.response.message == items[-1].message

    @EACH_WAY
    async def test_tokens_are_counted_not_guessed(self, serve, way):
        """`TokenCountingHandler` counts what was billed, whichever method made the call."""
        llm, _ = serve(HELLO)
        counter = TokenCountingHandler()
        llm.callback_manager = CallbackManager([counter])
        await ask(llm, way)
        counted = counter.prompt_llm_token_count, counter.completion_llm_token_count
        assert counted == (USAGE["prompt_tokens"], USAGE["completion_tokens"])

    async def test_events_hold_no_key(self, serve, recorder):
        """The key is in no event."""
        llm, _ = serve(HELLO)
        for way in WAYS:
            await ask(llm, way)
        assert self.KEY not in repr([event.model_dump() for event in recorder.events])

    @pytest.mark.parametrize("dump", ["to_dict", "to_json", "to_payload", "__repr__", "__str__"])
    async def test_dumps_hold_no_key(self, serve, dump):
        """The key is in no serialised form: dict, JSON, payload, `repr`."""
        llm, _ = serve(HELLO)
        await ask(llm, "chat")
        assert self.KEY not in str(getattr(llm, dump)())

    async def test_metadata_is_known_for_any_model(self, serve):
        """An unknown model has metadata, too, without a request to the server."""
        llm, server = serve(HELLO, model="nobody/knows-this")
        assert llm.metadata.is_chat_model
        assert llm.metadata.model_name == "nobody/knows-this"
        assert server.connections == 0

    async def test_metadata_leaves_room_for_prompts(self, serve):
        """The context window in the metadata leaves room for a prompt and its context."""
        llm, _ = serve(HELLO)
        assert PromptHelper.from_llm_metadata(llm.metadata).context_window > 3000

    async def test_settings_go_through_json(self, serve):
        """An LLM made from another's JSON has the same settings."""
        llm, _ = serve(HELLO, temperature=0.25, max_tokens=9)
        again = type(llm).from_dict(json.loads(llm.to_json()))
        assert (again.temperature, again.max_tokens) == (0.25, 9)
        assert again.to_dict() == llm.to_dict()

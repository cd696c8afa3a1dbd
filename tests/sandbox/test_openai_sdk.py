"""The official `openai` SDK works against the sandbox's server with only address and key set.

Its plain calls run in `test_skill`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import openai
import pytest

from nanogpt_client.sandbox import Sandbox
from tests.sandbox.asking import HELLO, MODEL, QUESTION, WEATHER

ASKED = [{"role": "user", "content": QUESTION}]


@pytest.fixture(scope="module")
def client() -> Iterator[openai.OpenAI]:
    with Sandbox(rate=None) as box:
        with openai.OpenAI(base_url=box.base_url, api_key=box.api_key, max_retries=0) as found:
            yield found


def test_a_stream_is_the_whole_reply(client):
    whole = client.chat.completions.create(model=MODEL, messages=HELLO)
    options = {"stream": True, "stream_options": {"include_usage": True}}
    chunks = list(client.chat.completions.create(model=MODEL, messages=HELLO, **options))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == whole.choices[0].message.content
    assert chunks[-1].choices[0].finish_reason == whole.choices[0].finish_reason == "stop"
    assert chunks[-1].usage == whole.usage


def test_a_tool_is_called_and_its_result_used(client):
    with client.chat.completions.stream(model=MODEL, messages=ASKED, tools=[WEATHER]) as stream:
        said = stream.get_final_completion().choices[0].message
    (call,) = said.tool_calls
    assert json.loads(call.function.arguments) == {"city": "Lisbon"}
    result = {"role": "tool", "tool_call_id": call.id, "content": "19 degrees and sunny"}
    messages = [*ASKED, said.model_dump(exclude_none=True, exclude={"parsed"}), result]
    second = client.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER])
    assert "19 degrees" in second.choices[0].message.content


@pytest.mark.parametrize(("fault", "error"), [
    ("400", openai.BadRequestError), ("401", openai.AuthenticationError),
    ("403", openai.PermissionDeniedError), ("409", openai.ConflictError),
    ("429", openai.RateLimitError), ("500", openai.InternalServerError),
    ("402-legacy", openai.APIStatusError), ("cut-before", openai.APIConnectionError),
])  # fmt: skip
def test_errors_are_the_sdks_own(client, fault, error):
    with pytest.raises(error):
        client.chat.completions.create(model=f"sandbox/fault/{fault}", messages=HELLO)

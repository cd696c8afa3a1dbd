"""The answers that the promises are tried on, and the models that ask for them."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from langchain_nanogpt import ChatNanoGPT, NanoGPTEmbeddings
from llama_index_nanogpt import NanoGPT, NanoGPTEmbedding
from tests.support.driving import DONE, frame, sse
from tests.support.rawserver import EVENT_STREAM, LAST_CHUNK, End, Script, chunked, http_reply

CHAT_MODEL = "openai/gpt-5.2"
EMBEDDING_MODEL = "text-embedding-3-small"


def chat_answer(**top: Any) -> Script:
    """Return a whole answer that says "Hello"; ``top`` are more keys of its body."""
    message = {"role": "assistant", "content": "Hello"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return [http_reply(json.dumps({"choices": [choice], **top}).encode())]


def embedding_answer(**top: Any) -> Script:
    """Return the vector of one text."""
    data = [{"index": 0, "embedding": [0.5, 0.25]}]
    return [http_reply(json.dumps({"data": data, **top}).encode())]


STREAM: Script = [EVENT_STREAM, chunked(sse(frame("Hello", finish="stop"), DONE)), LAST_CHUNK]
# Some text, and then nothing until the client goes away.
UNENDING: Script = [EVENT_STREAM, chunked(sse(frame("Hel"), frame("lo"))), End.HOLD]


# Without frames of their own, whose local variables a report of a failure would show.
langchain_chat = partial(ChatNanoGPT, model=CHAT_MODEL)
langchain_embeddings = partial(NanoGPTEmbeddings, model=EMBEDDING_MODEL)
llama_chat = partial(NanoGPT, model=CHAT_MODEL)
llama_embedding = partial(NanoGPTEmbedding, model_name=EMBEDDING_MODEL)

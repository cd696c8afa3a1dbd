"""A real model behind the sandbox: a server with OpenAI's chat protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nanogpt_client._transport.http import httpx
from nanogpt_client.sandbox.answers.turn import ChatRequest, Citation, ToolCall, Turn, text_of
from nanogpt_client.sandbox.http import Refusal, sandbox_error

_SENT = (
    "messages", "tools", "tool_choice", "parallel_tool_calls", "response_format", "temperature",
    "top_p", "top_k", "min_p", "max_tokens", "max_completion_tokens", "stop", "seed",
    "frequency_penalty", "presence_penalty", "repetition_penalty", "logit_bias",
    "reasoning_effort", "reasoning",
)  # fmt: skip
_LONGEST = 500


class Upstream:
    """Let another server answer the sandbox's chats; envelope, prices and faults stay here.

    Ollama, llama.cpp and vLLM serve this protocol, and so does NanoGPT itself. Messages, tools,
    the response format and sampling options are sent, nothing else: neither NanoGPT's own options
    nor any header of the request, so that the NanoGPT key stays here.

    A failure of the server is answered with 424 (`sandbox_upstream_error`), which clients do not
    retry; its message says whose it is.
    """

    def __init__(
        self,
        base_url: str,
        *,
        model: str | Mapping[str, str] | None = None,
        api_key: str | None = None,
        timeout: float = 600.0,
    ) -> None:
        """Name the server.

        Args:
            base_url: The address before `/chat/completions`, such as `http://localhost:11434/v1`.
            model: The server's model for every request, or a mapping from the names that clients
                send; a name that is not in it, and every name without `model`, is sent as it is.
            api_key: The server's own key, if it wants one.
            timeout: Seconds to wait for connecting, and for the answer.
        """
        self._url = httpx.URL(base_url.rstrip("/") + "/chat/completions")
        self._model = model
        self._api_key = api_key
        self._timeout = timeout

    def __repr__(self) -> str:
        """Return the address, without the key."""
        return f"Upstream({self._address!r})"

    def __call__(self, request: ChatRequest) -> Turn:
        """Return the server's turn. Raises `Refusal` (424)."""
        headers = {"authorization": f"Bearer {self._api_key}"} if self._api_key else {}
        try:
            with httpx.Client(timeout=self._timeout, headers=headers) as client:
                response = client.post(self._url, json=self._body(request))
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise self._failure(f"did not answer: {type(error).__name__} {error}") from error
        if response.status_code != httpx.codes.OK:
            raise self._failure(f"answered {response.status_code}: {response.text}")
        try:
            return _turn(response.json()["choices"][0])
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise self._failure(f"answered with no chat completion: {response.text}") from error

    @property
    def _address(self) -> str:
        return f"{self._url.scheme}://{self._url.netloc.decode()}{self._url.path}"

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        name = request.model
        chosen = self._model.get(name, name) if isinstance(self._model, Mapping) else self._model
        sent = {key: request.body[key] for key in _SENT if request.body.get(key) is not None}
        if request.index and "seed" in sent:
            sent["seed"] += request.index  # or all choices would be the same
        return {"model": chosen or name, **sent}

    def _failure(self, what: str) -> Refusal:
        if self._api_key:
            what = what.replace(self._api_key, "***")
        message = f"The sandbox's upstream {self._address} {what[:_LONGEST]}"
        return sandbox_error(message, "sandbox_upstream_error")


def _turn(choice: Mapping[str, Any]) -> Turn:
    message = choice["message"]
    functions = [call["function"] for call in message.get("tool_calls") or ()]
    notes = [note.get("url_citation") for note in message.get("annotations") or ()]
    return Turn(
        text=text_of(message),
        reasoning=message.get("reasoning") or message.get("reasoning_content") or "",
        tool_calls=tuple(ToolCall(each["name"], each["arguments"]) for each in functions),
        citations=tuple(map(_citation, filter(None, notes))),
        refusal=message.get("refusal") or "",
        finish_reason=choice.get("finish_reason"),
    )


def _citation(found: Mapping[str, Any]) -> Citation:
    start, end = found.get("start_index") or 0, found.get("end_index") or 0
    return Citation(found["url"], found.get("title") or "", start, end, found.get("content") or "")

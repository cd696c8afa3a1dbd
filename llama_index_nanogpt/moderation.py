"""`NanoGPTModerator`: checks the input of a NanoGPT LLM before the LLM is paid for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llama_index.core.base.llms.types import ChatMessage

from llama_index_nanogpt._errors import map_errors
from llama_index_nanogpt._to_wire import messages_to_wire
from llama_index_nanogpt.callbacks import report_call, report_failures
from nanogpt_client import Moderation
from nanogpt_client._adapters.moderation import ModerationSettings, refusal
from nanogpt_client._adapters.settings import ClientSettings

__all__ = ["NanoGPTModerator"]


class NanoGPTModerator(ModerationSettings, ClientSettings):
    """Checks input with a moderation model, for one LLM or several.

    >>> llm = NanoGPT(model="openai/gpt-5.2", moderator=NanoGPTModerator())

    Whatever uses the LLM (an agent, a query engine, a chat engine), each user message is checked
    once, before it is sent to the LLM; with ``check_tool_results`` also what tools returned. Input
    that is flagged is not sent. NanoGPT's own check within a chat (``NanoGPT(moderation=True)``) is
    one request less, but sends and checks the whole conversation each time.
    Follows https://docs.nano-gpt.com/api-reference/endpoint/moderations

    Raises:
        ContentPolicyError: of `nanogpt_client`, for flagged input; its ``moderation`` is the
            verdict.
        NanoGPTError: the check failed; the LLM is not asked.
    """

    def check(self, messages: Sequence[ChatMessage]) -> None:
        """Check the messages that no model has answered yet; raise if they are flagged."""
        self.check_wire(messages_to_wire(messages))

    async def acheck(self, messages: Sequence[ChatMessage]) -> None:
        """Check the messages that no model has answered yet; raise if they are flagged."""
        await self.acheck_wire(messages_to_wire(messages))

    def check_wire(self, conversation: Sequence[dict[str, Any]]) -> None:
        """Check a conversation in NanoGPT's form, as `check` does."""
        if given := self._input_of(conversation):
            with map_errors(), report_failures("moderation", self.model):
                found = self._client().moderate(given, model=self.model)
            _refuse_flagged(found)

    async def acheck_wire(self, conversation: Sequence[dict[str, Any]]) -> None:
        """Check a conversation in NanoGPT's form, as `acheck` does."""
        if given := self._input_of(conversation):
            with map_errors(), report_failures("moderation", self.model):
                found = await self._async_client().moderate(given, model=self.model)
            _refuse_flagged(found)


def _refuse_flagged(found: Moderation) -> None:
    billing, tokens = found.billing, None if found.usage is None else found.usage.prompt_tokens
    report_call(
        "moderation", found.model, billing.cost, request_id=billing.request_id, tokens=tokens
    )
    if found.flagged:
        raise refusal(found)

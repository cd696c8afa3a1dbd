"""`NanoGPTMemoryBlock`: what LlamaIndex's memory lets go of, compressed by NanoGPT."""

from __future__ import annotations

from typing import Any

from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.memory import BaseMemoryBlock
from pydantic import Field

from llama_index_nanogpt._errors import map_errors
from llama_index_nanogpt._to_wire import messages_to_wire
from llama_index_nanogpt.callbacks import report_call, report_failures
from nanogpt_client import CompressedMemory
from nanogpt_client._adapters.settings import ClientSettings
from nanogpt_client.types.options import ContextLimit, MemoryDays

__all__ = ["NanoGPTMemoryBlock"]

_CHARACTERS_PER_TOKEN = 4


class NanoGPTMemoryBlock(ClientSettings, BaseMemoryBlock[str]):
    """A block for LlamaIndex's ``Memory``: a conversation that grew too long, as one text.

    >>> memory = Memory.from_defaults(
    ...     token_limit=40_000, token_flush_size=10_000, memory_blocks=[NanoGPTMemoryBlock()]
    ... )
    >>> await agent.run("…", memory=memory)

    Whenever ``Memory`` flushes its oldest messages, NanoGPT compresses them together with what
    is in the block already. That is a paid call (about 5 USD per million tokens, page memory), so
    flush many at a time: ``token_flush_size``. If it fails, the messages stay in the block as
    they are, and are compressed with the next ones.
    Follows https://docs.nano-gpt.com/api-reference/endpoint/memory

    Raises:
        NanoGPTError: from the memory that it is a block of; see `nanogpt_client.errors`.
    """

    name: str = "context_memory"
    """The name of the block in the prompt."""
    memory: str = ""
    """The compressed conversation so far; store it to go on with it later."""
    expiration_days: MemoryDays | None = None
    """Days for which NanoGPT keeps what it compressed; 1 to 365, by default 30."""
    model_context_limit: ContextLimit | None = None
    """Tokens of the context to compress for; by default 128,000, at least 10,000."""
    waiting: list[ChatMessage] = Field(default_factory=list)
    """Messages that are not compressed yet, because it failed."""

    async def _aget(
        self,
        messages: list[ChatMessage] | None = None,  # noqa: ARG002 - as LlamaIndex calls it
        **block_kwargs: Any,  # noqa: ARG002
    ) -> str:
        said = (f"{message.role.value}: {message.content or ''}" for message in self.waiting)
        return "\n\n".join(filter(None, [self.memory, *said]))

    async def _aput(self, messages: list[ChatMessage]) -> None:
        self.waiting = [*self.waiting, *messages]
        sent = list(self.waiting)
        before = [ChatMessage(self.memory, role=MessageRole.SYSTEM)] if self.memory else []
        with map_errors(), report_failures("memory", None):
            found = await self._async_client().compress_memory(
                messages_to_wire([*before, *sent]),
                expiration_days=self.expiration_days,
                model_context_limit=self.model_context_limit,
            )
        self.memory, self.waiting = found.text, self.waiting[len(sent) :]
        _report(found)

    async def atruncate(self, content: str, tokens_to_truncate: int) -> str | None:
        """Cut the oldest part of the text; ``None`` if nothing of it remains."""
        return content[tokens_to_truncate * _CHARACTERS_PER_TOKEN :] or None


def _report(found: CompressedMemory) -> None:
    billing, tokens = found.billing, None if found.usage is None else found.usage.prompt_tokens
    report_call("memory", None, billing.cost, request_id=billing.request_id, tokens=tokens)

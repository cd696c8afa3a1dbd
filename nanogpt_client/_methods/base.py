"""What the methods need of a client: sending a call, and running a flow."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TypeVar

from nanogpt_client._protocol.call import Call
from nanogpt_client._protocol.steps import Flow
from nanogpt_client.types._docs import describes_options

T = TypeVar("T")


class _Documented:
    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        describes_options(cls)


class Methods(_Documented, ABC):
    """Base of the methods for blocking code."""

    @abstractmethod
    def send(self, call: Call[T]) -> T:
        """Perform one call."""

    @abstractmethod
    def run(self, flow: Flow[T]) -> T:
        """Perform a flow."""


class AsyncMethods(_Documented, ABC):
    """Base of the methods for asyncio."""

    @abstractmethod
    async def send(self, call: Call[T]) -> T:
        """Perform one call."""

    @abstractmethod
    async def run(self, flow: Flow[T]) -> T:
        """Perform a flow."""

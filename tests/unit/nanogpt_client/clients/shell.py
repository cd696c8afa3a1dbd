"""Either client behind one blocking face, so that each test of a shell is written once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from nanogpt_client import AsyncNanoGPTClient, NanoGPTClient

KEY = "sk-nano-0123abcd-4567-89ab-cdef-0123456789ab"


class SyncShell:
    """Uses `NanoGPTClient`."""

    name = "sync"

    def use(
        self, settings: dict[str, Any], act: str, *args: Any, **options: Any
    ) -> tuple[Any, Any]:
        """Make a client, do one thing with it, close it; return the result, lists of streams."""
        with NanoGPTClient(KEY, **settings) as client:
            result = getattr(client, act)(*args, **options)
            return (list(result) if act.startswith("stream") else result), client

    def stream(
        self, settings: dict[str, Any], on_item: Callable[[Any], bool], *args: Any, **options: Any
    ) -> Any:
        """Stream a chat until ``on_item`` returns true; return the client."""
        with (
            NanoGPTClient(KEY, **settings) as client,
            client.stream_chat(*args, **options) as stream,
        ):
            for item in stream:
                if on_item(item):
                    break
        return client

    def final(
        self, settings: dict[str, Any], act: str, taken: int = 0, *, closed: bool = False
    ) -> Any:
        """Take some items of a stream, perhaps close it; return its snapshots, and the whole."""
        with NanoGPTClient(KEY, **settings) as client:
            stream = getattr(client, act)("hi", model="m")
            snapshots = [stream.snapshot]
            for _ in range(taken):
                next(stream)
                snapshots.append(stream.snapshot)
            if closed:
                stream.close()
            return snapshots, stream.get_final()

    def streams(self, settings: dict[str, Any], count: int) -> Any:
        """Stream that many chats to their ends, one after the other; return the client."""
        with NanoGPTClient(KEY, **settings) as client:
            for _ in range(count):
                list(client.stream_chat("hi", model="m"))
        return client


class AsyncShell:
    """Uses `AsyncNanoGPTClient`, on an event loop of its own each time."""

    name = "async"

    def use(
        self, settings: dict[str, Any], act: str, *args: Any, **options: Any
    ) -> tuple[Any, Any]:
        async def main() -> tuple[Any, Any]:
            async with AsyncNanoGPTClient(KEY, **settings) as client:
                result = getattr(client, act)(*args, **options)
                if act.startswith("stream"):
                    return [item async for item in result], client
                return await result, client

        return asyncio.run(main())

    def stream(
        self, settings: dict[str, Any], on_item: Callable[[Any], bool], *args: Any, **options: Any
    ) -> Any:
        async def main() -> Any:
            async with (
                AsyncNanoGPTClient(KEY, **settings) as client,
                client.stream_chat(*args, **options) as stream,
            ):
                async for item in stream:
                    if on_item(item):
                        break
            return client

        return asyncio.run(main())

    def final(
        self, settings: dict[str, Any], act: str, taken: int = 0, *, closed: bool = False
    ) -> Any:
        async def main() -> Any:
            async with AsyncNanoGPTClient(KEY, **settings) as client:
                stream = getattr(client, act)("hi", model="m")
                snapshots = [stream.snapshot]
                for _ in range(taken):
                    await anext(stream)
                    snapshots.append(stream.snapshot)
                if closed:
                    await stream.aclose()
                return snapshots, await stream.get_final()

        return asyncio.run(main())

    def streams(self, settings: dict[str, Any], count: int) -> Any:
        async def main() -> Any:
            async with AsyncNanoGPTClient(KEY, **settings) as client:
                for _ in range(count):
                    [item async for item in client.stream_chat("hi", model="m")]
            return client

        return asyncio.run(main())


Shell = SyncShell | AsyncShell
BOTH = [SyncShell(), AsyncShell()]

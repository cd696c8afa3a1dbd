"""What Ray's workers run: our job, LangChain's OpenAI class in its place, and jobs that die."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from nanogpt_client.jobs import EmbedTexts

__all__ = ["Dying", "OpenAIJob", "OurJob"]

FATAL = 2  # the request during which a worker dies


def _measured(batch: dict[str, Any], rows: int) -> dict[str, Any]:
    """Add which process made a batch, and the most memory that it had, in MB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {
        "vector": batch["vector"],
        "pid": np.full(rows, os.getpid()),
        "mb": np.full(rows, most),
    }


class OurJob(EmbedTexts):
    """`EmbedTexts`, measured."""

    def __call__(self, batch: Any) -> Any:
        """Embed a batch."""
        return _measured(super().__call__(batch), len(batch["text"]))


class OpenAIJob:
    """LangChain's `OpenAIEmbeddings` as one would write it for Ray, measured."""

    def __init__(self, **settings: Any) -> None:
        from langchain_openai import OpenAIEmbeddings  # noqa: PLC0415, TID251 - a peer

        self._model = OpenAIEmbeddings(check_embedding_ctx_length=False, **settings)

    def __call__(self, batch: Any) -> Any:
        """Embed a batch."""
        vectors = self._model.embed_documents(list(batch["text"]))
        return _measured({"vector": np.array(vectors, np.float32)}, len(batch["text"]))


class Dying(EmbedTexts):
    """`EmbedTexts` in a worker that is killed once, at one of several moments.

    Args:
        death: ``"before sending"``, ``"in flight"`` (the server kills it, which reads the worker's
            process id in a header), ``"before the answer is stored"``, ``"after the answer"`` or
            ``"after storing"``.
        flag: a file that exists once a worker was killed.
        settings: those of `EmbedTexts`.
    """

    HOOKS: ClassVar = {
        "before sending": "on_request",
        "before the answer is stored": "on_response",
        "after the answer": "on_progress",
    }

    def __init__(self, death: str, flag: str, **settings: Any) -> None:
        self._death, self._flag, self._calls = death, Path(flag), 0
        if death in self.HOOKS:
            settings[self.HOOKS[death]] = self._maybe_die
        super().__init__(default_headers={"x-worker": str(os.getpid())}, **settings)

    def __call__(self, batch: Any) -> Any:
        """Embed a batch, or die."""
        result = super().__call__(batch)
        if self._death == "after storing":
            self._maybe_die()
        return result

    def _maybe_die(self, _: Any = None) -> None:
        self._calls += 1
        if self._calls == FATAL and not self._flag.exists():
            self._flag.touch()
            os.kill(os.getpid(), signal.SIGKILL)

"""`NanoGPTEmbeddings`: texts to vectors, in as few requests as NanoGPT allows.

Texts are sent unchanged, in batches limited by number and by bytes, a few at the same time. The
vectors are one float32 array, which LangChain's own methods convert to lists.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any

from langchain_core.embeddings import Embeddings
from pydantic import AfterValidator, Field

from langchain_nanogpt._base import LangChainSettings
from langchain_nanogpt._errors import map_errors
from nanogpt_client.jobs import OnUnknown, PaidStore
from nanogpt_client.jobs.embed import embed_once

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["NanoGPTEmbeddings"]

_MANY = 10_000


class NanoGPTEmbeddings(LangChainSettings, Embeddings):
    """An embedding model of NanoGPT, e.g. ``NanoGPTEmbeddings(model="text-embedding-3-small")``.

    Follows https://docs.nano-gpt.com/api-reference/endpoint/embeddings

    Setup:
        Install ``nanogpt-integrations[langchain]``, and set the variable ``NANOGPT_API_KEY``.

    Key arguments:
        ``model``, ``dimensions`` (length of the vectors), ``max_concurrency`` (requests at the same
        time); ``budget`` and ``ledger``, or a ``client`` to share with other classes.

    Instantiate:
        >>> from langchain_nanogpt import NanoGPTEmbeddings
        >>> embeddings = NanoGPTEmbeddings(model="text-embedding-3-small", dimensions=256)

    Embed:
        >>> vector = embeddings.embed_query("What is Nano?")  # list[float] of length 256
        >>> vectors = embeddings.embed_documents(["Nano has no fees.", "Parrots can talk."])
        >>> array = embeddings.embed_documents_array(["Nano has no fees."])  # float32 (1, 256)

        ``aembed_query``, ``aembed_documents`` and ``aembed_documents_array`` work likewise.

    Usage:
        >>> embeddings.ledger.totals.prompt_tokens

    Cost:
        >>> embeddings.ledger.spent  # USD of all requests, exact

    Raises:
        ModelError: of `langchain_core.exceptions`, from every call; the same exception is also a
            `nanogpt_client.NanoGPTError`.
    """

    model: str
    """The model's id."""
    dimensions: Annotated[int, Field(ge=1)] | None = None
    """Length of the vectors, for models that can shorten them."""
    chunk_size: Annotated[int, Field(ge=1, le=2048)] = 2048
    """Texts per request, at most."""
    max_request_bytes: Annotated[int, Field(ge=1)] = 800_000
    """UTF-8 bytes of text per request, at most, unless a single text is longer.

    Providers limit the tokens of a request (OpenAI: 300,000); this is below, in any language.
    """
    max_concurrency: Annotated[int, Field(ge=1)] = 4
    """Requests at the same time, at most."""
    show_progress_bar: bool | None = None
    """Show a progress bar (needs tqdm); by default for 10,000 texts or more, on terminals only."""
    user: str | None = None
    """An identifier of your end user."""
    extra_body: dict[str, Any] | None = None
    """Keys added to the JSON body as they are; they override all others."""
    store: Annotated[PaidStore | str | None, AfterValidator(PaidStore.of)] = Field(
        default=None, exclude=True, repr=False
    )
    """A `PaidStore` or its URL: vectors are stored as they come, and each text is paid once."""
    on_unknown: OnUnknown = Field(default="resend", exclude=True, repr=False)
    """With ``store``: what to do with texts that a worker asked for that is gone."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return the vectors of texts, in their order."""
        return _as_lists(self.embed_documents_array(texts))

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of one text."""
        with map_errors():
            client = self._client()
            if self.store is not None:
                return _as_lists(client.run(self._once([text], **self._options)))[0]
            return _as_lists(client.embed([text], **self._options).vectors)[0]

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return the vectors of texts, in their order."""
        return _as_lists(await self.aembed_documents_array(texts))

    async def aembed_query(self, text: str) -> list[float]:
        """Return the vector of one text."""
        with map_errors():
            client = self._async_client()
            if self.store is not None:
                return _as_lists(await client.run(self._once([text], **self._options)))[0]
            found = await client.embed([text], **self._options)
        return _as_lists(found.vectors)[0]

    def embed_documents_array(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of texts as float32 of shape (n, dim).

        Raises:
            ModelError: a batch failed. No further batch was sent. Those that had arrived or were in
                flight are paid: they are in the error's ``partial``, a
                `nanogpt_client.PartialEmbeddings`.
        """
        options = self._batch_options(texts)
        with map_errors():
            if self.store is not None:
                return self._client().run(self._once(texts, **options))
            return self._client().embed_all(texts, **options)

    async def aembed_documents_array(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of texts as float32 of shape (n, dim).

        Raises:
            ModelError: as `embed_documents_array`.
        """
        options = self._batch_options(texts)
        with map_errors():
            if self.store is not None:
                return await self._async_client().run(self._once(texts, **options))
            return await self._async_client().embed_all(texts, **options)

    def _once(
        self, texts: Sequence[str], **options: Any
    ) -> Generator[Any, Any, NDArray[np.float32]]:
        """Embed what is not in the store."""
        return embed_once(
            texts,
            store=self.store,
            service=self._shared_client().config.service,
            on_unknown=self.on_unknown,
            **options,
        )

    @property
    def _options(self) -> dict[str, Any]:
        names = ("model", "dimensions", "user", "extra_body")
        return {name: getattr(self, name) for name in names}

    def _batch_options(self, texts: Sequence[str]) -> dict[str, Any]:
        progress = self.show_progress_bar
        if progress is None:  # by default: on terminals, if tqdm is installed
            progress = len(texts) >= _MANY and sys.stderr.isatty() and find_spec("tqdm") is not None
        limits = {"batch_size": self.chunk_size, "max_batch_bytes": self.max_request_bytes}
        more = {"max_concurrency": self.max_concurrency, "progress": progress}
        return self._options | limits | more


def _as_lists(vectors: NDArray[np.float32]) -> list[list[float]]:
    lists: list[list[float]] = vectors.tolist()
    return lists

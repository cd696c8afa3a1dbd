"""`register`: NanoGPT among the classes that LlamaIndex loads from their descriptions."""

from __future__ import annotations

from llama_index.core.embeddings.loading import RECOGNIZED_EMBEDDINGS
from llama_index.core.llms.loading import RECOGNIZED_LLMS

from llama_index_nanogpt.embeddings import NanoGPTEmbedding
from llama_index_nanogpt.llms import NanoGPT

__all__ = ["register"]


def register() -> None:
    """Let LlamaIndex's ``load_llm`` and ``load_embed_model`` load NanoGPT; may be called again.

    >>> llama_index_nanogpt.register()
    >>> llm = load_llm(NanoGPT(model="openai/gpt-5.2").to_dict())

    The key is not part of such a description; it comes from ``NANOGPT_API_KEY``. ``Settings.llm``
    and ``resolve_llm`` take an instance; of strings they understand only LlamaIndex's own.
    """
    RECOGNIZED_LLMS[NanoGPT.class_name()] = NanoGPT
    RECOGNIZED_EMBEDDINGS[NanoGPTEmbedding.class_name()] = NanoGPTEmbedding

"""The client's settings as LangChain expects them: resolved when made, the key a secret."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, SecretStr

from nanogpt_client._adapters.settings import ClientSettings
from nanogpt_client.config import environment_key, hidden

__all__ = ["LangChainSettings"]


def _left_out(_: object) -> None:
    """Replace the key in dumps: LangGraph's checkpoints would store it in clear."""


class LangChainSettings(ClientSettings):
    """`ClientSettings` with the key and the address in use, e.g. for traces and pickles."""

    # Not excluded: LangChain's serialisation writes the name of the variable instead.
    api_key: Annotated[
        SecretStr | str | None, BeforeValidator(hidden), PlainSerializer(_left_out)
    ] = Field(default=None)
    """NanoGPT's key; by default the variable ``NANOGPT_API_KEY``. Neither dumps nor
    checkpoints contain it, pickles only with ``pickle_api_key``."""

    def _check_settings(self) -> None:
        config = self._shared_client().config
        self.api_key, self.base_url = config.api_key, config.chat_root

    def __setstate__(self, state: dict[Any, Any]) -> None:
        """Set the state of a pickle; use this process's key if it has none."""
        super().__setstate__(state)
        self.__dict__["api_key"] = self.api_key or environment_key()

"""The client's constructor words as LangChain wants them: checked at once, the key a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, SecretStr

from nanogpt_client._adapters.settings import ClientSettings, hide_key
from nanogpt_client.config import environment_key, hidden

__all__ = ["CheckedClientFields"]


def _left_out(_: object) -> None:
    """Stand for the key in dumps: LangGraph's checkpoints would write it down in clear."""


class CheckedClientFields(ClientSettings):
    """`ClientSettings` that fail when they are made, not at the first call."""

    # Not excluded: LangChain's own serialisation writes the name of its variable in its place.
    api_key: Annotated[
        SecretStr | str | None, BeforeValidator(hidden), PlainSerializer(_left_out)
    ] = Field(default=None)
    """NanoGPT's key; by default the variable ``NANOGPT_API_KEY``. Neither dumps nor checkpoints
    hold it, pickles only with ``pickle_api_key``."""

    if not TYPE_CHECKING:  # checkers read the words from the fields

        def __init__(self, *args: Any, **words: Any) -> None:
            """Check the words; nothing is sent.

            Raises:
                ConfigurationError: no key is to be found, or a setting makes no sense.
                ValidationError: a word is unknown or its value out of bounds.
            """
            hide_key(words)
            super().__init__(*args, **words)
            config = self._shared_client().config
            self.api_key, self.base_url = config.api_key, config.chat_root

    def __getstate__(self) -> dict[Any, Any]:
        """Return what another process needs; connections stay here."""
        state = super().__getstate__()
        unsendable = {"http_client": None, "http_async_client": None}
        return state | {"__dict__": state["__dict__"] | unsendable}

    def __setstate__(self, state: dict[Any, Any]) -> None:
        """Take the state of a pickle, and the key of this process if it brings none."""
        super().__setstate__(state)
        self.__dict__["api_key"] = self.api_key or environment_key()

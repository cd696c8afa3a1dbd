"""The client's settings as LangChain expects them: checked when made, the key a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, SecretStr

from nanogpt_client._adapters.settings import ClientSettings, hide_key
from nanogpt_client.config import environment_key, hidden

__all__ = ["LangChainSettings"]


def _left_out(_: object) -> None:
    """Replace the key in dumps: LangGraph's checkpoints would store it in clear."""


class LangChainSettings(ClientSettings):
    """`ClientSettings` that are checked when they are made, not at the first call."""

    # Not excluded: LangChain's serialisation writes the name of the variable instead.
    api_key: Annotated[
        SecretStr | str | None, BeforeValidator(hidden), PlainSerializer(_left_out)
    ] = Field(default=None)
    """NanoGPT's key; by default the variable ``NANOGPT_API_KEY``. Neither dumps nor
    checkpoints contain it, pickles only with ``pickle_api_key``."""

    if not TYPE_CHECKING:  # type checkers read the arguments from the fields

        def __init__(self, *args: Any, **settings: Any) -> None:
            """Check the settings; nothing is sent.

            Raises:
                ConfigurationError: no key was found, or a setting is invalid.
                ValidationError: a setting is unknown or its value out of range.
            """
            hide_key(settings)
            super().__init__(*args, **settings)
            config = self._shared_client().config
            self.api_key, self.base_url = config.api_key, config.chat_root

    def __getstate__(self) -> dict[Any, Any]:
        """Return the state for another process, without connections."""
        state = super().__getstate__()
        not_picklable = {"http_client": None, "http_async_client": None}
        return state | {"__dict__": state["__dict__"] | not_picklable}

    def __setstate__(self, state: dict[Any, Any]) -> None:
        """Set the state of a pickle; use this process's key if it has none."""
        super().__setstate__(state)
        self.__dict__["api_key"] = self.api_key or environment_key()

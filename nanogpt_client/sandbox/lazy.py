"""Say which extra is missing when one of the sandbox's own requirements is not installed."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needs(what: str) -> Iterator[None]:
    """Turn a failing import inside the block into advice on what to install."""
    try:
        yield
    except ImportError as error:
        message = f'this needs {what}: pip install "nanogpt-integrations[sandbox]"'
        raise ImportError(message) from error

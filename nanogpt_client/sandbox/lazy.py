"""Say which extra is missing when one of the sandbox's own requirements is not installed."""

from collections.abc import Iterator
from contextlib import contextmanager

from nanogpt_client.extras import install_command


@contextmanager
def needs(what: str) -> Iterator[None]:
    """Turn a failing import inside the block into advice on what to install."""
    try:
        yield
    except ImportError as error:
        raise ImportError(f"this needs {what}: {install_command('sandbox')}") from error

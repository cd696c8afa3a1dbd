"""Downloads connect to the address that was checked, and to no other.

A second look-up of a name may return another address, so a request goes to the very address that
was found to be public; the name stays in the ``Host`` header and in TLS. A proxy, also one that the
caller's HTTP client may use, resolves names itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.request import getproxies

from nanogpt_client._protocol.addresses import in_order, web_address
from nanogpt_client._protocol.call import Request
from nanogpt_client._protocol.steps import Addresses
from nanogpt_client.config import Config

__all__ = ["found", "pinned", "place_of", "resolved_elsewhere"]

_DIRECT = frozenset({"ConnectionPool", "AsyncConnectionPool"})


def place_of(config: Config, url: str) -> Addresses | tuple[str, int]:
    """Return the addresses of a media URL if no look-up is needed, else the host and port."""
    absolute = config.absolute(url)
    if config.allow_private_downloads or config.is_own(absolute):
        return Addresses(trusted=True, own=config.is_own(absolute))
    parts = web_address(absolute)
    if parts is None or parts.hostname is None:
        return Addresses(trusted=False)
    return parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def found(entries: Sequence[Any], injected: Any) -> Addresses:
    """Return the addresses that a look-up found."""
    addresses = in_order(str(entry[4][0]) for entry in entries)
    return Addresses(trusted=False, addresses=addresses, elsewhere=resolved_elsewhere(injected))


def resolved_elsewhere(injected: Any) -> bool:
    """Whether a proxy resolves names, or a client of the caller's that may use one."""
    if injected is None:
        return not getproxies().keys().isdisjoint({"http", "https", "all"})
    pool = getattr(getattr(injected, "_transport", None), "_pool", None)
    return bool(getattr(injected, "_mounts", True)) or type(pool).__name__ not in _DIRECT


def pinned(url: Any, request: Request) -> tuple[Any, dict[str, Any]]:
    """Return the URL of a checked address, and the headers and extensions that it needs."""
    if not request.addresses:
        return url, {}
    # The connection was checked for one name, so it must not be reused. (HTTP/2 has no such header,
    # and the library omits it there.)
    headers = {"Host": url.netloc.decode("ascii"), "Connection": "close"}
    name = url.raw_host.decode("ascii").rstrip(".")
    extensions = {"sni_hostname": name} if url.scheme == "https" else {}
    address = request.addresses[0]
    return url.copy_with(host=address), {"headers": headers, "extensions": extensions}

"""Which network addresses downloads may connect to: pure rules, no look-ups.

An IPv6 address may embed an IPv4 address that a gateway extracts, so both are checked. A host may
be written in any form that resolvers accept as an IPv4 address (``127.1``, ``0x7f000001``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import zip_longest
from urllib.parse import SplitResult, urlsplit

__all__ = ["host_of", "in_order", "is_named", "is_public", "private_host", "web_address"]

MAX_ADDRESSES = 4  # tried per host

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_TEREDO = IPv6Network("2001::/32")
# IPv6 networks whose addresses embed an IPv4 address, and the number of bits to its right.
_EMBEDDING = (
    (IPv6Network("::ffff:0:0/96"), 0),  # IPv4-mapped
    (IPv6Network("::ffff:0:0:0/96"), 0),  # IPv4-translated
    (IPv6Network("::/96"), 0),  # IPv4-compatible
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64
    (IPv6Network("2002::/16"), 80),  # 6to4
)
# Special-purpose networks, whatever this version of `ipaddress` says of them.
_SPECIAL = tuple(map(ip_network, ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20")))

# Names and suffixes for private networks.
_PRIVATE_NAMES = (
    "localhost", "local", "localdomain", "internal", "intranet", "lan", "home", "corp", "private",
    "home.arpa",
)  # fmt: skip
_NUMBER = re.compile(r"0[xX](?P<hex>[0-9a-fA-F]*)|(?P<octal>0[0-7]*)|(?P<decimal>[1-9][0-9]*)")


def is_public(address: str) -> bool:
    """Whether an IP address, and every IPv4 address that it embeds, is on the public internet.

    >>> is_public("8.8.8.8"), is_public("64:ff9b::7f00:1"), is_public("64:ff9b::808:808")
    (True, False, True)
    """
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv4Address):
        return _is_global(found)
    embedded = list(_embedded(found))
    if embedded:
        return all(map(_is_global, embedded)) and found not in _TEREDO
    return found in _GLOBAL_UNICAST and _is_global(found)


def _is_global(address: IPv4Address | IPv6Address) -> bool:
    special = address.is_multicast or any(address in network for network in _SPECIAL)
    return address.is_global and not special


def _embedded(address: IPv6Address) -> Iterator[IPv4Address]:
    if address.teredo is not None:
        yield from address.teredo  # its server and its client
    for network, right in _EMBEDDING:
        if address in network:
            yield IPv4Address(int(address) >> right & 0xFFFFFFFF)


def in_order(addresses: Iterable[str]) -> Sequence[str]:
    """Return the addresses to try, without duplicates, IPv6 and IPv4 alternating.

    So a machine that cannot reach one of the two does not wait for all of its addresses.
    """
    each = list(dict.fromkeys(addresses))
    if not each:
        return ()
    first = [address for address in each if (":" in address) == (":" in each[0])]
    second = [address for address in each if address not in first]
    turns = [address for pair in zip_longest(first, second) for address in pair if address]
    return tuple(turns[:MAX_ADDRESSES])


def web_address(url: str) -> SplitResult | None:
    """Return the parts of an http(s) URL with a valid host name; ``None`` for anything else.

    What other parsers, as NanoGPT's, read as another host is not valid: they take a backslash for a
    slash and decode a percent sign.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        usable = parts.port != 0 and bool(host.encode("idna"))
    except ValueError:  # half an IPv6 address, an invalid port, an invalid name
        return None
    place = unicodedata.normalize("NFKC", parts.netloc)
    encoded = "%" in place.rpartition("@")[2] and ":" not in host  # else the zone of an address
    plain = not encoded and not any(mark.isspace() or mark == "\\" for mark in place)
    return parts if usable and plain and parts.scheme in {"http", "https"} else None


def host_of(url: str) -> str:
    """Return an http(s) URL's host, normalised: lower case, no final dot; ``""`` if there is none.

    Full-width digits, for example, become the digits that resolvers read them as.
    """
    parts = web_address(url)
    host = unicodedata.normalize("NFKC", parts.hostname or "") if parts is not None else ""
    return host.replace("。", ".").lower().rstrip(".")


def private_host(host: str) -> bool:
    """Whether a host is private, or invalid, as far as can be said without a look-up.

    True for private addresses in any notation, ``localhost``, names with a suffix that is reserved
    for private networks, and names without a dot.
    """
    try:
        host = host.encode("idna").decode().lower().rstrip(".")
    except UnicodeError:
        return True
    if ":" in host:
        return not is_public(host.partition("%")[0])
    number = _as_ipv4(host)
    if number is not None:
        return not is_public(number)
    return "." not in host or any(
        host == name or host.endswith(f".{name}") for name in _PRIVATE_NAMES
    )


def is_named(host: str, names: Iterable[str]) -> bool:
    """Whether a host is one of the names; ``*.example.com`` matches all names below it."""
    for name in names:
        wanted = name.lower().rstrip(".")
        if host == wanted or (wanted.startswith("*.") and host.endswith(wanted[1:])):
            return True
    return False


def _as_ipv4(host: str) -> str | None:
    """Return the IPv4 address that a resolver reads a host as: one to four numbers of any base."""
    numbers = [_number(part) for part in host.split(".")]
    if len(numbers) > 4 or None in numbers:
        return None
    *heads, tail = [number for number in numbers if number is not None]
    if any(head > 255 for head in heads) or tail >= 256 ** (4 - len(heads)):
        return "0.0.0.0"  # noqa: S104 - an invalid number is not a public host
    value = sum(head << (24 - 8 * at) for at, head in enumerate(heads)) + tail
    return str(IPv4Address(value))


def _number(text: str) -> int | None:
    match = _NUMBER.fullmatch(text)
    if match is None or len(text) > 40:
        return None
    if match["hex"] is not None:
        return int(match["hex"] or "0", 16)
    return int(match["octal"], 8) if match["octal"] else int(match["decimal"])

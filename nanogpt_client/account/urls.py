"""URLs of databases, for accounts and for paid work: checked, shown without secrets, connected."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode
from weakref import WeakKeyDictionary

from nanogpt_client.errors import ConfigurationError
from nanogpt_client.extras import install_command

__all__ = ["checked_url", "connected", "file_of", "without_secrets"]

_FILE = "sqlite:///"
_FORMS = ("sqlite:///FILE", "redis://HOST/0", "rediss://HOST/0")
# A user and a password, if there are any; a name or an IPv6 address; a port.
_HOST = re.compile(r"([^/?#]*@)?(\[[^/?#@\]]+\]|[^/?#@:\[\]]+)(:[0-9]+)?(?=[/?#]|$)")
_SHOWN = frozenset({"account", "path"})  # options of a URL; others may be passwords

# Seconds; the URL may set others: redis://host/0?socket_timeout=1
_TIMEOUTS = {"socket_timeout": 5.0, "socket_connect_timeout": 5.0}
_RETRIES = 2  # of an operation whose connection broke; each operation may be repeated


def checked_url(url: object, what: str, param: str, *others: str) -> str:
    """Return a URL, a file's with an absolute path, so that it means the same in every process.

    Args:
        url: the URL.
        what: what it is for, in messages, which do not quote it where it may have a password.
        param: the name of the argument.
        others: forms that are allowed besides files and Redis, such as ``ray://NAME``.

    Raises:
        ConfigurationError: it has another form, or its folder does not exist.
    """
    text = str(url)
    if text in others:
        return text
    if text.startswith(_FILE) and text != _FILE:
        return _checked_file(text.removeprefix(_FILE), what, param)
    scheme, _, rest = text.partition("://")
    schemes = [form.partition("://")[0] for form in (*others, *_FORMS[1:])]
    host = _HOST.match(rest) if scheme in schemes else None
    if scheme in schemes and "@" in rest[host.end() if host else 0 :]:
        msg = f"{what}'s URL: write special characters of the password as %40, %23, %2F etc."
        raise ConfigurationError(msg, param=param)
    if host is None:
        shown = f"{scheme}://…" if rest else "another text" if ":" in text else repr(url)
        msg = f"{what}'s URL must be {', '.join((*others, *_FORMS))}, not {shown}"
        raise ConfigurationError(msg, param=param)
    return text


def _checked_file(name: str, what: str, param: str) -> str:
    path = Path(name).absolute()
    if "?" in name:
        msg = f"{what}'s URL of a file has no options, but a '?'"
        raise ConfigurationError(msg, param=param)
    if not path.parent.is_dir():
        msg = f"{what}'s URL: there is no folder {str(path.parent)!r}"
        raise ConfigurationError(msg, param=param)
    return f"{_FILE}{path}"


def file_of(url: str) -> str | None:
    """Return the path of a checked URL; ``None`` if it names no file."""
    return url.removeprefix(_FILE) if url.startswith(_FILE) else None


def without_secrets(url: str) -> str:
    """Return a URL that may be shown."""
    scheme, _, rest = url.partition("://")
    if not rest or url.startswith(_FILE):
        return url
    place, _, query = rest.partition("?")
    user, at, host = place.rpartition("@")
    user = f"{user.partition(':')[0]}:***" if at else ""
    options = [(name, value) for name, value in parse_qsl(query) if name in _SHOWN]
    return f"{scheme}://{user}{at}{host}{'?' if options else ''}{urlencode(options)}"


def connected(url: str, what: str, param: str, **options: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return redis-py's client for an address, which connects when it is used, and its errors.

    Raises:
        ConfigurationError: redis-py is missing, or does not accept the address.
    """
    try:
        import redis  # noqa: PLC0415 - an extra
        from redis.backoff import ExponentialBackoff  # noqa: PLC0415
        from redis.retry import Retry  # noqa: PLC0415
    except ImportError as error:
        msg = f"{what} in Redis needs redis-py: {install_command('redis')}"
        raise ConfigurationError(msg, param=param) from error
    try:
        new_pool = partial(
            redis.ConnectionPool.from_url,
            url,
            retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), _RETRIES),
            retry_on_error=[redis.ConnectionError, redis.TimeoutError],
            **_TIMEOUTS,
            **options,
        )
        client = redis.Redis.from_pool(new_pool())
        client.connection_pool.make_connection()  # checks the options, without connecting
    except (ValueError, TypeError) as error:
        msg = f"{what} cannot use this address of Redis: {error}"
        raise ConfigurationError(msg, param=param) from None
    _new_pools[client] = new_pool
    return client, (redis.RedisError, OSError)


_new_pools: WeakKeyDictionary[Any, Callable[[], Any]] = WeakKeyDictionary()


def _in_forked_child() -> None:
    """Leave the parent's pools: another thread may have held their locks during the fork."""
    for client, new_pool in list(_new_pools.items()):
        client.connection_pool = new_pool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_forked_child)

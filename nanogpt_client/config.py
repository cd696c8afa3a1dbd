"""Settings of a client: the only reader of ``NANOGPT_*`` variables, and the rules of base URLs.

NanoGPT serves OpenAI-style routes under ``…/api/v1`` and older ones under ``…/api``; one
``base_url`` setting yields both, and chat may use a variant of the v1 root.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self
from urllib.parse import urljoin, urlsplit

from pydantic import SecretStr

try:
    import resource
except ImportError:  # on Windows, which limits sockets by memory alone
    resource = None  # type: ignore[assignment]

from nanogpt_client.errors import ConfigurationError

__all__ = ["Config"]

DEFAULT_BASE_URL = "https://nano-gpt.com/api/v1"
KEY_VARIABLES = ("NANOGPT_API_KEY", "NANO_GPT_API_KEY")
BASE_URL_VARIABLE = "NANOGPT_BASE_URL"

NO_KEY = (
    f"No NanoGPT API key: pass api_key=… or set the variable {KEY_VARIABLES[0]}. A pickle or a "
    "checkpoint brings no key along; what is to bring one in its pickles is made with "
    "pickle_api_key=True. To try without a key, use the sandbox: python -m nanogpt_client.sandbox"
)

Root = Literal["chat", "v1", "api"]

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PLAIN_PATH = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9_.~:@-]*)+/?")
_VARIANT = re.compile(r"/(?:(?:subscription|paid|personalized)/v1|v1legacy|v1thinking|v1)$")
_LISTS_ALONE = "/paid/v1"  # it has models, and no chat (page models)
# What people paste along with the base URL, because they copied it from an example request.
_PASTED = re.compile(
    r"/(?:(?:chat/)?completions|messages|responses|embeddings|moderations|rerank|memory|usage"
    r"|(?:[a-z]+-)?models|images(?:/(?:generations|edits?))?|audio/(?:speech|transcriptions)"
    r"|files|batches|check-balance|web|tts(?:/status)?|transcribe(?:/status)?"
    r"|(?:generate-video|video)/status|generate-video(?:/(?:recover|extend|content))?"
    r"|get-completion-cost|estimate-image-cost|scrape-urls|youtube-transcribe|talk-to-gpt"
    r"|transaction/(?:create|limits|status)/[\w/.-]+)$"
)
_PORTS = {"http": 80, "https": 443}
# All of them serve the API under /api (NanoGPT's skill document, page api-hosts).
_HOSTS = frozenset(
    "nano-gpt.com api.nano-gpt.com cake.nano-gpt.com ai.bitcoin.com bcashgpt.com".split()
)


def default_max_connections() -> int:
    """Return 1,000, or half of the descriptors that the process may open if that is less.

    Calls of 20 seconds at NanoGPT's 25 a second need 500; the other half is the program's.
    """
    if resource is None:
        return 1_000
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1_000 if soft == resource.RLIM_INFINITY else max(1, min(1_000, soft // 2))


@dataclass(frozen=True)  # no slots: clients and the frameworks' classes read defaults off the class
class Config:
    """What does not change during a client's life; safe to print, copy, pickle and share.

    The defaults of a client's settings stand here alone.

    A pickle holds the key only with ``pickle_api_key``. Without, the key is that of the environment
    where the pickle is read; where there is none, it is empty, and no call is made with it.

    Attributes:
        api_key: the key; a `SecretStr`, so that no repr shows it.
        api_root: root of the older routes, e.g. ``https://nano-gpt.com/api``.
        chat_root: root of chat, ``api_root`` plus ``/v1`` or a variant like ``/subscription/v1``.
        timeout: seconds for a whole answer (connecting has its own, shorter limit).
        max_retries: how often a call may be sent again when that is safe.
        max_connections: connections open at the same time; further calls queue for one, unsent.
        requests_per_second: pace of all calls; ``None`` finds one where NanoGPT asks to wait.
        rate_limit_wait: seconds that one call may wait in all because NanoGPT asks it to; ``None``
            for as long as its timeout.
        retry_after_cap: seconds; a server's pause that is longer is raised at once.
        first_event_timeout: seconds until a stream's first event; ``None`` waits for ever.
        stream_idle_timeout: seconds between a stream's events; ``None`` waits for ever.
        default_headers: headers sent with every request.
        allow_private_downloads: whether media may come from inside private networks.
        compress_above: bytes; larger bodies of chats are sent gzipped, ``None`` for never.
        pickle_api_key: whether a pickle holds the key, in clear.
    """

    api_key: SecretStr
    api_root: str = "https://nano-gpt.com/api"
    chat_root: str = DEFAULT_BASE_URL
    timeout: float | None = 600.0
    max_retries: int = 2
    max_connections: int = field(default_factory=default_max_connections)
    requests_per_second: float | None = None
    rate_limit_wait: float | None = None
    retry_after_cap: float = 60.0
    first_event_timeout: float | None = 600.0
    stream_idle_timeout: float | None = 180.0
    default_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    allow_private_downloads: bool = False
    compress_above: int | None = None
    pickle_api_key: bool = False

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        if not self.pickle_api_key:
            values["api_key"] = None
        return _unpickled, (type(self), values)

    @classmethod
    def resolve(
        cls, api_key: str | SecretStr | None, base_url: str | None, **settings: Any
    ) -> Config:
        """Fill what was not given from the environment, and check all of it.

        Raises:
            ConfigurationError: no key, a malformed base URL, or a negative limit.
        """
        api_key = hidden(api_key)
        if not isinstance(api_key, SecretStr | None):
            raise ConfigurationError(f"api_key must be a text, not a {type(api_key).__name__}")
        key = _stripped(api_key or environment_key())
        if not key:
            raise ConfigurationError(NO_KEY, param="api_key")
        if not _fits_a_header(key):
            msg = "api_key has characters that no HTTP header can carry; was it pasted whole?"
            raise ConfigurationError(msg, param="api_key")
        api_root, chat_root = roots(base_url or _from_environment(BASE_URL_VARIABLE))
        _check_limits(settings)
        check_headers(settings.get("default_headers", {}))
        given = {k: v for k, v in settings.items() if v is not None or k in NONE_IS_NO_LIMIT}
        return cls(key, api_root, chat_root, **given)

    @property
    def origin(self) -> str:
        """Scheme, host and port, against which relative media URLs resolve."""
        parts = urlsplit(self.api_root)
        return f"{parts.scheme}://{parts.netloc}"

    def url(self, root: Root, path: str) -> str:
        """Return the absolute URL of a route."""
        base = {"chat": self.chat_root, "v1": f"{self.api_root}/v1", "api": self.api_root}[root]
        return base + path

    def absolute(self, url: str) -> str:
        """Return a media URL, which NanoGPT may give relative to its origin, as an absolute one."""
        return urljoin(self.origin, url)

    def is_own(self, url: str) -> bool:
        """Whether an absolute URL leads to NanoGPT's own origin: scheme, host and port."""
        return _place(url) == _place(self.origin)

    def gets_key(self, url: str) -> bool:
        """Whether an absolute URL is one of NanoGPT's API, which alone is sent the key.

        On the same origin there may be other services, and a model may name any path. So no key
        goes where segments like ``..`` or escaped slashes might lead out of the API again.
        """
        path = urlsplit(url).path
        inside = path.startswith(f"{urlsplit(self.api_root).path}/")
        return inside and self.is_own(url) and _PLAIN_PATH.fullmatch(path) is not None


def _place(url: str) -> tuple[str, str, str, int | None]:
    """Return what tells one server from another."""
    scheme, userinfo, host, port, _ = _parts(url)
    return scheme, userinfo, host, port or _PORTS.get(scheme)


def hidden(key: Any) -> Any:
    """Wrap a key, so that no report of local variables shows it; anything else stays as it is."""
    return SecretStr(key) if isinstance(key, str) else key


def environment_key() -> SecretStr | None:
    """Return the key that the environment holds, if any."""
    return SecretStr(key) if (key := _from_environment(*KEY_VARIABLES)) else None


def _unpickled(cls: type[Config], values: dict[str, Any]) -> Config:
    key = values["api_key"] or environment_key() or SecretStr("")
    return cls(**values | {"api_key": key})


def _stripped(key: SecretStr | None) -> SecretStr:
    return SecretStr(key.get_secret_value().strip() if key else "")


def _fits_a_header(key: SecretStr) -> bool:
    text = key.get_secret_value()
    return text.isascii() and text.isprintable() and " " not in text


def roots(base_url: str | None) -> tuple[str, str]:
    """Split a base URL into the root of the older routes and the root of chat.

    Accepts it with or without trailing slash, without ``/v1``, as a bare origin, and with a route
    such as ``/chat/completions`` pasted on. A query or a fragment is refused, for what it asks
    would be lost. ``/paid/v1`` has lists alone; chat goes to ``/v1`` then.

    >>> roots("https://nano-gpt.com/api/subscription/v1/")
    ('https://nano-gpt.com/api', 'https://nano-gpt.com/api/subscription/v1')
    """
    origin, host, path = _origin_and_path(str(base_url or DEFAULT_BASE_URL).strip(), base_url)
    path = _PASTED.sub("", re.sub("/+", "/", path).rstrip("/"))
    match = _VARIANT.search(path)
    variant = match.group() if match else "/v1"
    root = path[: match.start()] if match else path
    if not root and (match is None or host in _HOSTS):
        root = "/api"
    root = origin + root
    return root, root + ("/v1" if variant == _LISTS_ALONE else variant)


def _origin_and_path(url: str, given: Any) -> tuple[str, str, str]:
    """Return scheme, host and port in lower case and without the default port; host; path."""
    shown = repr(given)
    scheme, userinfo, host, port, path = _parts(url)
    if userinfo:
        raise ConfigurationError("base_url must not hold a user name or a password")
    if "?" in url or "#" in url:
        shown = repr(re.split(r"[?#]", url)[0])[:-1] + "…', without a query or a fragment"
        host = ""
    if not host or port == 0 or scheme not in _PORTS or re.search(r"[\s\\]", url):
        msg = f"base_url must be an http(s) URL such as {DEFAULT_BASE_URL}, not {shown}"
        raise ConfigurationError(msg)
    name = f"[{host}]" if ":" in host else host
    origin = f"{scheme}://{name}"
    return origin if port in {None, _PORTS[scheme]} else f"{origin}:{port}", host, path


def _parts(url: str) -> tuple[str, str, str, int | None, str]:
    """Return scheme, what stands before an ``@``, host, port and path; all empty if it is no URL.

    Half an IPv6 address is none, nor is one with a port that is none.
    """
    try:
        parts = urlsplit(url)
        userinfo = parts.netloc.rpartition("@")[0]
        return parts.scheme, userinfo, parts.hostname or "", parts.port, parts.path
    except ValueError:
        return "", "", "", None, ""


def check_headers(headers: Mapping[str, str]) -> None:
    """Refuse headers that HTTP cannot carry; their values are not shown, they may be secret."""
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ConfigurationError(f"{name!r} cannot be the name of a header")
        if not value.isascii() or not value.replace("\t", " ").isprintable():
            msg = f"the header {name!r} has characters that HTTP cannot carry"
            raise ConfigurationError(msg)


def certificate_paths() -> tuple[str | None, str | None]:
    """Return where the environment says that certificates are, as OpenSSL reads it."""
    return os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")


def _from_environment(*names: str) -> str | None:
    return next((value for name in names if (value := os.environ.get(name, "").strip())), None)


# Settings for which ``None`` says "no limit"; for the others it says "as by default".
NONE_IS_NO_LIMIT = frozenset(
    {"timeout", "first_event_timeout", "stream_idle_timeout", "compress_above"}
)


def _check_limits(settings: Mapping[str, Any]) -> None:
    """Refuse numbers out of bounds; ``None`` passes where a setting may be left open."""
    for name in ("timeout", "first_event_timeout", "stream_idle_timeout", "requests_per_second"):
        unit = "requests a second" if name == "requests_per_second" else "seconds"
        _check(settings, name, f"{unit} above 0, or None for no limit", lambda n: 0 < n < math.inf)
    for name in ("retry_after_cap", "rate_limit_wait"):
        _check(settings, name, "seconds from 0 on", lambda n: 0 <= n < math.inf)
    if settings.get("max_retries", 0) is None:
        raise ConfigurationError("max_retries is a whole number from 0 on; not None")
    _check_whole(settings, "max_retries", 0, "a whole number from 0 on")
    _check_whole(settings, "max_connections", 1, "a whole number from 1 on")
    _check_whole(settings, "compress_above", 0, "bytes from 0 on, or None")
    if not isinstance(settings.get("pickle_api_key") or False, bool):
        raise ConfigurationError("pickle_api_key is True or False", param="pickle_api_key")


def _check(
    settings: Mapping[str, Any], name: str, what: str, fits: Callable[[float], bool]
) -> None:
    value = settings.get(name)
    if value is None:
        return
    if not isinstance(value, int | float) or isinstance(value, bool) or not fits(value):
        raise ConfigurationError(f"{name} is {what}; not {value!r}", param=name)


def _check_whole(settings: Mapping[str, Any], name: str, least: int, what: str) -> None:
    _check(settings, name, what, lambda n: isinstance(n, int) and n >= least)

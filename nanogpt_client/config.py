"""Settings of a client: the only reader of ``NANOGPT_*`` variables, and the rules for base URLs.

NanoGPT serves OpenAI-style routes under ``…/api/v1`` and older ones under ``…/api``. One
``base_url`` gives both, and chat may use a variant of the v1 root.
"""

from __future__ import annotations

import math
import os
import pickle
import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, fields
from multiprocessing.reduction import ForkingPickler
from typing import Any, Literal, Self
from urllib.parse import urljoin, urlsplit, urlunsplit

from pydantic import SecretStr

try:
    import resource
except ImportError:  # on Windows, which limits sockets by memory alone
    resource = None  # type: ignore[assignment]

from nanogpt_client.errors import ConfigurationError
from nanogpt_client.types._pickling import is_factory

__all__ = ["Config"]

DEFAULT_BASE_URL = "https://nano-gpt.com/api/v1"
DIRECT_API_ROOT = "https://api.nano-gpt.com/api"
KEY_VARIABLES = ("NANOGPT_API_KEY", "NANO_GPT_API_KEY")
BASE_URL_VARIABLE = "NANOGPT_BASE_URL"

NO_KEY = (
    f"No NanoGPT API key: pass api_key=… or set the variable {KEY_VARIABLES[0]}. Pickles and "
    "checkpoints contain no key, unless made with pickle_api_key=True. To try without a key, use "
    "the sandbox: python -m nanogpt_client.sandbox"
)

PAY_IN_PICKLE = (
    "pay=… cannot be pickled, as it may hold the keys of a wallet: make the client or the model in "
    "the process that uses it; client.complete_payment(id) works in any process"
)
KEY_AND_PAY = (
    "pass api_key=… or pay=…, not both: NanoGPT bills the account of a key, and quotes a call only "
    "without one"
)

Root = Literal["chat", "v1", "api", "direct", "beta"]

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PLAIN_PATH = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9_.~:@-]*)+/?")
_VARIANT = re.compile(r"/(?:(?:subscription|paid|personalized)/v1|v1legacy|v1thinking|v1)$")
_WITHOUT_CHAT = "/paid/v1"  # serves model lists only (page models)
# Routes that are often pasted with the base URL, copied from an example request.
_ROUTE = re.compile(
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
    """Return 1,000, or half of the file descriptors that the process may open if that is less.

    Calls of 20 seconds at NanoGPT's 25 a second need 500; the other half is for the program.
    """
    if resource is None:
        return 1_000
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1_000 if soft == resource.RLIM_INFINITY else max(1, min(1_000, soft // 2))


def check_http_client(
    client: Any, kind: Literal["Client", "AsyncClient"], name: str = "http_client"
) -> None:
    """Refuse what is no client of httpx (or httpx2) of this kind, nor a function that makes one.

    Raises:
        ConfigurationError: it is something else.
    """
    # By name, because httpx is loaded with the first client only.
    bases = {(cls.__module__.partition(".")[0], cls.__name__) for cls in type(client).__mro__}
    if (
        client is not None
        and not is_factory(client)
        and bases.isdisjoint({("httpx", kind), ("httpx2", kind)})
    ):
        msg = f"{name} must be an httpx.{kind}, not {type(client).__qualname__}"
        raise ConfigurationError(msg, param=name)


# Whether what is being pickled goes to another process of this program.
_for_a_child: ContextVar[bool] = ContextVar("for_a_child", default=False)


@dataclass(frozen=True)  # no slots: clients and the frameworks' classes read defaults off the class
class Config:
    """The immutable settings of a client, with their defaults; safe to print, copy and share.

    A pickle has the key only with ``pickle_api_key``, or on its way to another process of the same
    program (`multiprocessing`, `concurrent.futures`). Otherwise the key is read from the
    environment when it is unpickled; without one there the key is empty, and calls are refused.

    Attributes:
        api_key: the key; a `SecretStr`, so that no repr shows it.
        api_root: root of the older routes, e.g. ``https://nano-gpt.com/api``.
        chat_root: root of chat, ``api_root`` plus ``/v1`` or a variant like ``/subscription/v1``.
        timeout: seconds for a whole response (connecting has its own, shorter limit).
        max_retries: how often a call may be sent again where that cannot be billed twice.
        max_connections: connections open at the same time; further calls wait, unsent.
        requests_per_second: rate limit of all calls; ``None`` finds one from the first 429 on.
        rate_limit_wait: seconds that one call may wait in total because of 429 responses; ``None``
            for its timeout, from when NanoGPT last accepted a call of the client.
        retry_after_cap: seconds; if a failing server asks to wait longer, the error is raised.
        first_event_timeout: seconds until a stream's first event; ``None`` for no limit.
        stream_idle_timeout: seconds between a stream's events; ``None`` for no limit.
        default_headers: headers sent with every request.
        allow_private_downloads: whether media may be downloaded from private networks.
        compress_above: bytes; larger bodies of chat requests are gzipped, ``None`` for never.
        pickle_api_key: whether a pickle includes the key, in clear.
        accountless: whether each call is paid by itself; there is no key then.
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
    accountless: bool = False

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        if not keeps_key(self.pickle_api_key):
            values["api_key"] = None
        return _unpickled, (type(self), values)

    @classmethod
    def resolve(
        cls, api_key: str | SecretStr | None, base_url: str | None, **settings: Any
    ) -> Config:
        """Return checked settings; missing ones are read from the environment.

        Raises:
            ConfigurationError: no key, an invalid base URL, or an invalid setting.
        """
        api_key = hidden(api_key)
        if not isinstance(api_key, SecretStr | None):
            raise ConfigurationError(f"api_key must be a string, not {type(api_key).__name__}")
        accountless = bool(settings.get("accountless"))
        key = _stripped(api_key or (None if accountless else environment_key()))
        if accountless and key:
            raise ConfigurationError(KEY_AND_PAY, param="pay")
        if not key and not accountless:
            raise ConfigurationError(NO_KEY, param="api_key")
        if key and not _is_header_value(key):
            msg = "api_key has characters that are invalid in an HTTP header; check what was pasted"
            raise ConfigurationError(msg, param="api_key")
        api_root, chat_root = roots(base_url or _from_environment(BASE_URL_VARIABLE))
        _check_limits(settings)
        check_headers(settings.get("default_headers", {}))
        changed = {k: v for k, v in settings.items() if v is not None or k in NONE_IS_NO_LIMIT}
        return cls(key, api_root, chat_root, **changed)

    @property
    def credentials(self) -> dict[str, str]:
        """The headers that carry the key; none without an account."""
        key = self.api_key.get_secret_value()
        # Some routes were seen to accept only the second header.
        return {"Authorization": f"Bearer {key}", "x-api-key": key} if key else {}

    @property
    def origin(self) -> str:
        """Scheme, host and port, against which relative media URLs resolve."""
        parts = urlsplit(self.api_root)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def service(self) -> str:
        """What answers: the same for all of NanoGPT's hosts, else the origin."""
        host = urlsplit(self.api_root).hostname
        return "nano-gpt.com" if host in _HOSTS else self.origin

    def url(self, root: Root, path: str) -> str:
        """Return the absolute URL of a route."""
        match root:
            case "chat":
                return self.chat_root + path
            case "v1":
                return f"{self.api_root}/v1{path}"
            case "api":
                return self.api_root + path
        return f"{self.direct_root}/{'v1' if root == 'direct' else 'beta'}{path}"

    @property
    def direct_root(self) -> str:
        """``api_root`` on the host that files and batches go to: NanoGPT's direct one.

        The websites' hosts refuse large uploads (page batches). Any other address, such as that of
        a proxy or of the sandbox, stays as it is.
        """
        return DIRECT_API_ROOT if urlsplit(self.api_root).hostname in _HOSTS else self.api_root

    def absolute(self, url: str) -> str:
        """Return a media URL as an absolute URL; NanoGPT's may be relative to its origin."""
        return urljoin(self.origin, url)

    def is_own(self, url: str) -> bool:
        """Whether an absolute URL has NanoGPT's origin: scheme, host and port."""
        return _server_of(url) == _server_of(self.origin)

    def path_of(self, url: str) -> str | None:
        """Return the path below ``api_root`` of a URL of NanoGPT's API; ``None`` for any other.

        The URL may be relative, or name another of NanoGPT's own hosts. Only the path is followed.
        """
        try:
            absolute = self.absolute(url)
        except ValueError:  # half an IPv6 address
            return None
        scheme, userinfo, host, _, path = _parts(absolute)
        own_host, root = urlsplit(self.api_root).hostname or "", urlsplit(self.api_root).path
        is_sibling = scheme == "https" and not userinfo and {host, own_host} <= _HOSTS
        own = urlunsplit((*urlsplit(self.origin)[:2], path, "", "")) if is_sibling else absolute
        is_plain = not {"?", "#"} & set(absolute)
        return path.removeprefix(root) if is_plain and self.gets_key(own) else None

    def gets_key(self, url: str) -> bool:
        """Whether an absolute URL belongs to NanoGPT's API, and so may be sent the key.

        The same origin may host other services, and a model may return any path. So paths with
        segments like ``..`` or with escaped slashes, which could leave the API, get no key.
        """
        path = urlsplit(url).path
        inside = path.startswith(f"{urlsplit(self.api_root).path}/")
        return inside and self.is_own(url) and _PLAIN_PATH.fullmatch(path) is not None


def _server_of(url: str) -> tuple[str, str, str, int | None]:
    """Return what identifies a server."""
    scheme, userinfo, host, port, _ = _parts(url)
    return scheme, userinfo, host, port or _PORTS.get(scheme)


def hidden(key: Any) -> Any:
    """Wrap a key so that tracebacks with local variables do not show it; return others as is."""
    return SecretStr(key) if isinstance(key, str) else key


def environment_key() -> SecretStr | None:
    """Return the key from the environment, if any."""
    return SecretStr(key) if (key := _from_environment(*KEY_VARIABLES)) else None


def keeps_key(pickle_api_key: bool) -> bool:
    """Whether the pickle that is being made includes the key."""
    return pickle_api_key or _for_a_child.get()


def send_key_to_children(cls: type) -> None:
    """Let what `multiprocessing` sends to this program's other processes include the key.

    That goes through a pipe. What is stored, such as a checkpoint, is made by other picklers.
    """
    ForkingPickler.register(cls, _reduced_for_a_child)


def _reduced_for_a_child(value: object) -> Any:
    token = _for_a_child.set(True)
    try:
        return value.__reduce_ex__(pickle.HIGHEST_PROTOCOL)
    finally:
        _for_a_child.reset(token)


send_key_to_children(Config)


def _unpickled(cls: type[Config], values: dict[str, Any]) -> Config:
    found = None if values["accountless"] else environment_key()
    key = values["api_key"] or found or SecretStr("")
    return cls(**values | {"api_key": key})


def _stripped(key: SecretStr | None) -> SecretStr:
    return SecretStr(key.get_secret_value().strip() if key else "")


def _is_header_value(key: SecretStr) -> bool:
    text = key.get_secret_value()
    return text.isascii() and text.isprintable() and " " not in text


def roots(base_url: str | None) -> tuple[str, str]:
    """Split a base URL into the root of the older routes and the root of chat.

    Accepts it with or without a trailing slash, without ``/v1``, as a bare origin, and with a route
    such as ``/chat/completions`` at its end. A query or a fragment is refused, as it would be lost.
    With ``/paid/v1``, which only serves model lists, chat goes to ``/v1``.

    >>> roots("https://nano-gpt.com/api/subscription/v1/")
    ('https://nano-gpt.com/api', 'https://nano-gpt.com/api/subscription/v1')
    """
    origin, host, path = _origin_and_path(str(base_url or DEFAULT_BASE_URL).strip(), base_url)
    path = _ROUTE.sub("", re.sub("/+", "/", path).rstrip("/"))
    match = _VARIANT.search(path)
    variant = match.group() if match else "/v1"
    root = path[: match.start()] if match else path
    if not root and (match is None or host in _HOSTS):
        root = "/api"
    root = origin + root
    return root, root + ("/v1" if variant == _WITHOUT_CHAT else variant)


def _origin_and_path(url: str, setting: Any) -> tuple[str, str, str]:
    """Return the normalised origin, without a default port; the host; the path."""
    shown = repr(setting)
    scheme, userinfo, host, port, path = _parts(url)
    if userinfo:
        raise ConfigurationError("base_url must not contain a user name or a password")
    if "?" in url or "#" in url:
        shown = repr(re.split(r"[?#]", url)[0])[:-1] + "…', without a query or a fragment"
        host = ""
    if not host or port == 0 or scheme not in _PORTS or re.search(r"[\s\\]", url):
        msg = (
            f"base_url (by default {BASE_URL_VARIABLE}) must be an http(s) URL such as "
            f"{DEFAULT_BASE_URL}, not {shown}"
        )
        raise ConfigurationError(msg)
    name = f"[{host}]" if ":" in host else host
    origin = f"{scheme}://{name}"
    return origin if port in {None, _PORTS[scheme]} else f"{origin}:{port}", host, path


def _parts(url: str) -> tuple[str, str, str, int | None, str]:
    """Return scheme, user info, host, port and path; all empty for an invalid URL.

    Half an IPv6 address and an invalid port, for example, make a URL invalid.
    """
    try:
        parts = urlsplit(url)
        userinfo = parts.netloc.rpartition("@")[0]
        return parts.scheme, userinfo, parts.hostname or "", parts.port, parts.path
    except ValueError:
        return "", "", "", None, ""


def check_headers(headers: Mapping[str, str]) -> None:
    """Refuse invalid headers; errors do not show their values, which may be secret."""
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ConfigurationError(f"{name!r} is not a valid header name")
        if not value.isascii() or not value.replace("\t", " ").isprintable():
            msg = f"the header {name!r} has characters that are invalid in HTTP"
            raise ConfigurationError(msg)


def certificate_paths() -> tuple[str | None, str | None]:
    """Return the certificate paths from the environment, as OpenSSL reads them."""
    return os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")


def _from_environment(*names: str) -> str | None:
    return next((value for name in names if (value := os.environ.get(name, "").strip())), None)


# Settings for which ``None`` means "no limit"; for the others it means the default.
NONE_IS_NO_LIMIT = frozenset(
    {"timeout", "first_event_timeout", "stream_idle_timeout", "compress_above"}
)


def _check_limits(settings: Mapping[str, Any]) -> None:
    """Refuse settings that are out of range."""
    for name in ("timeout", "first_event_timeout", "stream_idle_timeout", "requests_per_second"):
        unit = "requests a second" if name == "requests_per_second" else "seconds"
        _check(settings, name, f"{unit} above 0, or None for no limit", lambda n: 0 < n < math.inf)
    for name in ("retry_after_cap", "rate_limit_wait"):
        _check(settings, name, "0 or more seconds", lambda n: 0 <= n < math.inf)
    if settings.get("max_retries", 0) is None:
        raise ConfigurationError("max_retries must be an integer of 0 or more, not None")
    _check_whole(settings, "max_retries", 0, "an integer of 0 or more")
    _check_whole(settings, "max_connections", 1, "an integer of 1 or more")
    _check_whole(settings, "compress_above", 0, "0 or more bytes, or None")
    if not isinstance(settings.get("pickle_api_key") or False, bool):
        raise ConfigurationError("pickle_api_key must be True or False", param="pickle_api_key")


def _check(
    settings: Mapping[str, Any], name: str, what: str, fits: Callable[[float], bool]
) -> None:
    value = settings.get(name)
    if value is None:
        return
    if not isinstance(value, int | float) or isinstance(value, bool) or not fits(value):
        raise ConfigurationError(f"{name} must be {what}, not {value!r}", param=name)


def _check_whole(settings: Mapping[str, Any], name: str, least: int, what: str) -> None:
    _check(settings, name, what, lambda n: isinstance(n, int) and n >= least)

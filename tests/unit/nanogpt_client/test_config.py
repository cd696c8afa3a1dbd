"""Settings: where the key comes from, what a base URL may look like, what is refused."""

from __future__ import annotations

import copy
import pickle

import pytest
from pydantic import SecretStr

from nanogpt_client.config import Config, roots
from nanogpt_client.endpoints.catalog import list_models
from nanogpt_client.errors import ConfigurationError
from nanogpt_client.types.catalog import ModelScope

KEY = "sk-nano-0123abcd-4567-89ab-cdef-0123456789ab"
API = "https://nano-gpt.com/api"


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        (None, (API, f"{API}/v1")),
        ("", (API, f"{API}/v1")),
        (f"{API}/v1", (API, f"{API}/v1")),
        (f"{API}/v1/", (API, f"{API}/v1")),
        (f"  {API}/v1// ", (API, f"{API}/v1")),
        (API, (API, f"{API}/v1")),
        (f"{API}/", (API, f"{API}/v1")),
        ("https://nano-gpt.com", (API, f"{API}/v1")),
        ("https://nano-gpt.com/", (API, f"{API}/v1")),
        (
            "HTTPS://nano-gpt.com/api/v1",
            (API, f"{API}/v1"),
        ),
        (f"{API}/v1/chat/completions", (API, f"{API}/v1")),
        (f"{API}/v1/chat/completions/", (API, f"{API}/v1")),
        (f"{API}/v1/embeddings", (API, f"{API}/v1")),
        (f"{API}/v1/models", (API, f"{API}/v1")),
        (f"{API}/v1/images/generations", (API, f"{API}/v1")),
        (f"{API}/v1/audio/speech", (API, f"{API}/v1")),
        (f"{API}/v1/audio/transcriptions", (API, f"{API}/v1")),
        (f"{API}/subscription/v1", (API, f"{API}/subscription/v1")),
        (f"{API}/subscription/v1/chat/completions", (API, f"{API}/subscription/v1")),
        (f"{API}/paid/v1", (API, f"{API}/v1")),  # lists alone
        (f"{API}/paid/v1/models", (API, f"{API}/v1")),
        (f"{API}/personalized/v1", (API, f"{API}/personalized/v1")),
        (f"{API}/personalized/v1/models/", (API, f"{API}/personalized/v1")),
        (f"{API}/v1legacy/chat/completions", (API, f"{API}/v1legacy")),
        *[
            (f"{API}{route}", (API, f"{API}/v1"))
            for route in (
                "/v1/completions /v1/responses /v1/messages /v1/moderations /v1/rerank /v1/memory"
                " /v1/usage /v1/image-models /v1/video-models /v1/audio-models /v1/rerank-models"
                " /v1/images /v1/images/edits /v1/images/edit /v1/files /v1/batches /check-balance"
                " /generate-video /generate-video/status /generate-video/recover /video/status /web"
                " /tts /tts/status /transcribe /transcribe/status /get-completion-cost /scrape-urls"
                " /estimate-image-cost /youtube-transcribe /transaction/create/btc"
                " /transaction/create/daimo/usdc /transaction/status/btc/tx-1"
            ).split()
        ],
        ("https://nano-gpt.com/v1", (API, f"{API}/v1")),
        ("https://nano-gpt.com/v1/chat/completions", (API, f"{API}/v1")),
        ("https://nano-gpt.com/chat/completions", (API, f"{API}/v1")),
        ("https://nano-gpt.com//api//v1//", (API, f"{API}/v1")),
        ("https://NANO-GPT.com:443/api/v1", (API, f"{API}/v1")),
        ("http://127.0.0.1:80/v1", ("http://127.0.0.1", "http://127.0.0.1/v1")),
        *[
            (
                f"https://api.nano-gpt.com{path}",
                ("https://api.nano-gpt.com/api", "https://api.nano-gpt.com/api/v1"),
            )
            for path in ("", "/", "/v1", "/api", "/api/v1", "/api/v1/batches")
        ],
        (f"{API}/v1legacy", (API, f"{API}/v1legacy")),
        (f"{API}/v1thinking/", (API, f"{API}/v1thinking")),
        *[
            (f"https://{host}/api/v1", (f"https://{host}/api", f"https://{host}/api/v1"))
            for host in ("ai.bitcoin.com", "bcashgpt.com", "cake.nano-gpt.com")
        ],
        (
            "http://127.0.0.1:8787/api/v1",
            ("http://127.0.0.1:8787/api", "http://127.0.0.1:8787/api/v1"),
        ),
        ("http://127.0.0.1:8787", ("http://127.0.0.1:8787/api", "http://127.0.0.1:8787/api/v1")),
        ("http://[::1]:8787", ("http://[::1]:8787/api", "http://[::1]:8787/api/v1")),
        ("https://proxy/nano/api/v1", ("https://proxy/nano/api", "https://proxy/nano/api/v1")),
    ],
)
def test_base_urls(base_url, expected):
    assert roots(base_url) == expected


@pytest.mark.parametrize(
    "base_url",
    [
        "nano-gpt.com/api/v1",
        "nano-gpt.com",
        "ftp://nano-gpt.com",
        "file:///etc/passwd",
        "/api/v1",
        "https://",
        "http:///api",
        "https://nano-gpt.com/api/v1?key=1",
        "https://nano-gpt.com/#x",
        "https://nano-gpt.com/api/v1?",
        "https://nano-gpt.com/api/v1#",
        "https://nano-gpt.com/api/v1/models?detailed=true",
        "https://nano gpt.com/api/v1",
        "https://nano-gpt.com\\api\\v1",
        "https://:443/api",
        "http://[::1",
        "http://nano-gpt.com:port/api",
        "http://nano-gpt.com:99999",
        "   ",
        5,
        b"https://nano-gpt.com",
    ],
)
def test_malformed_base_urls_say_what_one_looks_like(base_url):
    with pytest.raises(ConfigurationError, match=r"http\(s\) URL such as https://nano-gpt\.com"):
        roots(base_url)


def test_a_query_is_named_and_not_shown():
    with pytest.raises(ConfigurationError, match="without a query or a fragment") as caught:
        roots(f"https://nano-gpt.com/api/v1?key={KEY}")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("base_url", "url", "own"),
    [
        ("https://NANO-GPT.com/api/v1", "https://nano-gpt.com/media/x", True),
        ("https://nano-gpt.com/api/v1", "https://Nano-GPT.com:443/media/x", True),
        ("http://127.0.0.1:8787", "http://127.0.0.1:8787/x", True),
        ("http://[::1]:8787", "http://[::1]:8787/x", True),
        ("http://[::1]", "http://[::1]:80/x", True),
        ("https://nano-gpt.com", "http://nano-gpt.com/x", False),
        ("https://nano-gpt.com", "https://nano-gpt.com:444/x", False),
        ("https://nano-gpt.com", "https://me@nano-gpt.com/x", False),
        ("https://nano-gpt.com", "https://nano-gpt.com.evil/x", False),
        ("https://nano-gpt.com", "https://[::1/x", False),
        ("https://nano-gpt.com", "https://nano-gpt.com:port/x", False),
    ],
)
def test_whose_address_it_is(base_url, url, own):
    assert resolve(base_url=base_url).is_own(url) is own


@pytest.mark.parametrize(
    "base_url",
    [f"https://{KEY}@nano-gpt.com", f"https://me:{KEY}@nano-gpt.com",
     f"https://{KEY}@nano-gpt.com?x=1", f"ftp://me:{KEY}@nano-gpt.com"],
)  # fmt: skip
def test_credentials_in_a_base_url_are_refused_unshown(base_url):
    with pytest.raises(ConfigurationError, match="user name or a password") as caught:
        roots(base_url)
    assert KEY not in str(caught.value)


def resolve(api_key=KEY, base_url=None, **settings) -> Config:
    return Config.resolve(api_key, base_url, **settings)


def test_routes_of_all_roots():
    config = resolve(base_url=f"{API}/subscription/v1")
    assert config.url("chat", "/chat/completions") == f"{API}/subscription/v1/chat/completions"
    assert config.url("v1", "/embeddings") == f"{API}/v1/embeddings"
    assert config.url("api", "/check-balance") == f"{API}/check-balance"
    assert config.origin == "https://nano-gpt.com"


@pytest.mark.parametrize(
    ("base_url", "direct"),
    [
        (None, "https://api.nano-gpt.com"),
        ("https://nano-gpt.com/api/subscription/v1", "https://api.nano-gpt.com"),
        ("https://cake.nano-gpt.com/api/v1", "https://api.nano-gpt.com"),
        ("https://api.nano-gpt.com/api/v1", "https://api.nano-gpt.com"),
        ("http://127.0.0.1:4711/api/v1", "http://127.0.0.1:4711"),
        ("https://proxy.example.com/api/v1", "https://proxy.example.com"),
        ("https://nano-gpt.com.evil.example/api/v1", "https://nano-gpt.com.evil.example"),
    ],
)
def test_files_and_batches_go_to_the_direct_host(base_url, direct):
    config = resolve(base_url=base_url)
    assert config.url("direct", "/files") == f"{direct}/api/v1/files"
    assert config.url("beta", "/batches") == f"{direct}/api/beta/batches"


@pytest.mark.parametrize("key", [KEY, f" {KEY}\n", SecretStr(KEY)])
def test_a_key_is_taken_in_any_form(key):
    assert resolve(key).api_key.get_secret_value() == KEY


@pytest.mark.parametrize("variable", ["NANOGPT_API_KEY", "NANO_GPT_API_KEY"])
def test_a_key_from_the_environment(monkeypatch, variable):
    monkeypatch.setenv(variable, f" {KEY} ")
    assert resolve(None).api_key.get_secret_value() == KEY


def test_the_first_variable_wins_and_an_argument_beats_both(monkeypatch):
    monkeypatch.setenv("NANOGPT_API_KEY", "first")
    monkeypatch.setenv("NANO_GPT_API_KEY", "second")
    assert resolve(None).api_key.get_secret_value() == "first"
    assert resolve("third").api_key.get_secret_value() == "third"
    monkeypatch.setenv("NANOGPT_API_KEY", "  ")
    assert resolve("").api_key.get_secret_value() == "second"


@pytest.mark.parametrize("key", [None, "", "   ", SecretStr("")])
def test_a_missing_key_names_the_variable_and_the_sandbox(key):
    with pytest.raises(ConfigurationError, match=r"NANOGPT_API_KEY.*nanogpt_client.sandbox"):
        resolve(key)


@pytest.mark.parametrize("key", ["sk-nano-ä", "sk nano", "sk\nnano", "sk-nano-\x00"])
def test_a_key_that_no_header_can_carry_is_refused_unshown(key):
    with pytest.raises(ConfigurationError, match="check what was pasted") as caught:
        resolve(key)
    assert key not in str(caught.value)


def test_a_key_that_is_no_text_is_refused():
    with pytest.raises(ConfigurationError, match="api_key must be a string"):
        resolve(12345)


def test_the_base_url_from_the_environment(monkeypatch):
    monkeypatch.setenv("NANOGPT_BASE_URL", "http://127.0.0.1:8787")
    assert resolve().chat_root == "http://127.0.0.1:8787/api/v1"
    assert resolve(base_url="http://other").chat_root == "http://other/api/v1"


@pytest.mark.parametrize("name", ["timeout", "first_event_timeout", "stream_idle_timeout"])
@pytest.mark.parametrize("value", [0, -1, "60", float("nan"), float("inf"), [1]])
def test_limits_are_seconds_above_zero(name, value):
    with pytest.raises(ConfigurationError, match=f"{name} must be seconds above 0, or None"):
        resolve(**{name: value})


@pytest.mark.parametrize("value", [None, 1, 0.5])
def test_none_turns_a_limit_off(value):
    assert resolve(timeout=value).timeout == value


@pytest.mark.parametrize("value", [-1, 1.5, "2", True, None])
def test_retries_are_counted(value):
    with pytest.raises(ConfigurationError, match="max_retries must be an integer"):
        resolve(max_retries=value)


def test_the_key_shows_nowhere():
    config = resolve(default_headers={"x-secret": KEY})
    assert KEY not in f"{config} {config!r} {config.api_key} {config.api_key!r}"


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c))]
)
def test_a_config_is_copied_whole(again):
    settings = {"max_retries": 7, "default_headers": {"a": "b"}, "pickle_api_key": True}
    config = resolve(base_url=f"{API}/v1legacy", **settings)
    assert again(config) == config


def test_a_pickled_config_has_the_key_of_the_environment_where_it_is_read(monkeypatch):
    pickled = pickle.dumps(resolve())
    assert KEY.encode() not in pickled
    assert pickle.loads(pickled).api_key.get_secret_value() == ""
    monkeypatch.setenv("NANOGPT_API_KEY", "sk-there")
    assert pickle.loads(pickled).api_key.get_secret_value() == "sk-there"


def test_the_setting_of_pickles_is_true_or_false():
    with pytest.raises(ConfigurationError, match="pickle_api_key must be True or False"):
        resolve(pickle_api_key="yes")


@pytest.mark.parametrize("variant", ["", "/v1", "/paid/v1", "/subscription/v1", "/personalized/v1",
                                     "/v1legacy", "/v1thinking", "/v1/models"])  # fmt: skip
@pytest.mark.parametrize("host", ["https://nano-gpt.com", "https://api.nano-gpt.com",
                                  "https://ai.bitcoin.com", "http://127.0.0.1:8787"])  # fmt: skip
def test_lists_and_older_routes_are_the_same_from_every_variant(host, variant):
    config = resolve(base_url=f"{host}/api{variant}")
    roots_of: dict[ModelScope, str] = {
        "all": "/v1",
        "subscription": "/subscription/v1",
        "paid": "/paid/v1",
    }
    for scope, root in roots_of.items():
        request = list_models(scope=scope).request
        assert config.url(request.root, request.path) == f"{host}/api{root}/models"
    assert config.url("api", "/check-balance") == f"{host}/api/check-balance"
    assert config.url("v1", "/embeddings") == f"{host}/api/v1/embeddings"


def test_without_an_account_there_is_no_key(monkeypatch):
    monkeypatch.setenv("NANOGPT_API_KEY", KEY)
    config = Config.resolve(None, None, accountless=True)
    for each in (config, pickle.loads(pickle.dumps(config))):
        assert each.api_key.get_secret_value() == ""
        assert (each.credentials, each.accountless) == ({}, True)
    with pytest.raises(ConfigurationError, match="not both"):
        Config.resolve(KEY, None, accountless=True)
    keyed = Config.resolve(None, None).credentials
    assert keyed == {"Authorization": f"Bearer {KEY}", "x-api-key": KEY}


@pytest.mark.parametrize(
    ("url", "path"),
    [
        (f"{API}/x402/complete/pay_1", "/x402/complete/pay_1"),
        ("/api/x402/complete/pay_1", "/x402/complete/pay_1"),
        ("https://cake.nano-gpt.com/api/x402/complete/pay_1", "/x402/complete/pay_1"),
        ("https://api.nano-gpt.com/api/v1/x", "/v1/x"),
        ("http://cake.nano-gpt.com/api/x402/complete/pay_1", None),
        ("https://me@cake.nano-gpt.com/api/x402/complete/pay_1", None),
        ("https://example.com/api/x402/complete/pay_1", None),
        ("https://nano-gpt.com/x402/complete/pay_1", None),
        ("https://nano-gpt.com/api/%2e%2e/pay_1", None),
        ("https://nano-gpt.com/api/x?y", None),
        ("https://[half", None),
        ("", None),
    ],
)
def test_a_path_is_taken_from_nanogpts_own_urls_alone(url, path):
    assert Config.resolve(KEY, None).path_of(url) == path


def test_other_servers_have_no_siblings():
    config = Config.resolve(KEY, "http://localhost:8080/api/v1")
    assert config.path_of("http://localhost:8080/api/x402/complete/pay_1") is not None
    assert config.path_of("http://localhost:8081/api/x402/complete/pay_1") is None
    assert config.path_of(f"{API}/x402/complete/pay_1") is None

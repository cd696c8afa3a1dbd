"""From an answer to its exception: every status, code and envelope; pickling; no key."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client import errors
from nanogpt_client._protocol.call import Reply
from nanogpt_client.errors import (
    DIRECT_HOST,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ConflictError,
    ContentPolicyError,
    ContextLengthExceededError,
    DailyLimitError,
    GatewayError,
    InsufficientBalanceError,
    InvalidArgumentError,
    JobFailedError,
    NanoGPTError,
    NotFoundError,
    OriginUnreachableError,
    PayloadTooLargeError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    StreamInterruptedError,
    error_from_body,
    error_from_reply,
)
from nanogpt_client.types.billing import Billing
from nanogpt_client.types.chat import ChatCompletion, Choice, Message
from tests.support.driving import ODD_VALUES, reply

CLASSES = [getattr(errors, name) for name in errors.__all__ if name.endswith("Error")]

STATUSES = {
    400: BadRequestError, 401: AuthenticationError, 402: InsufficientBalanceError,
    403: PermissionDeniedError, 404: NotFoundError, 405: NotFoundError, 408: GatewayError,
    409: ConflictError, 413: PayloadTooLargeError, 415: BadRequestError, 418: APIStatusError,
    422: BadRequestError, 429: RateLimitError, 500: ServerError, 502: GatewayError,
    503: ServerError, 504: GatewayError, 301: APIStatusError, 520: GatewayError, 524: GatewayError,
    **dict.fromkeys([521, 522, 523, 525, 526, 530], OriginUnreachableError), 529: GatewayError,
}  # fmt: skip

CODES = {
    (400, "context_length_exceeded"): ContextLengthExceededError,
    (400, "content_policy_violation"): ContentPolicyError,
    (400, "empty_response"): BadRequestError,
    (400, "tool_spec_too_large"): BadRequestError,
    (400, "invalid_tool_spec"): BadRequestError,
    (400, "image_input_not_supported"): BadRequestError,
    (400, "tool_choice_unsupported"): BadRequestError,
    (400, "no_fallback_available"): BadRequestError,
    (401, "invalid_api_key"): AuthenticationError,
    (403, "model_not_allowed"): PermissionDeniedError,
    (403, "api_key_origin_not_allowed"): PermissionDeniedError,
    (402, "insufficient_balance"): InsufficientBalanceError,
    (402, "insufficient_quota"): InsufficientBalanceError,
    (402, "memory_balance_required"): InsufficientBalanceError,
    (402, "webSearch_balance_required"): InsufficientBalanceError,
    (402, "both_balance_required"): InsufficientBalanceError,
    (404, "model_not_found"): NotFoundError,
    (429, "rate_limit_exceeded"): RateLimitError,
    (429, "daily_rpd_limit_exceeded"): DailyLimitError,
    (429, "daily_usd_limit_exceeded"): DailyLimitError,
    (408, "timeout"): ServerError,
    (502, "bad_gateway"): ServerError,
    (503, "all_fallbacks_failed"): ServerError,
    (503, "fallback_blocked_for_cache_consistency"): ServerError,
    (503, "model_not_available"): ServerError,
}

# The envelopes of contract §3 that carry a code.
ENVELOPES = {
    "openai": lambda code: {"error": {"message": "why", "type": "t", "code": code, "param": "p"}},
    "anthropic": lambda code: {"type": "error", "error": {"message": "why", "type": code}},
    "flat": lambda code: {"code": code, "message": "why"},
    "x402": lambda code: {
        "error": {"message": "why", "code": code},
        "payment": {"paymentId": "pay_1", "amountUsd": "0.0035", "accepted": []},
        "accepts": [],
    },
}


@pytest.mark.parametrize(("status", "cls"), STATUSES.items())
def test_every_status(status, cls):
    error = error_from_reply(Reply(status))
    assert type(error) is cls
    assert error.status_code == status
    who = "A gateway" if isinstance(error, GatewayError | OriginUnreachableError) else "NanoGPT"
    assert str(error).startswith(f"{who} answered {status}: an empty body")
    assert (DIRECT_HOST in str(error)) == (status in {413, 504, 524})


@pytest.mark.parametrize("envelope", ENVELOPES)
@pytest.mark.parametrize(("status", "code", "cls"), [(*key, cls) for key, cls in CODES.items()])
def test_every_code_in_every_envelope(status, code, cls, envelope):
    error = error_from_reply(reply(ENVELOPES[envelope](code), status))
    assert type(error) is cls
    assert str(error) == f"NanoGPT answered {status}: why"
    assert (error.type if envelope == "anthropic" else error.code) == code
    if envelope == "x402":
        assert getattr(error, "required_usd", None) == Decimal("0.0035")


def test_an_error_that_is_a_text():
    body = {"error": "Insufficient balance", "status": 402, "requiredBalance": 0.0035}
    error = error_from_reply(reply(body, 402, x_request_id="req_1"))
    assert isinstance(error, InsufficientBalanceError)
    assert error.required_usd == Decimal("0.0035")
    assert (error.request_id, error.code) == ("req_1", None)
    assert str(error) == "NanoGPT answered 402: Insufficient balance"


def test_what_the_envelope_knows_is_kept():
    body = {"error": {"message": "no", "type": "invalid_request_error", "code": "x", "param": "n"}}
    answer = reply(body, 400)
    error = error_from_reply(answer)
    assert (error.type, error.code, error.param) == ("invalid_request_error", "x", "n")
    assert error.response is answer
    assert not error.maybe_billed


def test_image_routes_name_the_parameter_in_full():
    body = {"error": {"message": "no", "code": "missing_model", "parameter": "model"}}
    assert error_from_reply(reply(body, 400)).param == "model"
    assert error_from_body(body).param == "model"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "an empty body"),
        (b"   \n ", "an empty body"),
        (
            b"<html><script>var x = '<p>';</script><h1>502</h1> Bad  gateway</html>",
            "502 Bad gateway",
        ),
        (b"<HTML><BODY>", "an empty body"),
        (b"upstream failed", "upstream failed"),
        (b'{"detail": "not found"}', "not found"),
        (b'"text"', "text"),
        (b"[1]", "[1]"),
        (b'[{"error": {"message": "a"}}, {"error": "b"}]', "a; b"),
        (b'{"errors": [{"message": "a"}, "b"]}', "a; b"),
        (
            b'{"detail": [{"loc": ["body"], "msg": "a"}]}',
            '{"detail": [{"loc": ["body"], "msg": "a"}]}',
        ),
        (b"\xff\xfe", "\ufffd\ufffd"),
    ],
)
def test_bodies_that_are_no_envelope(body, text):
    assert str(error_from_reply(Reply(500, {}, body))) == f"NanoGPT answered 500: {text}"
    error = error_from_reply(Reply(502, {}, body))
    assert type(error) is GatewayError
    assert str(error) == f"A gateway answered 502: {text}"


# As the providers behind NanoGPT put it; only some send the code.
TOO_LONG = [
    "prompt is too long: 213462 tokens > 200000 maximum",
    "Input is too long for requested model.",
    "This model's maximum context length is 128000 tokens. However, your messages resulted in 130k",
    "Your input exceeds the context window of this model. Please adjust your input and try again.",
    "The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).",
    "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
    "Please reduce the length of the messages or completion.",
    "the request exceeds the available context size, try increasing it",
    "tokens to keep from the initial prompt is greater than the context length",
    "invalid params, context window exceeds limit (2013)",
    "Your request exceeded model token limit: 262144",
    "Prompt contains 310000 tokens and 0 draft tokens, too large for a model of 262144 maximum",
    "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
    "The model returned the following errors: Input is too long.",
    "Prompt exceeds max length",
    "The decoder prompt (length 5000) is longer than the maximum model length of 4096.",
    "prompt tokens (9000) exceed the limit (8192)",
    "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 129024]",
    "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 4125",
    "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000",
    "Input validation error: `inputs` must have less than 4096 tokens. Given: 5000",
    "tokens in request more than max tokens allowed",
    "The total length of all messages is too long.",
    "ValidationException: Input exceeds the max input token limit",
    "Too many input tokens. The limit is 128000",
    "total tokens exceeds the model's max of 4096",
]


@pytest.mark.parametrize("status", [400, 413, 422])
@pytest.mark.parametrize("words", TOO_LONG)
def test_a_conversation_that_does_not_fit_is_told_by_its_words(words, status):
    error = error_from_reply(reply({"error": {"message": words}}, status))
    assert type(error) is ContextLengthExceededError
    assert type(error_from_body({"error": {"message": words}})) is ContextLengthExceededError


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("Rate limit: too many tokens per minute exceeds the context of your plan", 429),
        ("prompt is too long", 500),
        ("prompt is too long", 402),
        ("max_tokens must be at least 16", 400),
        ("max_tokens must be at most 4096", 400),
        ("Too many tokens per minute", 400),
        ("The context of this tool call is missing", 400),
        ("image is too long in one dimension", 400),
    ],
)
def test_other_errors_of_such_words_are_none(words, status):
    error = error_from_reply(reply({"error": {"message": words}}, status))
    assert not isinstance(error, ContextLengthExceededError)


@pytest.mark.parametrize("unit", [b"<", b"<script", b"<style>", b"</script", b"a<b "])
def test_a_hostile_page_is_read_in_no_time(unit):
    started = time.process_time()
    error = error_from_reply(Reply(502, {}, unit * 200_000))
    assert time.process_time() - started < 2  # square time would be minutes
    assert type(error) is GatewayError
    assert len(str(error)) < 1000


def test_a_code_that_repeats_the_status_is_no_code():
    error = error_from_body({"error": {"message": "no", "code": 401}})
    assert type(error) is AuthenticationError
    assert (error.code, error.status_code) == (None, 401)


@pytest.mark.parametrize(
    ("body", "cls", "status"),
    [
        (
            {"error": {"status": 429, "message": "x", "code": "rate_limit_exceeded"}},
            RateLimitError,
            429,
        ),
        (
            {"error": {"message": "x", "code": "context_length_exceeded"}},
            ContextLengthExceededError,
            None,
        ),
        ({"error": "x", "status": 402}, InsufficientBalanceError, 402),
        ({"error": {"status": 503}}, ServerError, 503),
        ({"error": {"status": 200, "message": "x"}}, APIStatusError, None),
        ({"error": True}, APIStatusError, None),
    ],
)
def test_errors_inside_a_200_may_have_been_billed(body, cls, status):
    error = error_from_body(body, request_id="req_3")
    assert (type(error), error.status_code) == (cls, status)
    assert (error.maybe_billed, error.request_id) == (True, "req_3")


JSON = st.recursive(
    st.sampled_from(ODD_VALUES),
    lambda inner: st.dictionaries(
        st.sampled_from(
            "error message type code param status payment detail requiredBalance".split()
        ),
        inner,
    ),
)


@given(JSON, st.sampled_from([200, 400, 402, 429, 503]))
def test_any_json_gives_an_exception_and_never_raises_one(body, status):
    error = error_from_reply(reply(body, status))
    assert isinstance(error, APIStatusError)
    check_line(str(error))
    if isinstance(body, dict):
        check_line(str(error_from_body(body)))


@given(st.binary(max_size=300))
def test_any_bytes_give_an_exception(body):
    check_line(str(error_from_reply(Reply(500, {}, body))))


def check_line(line: str) -> None:
    assert line
    assert len(line) <= 500
    assert len(line.splitlines()) == 1


@pytest.mark.parametrize("message", ["x" * 10_000, "a\n\n b\r\nc", "\u2028\x85", " "])
def test_str_is_one_line_of_at_most_500_characters(message):
    line = str(NanoGPTError(message))
    assert len(line) <= 500
    assert "\n" not in line
    assert line == " ".join(line.split())


@pytest.mark.parametrize("key", ["sk-nano-0123abcd-4567-89ab", "sk-abcdefghij"])
def test_keys_are_blotted_out(key):
    error = error_from_reply(reply({"error": {"message": f"Incorrect API key: {key}."}}, 401))
    for shown in (str(error), repr(error), error.message, str(error.args)):
        assert key not in shown
    assert "sk-…." in str(error)


def build(cls: type[NanoGPTError]) -> NanoGPTError:
    partial = ChatCompletion("c", "m", (Choice(0, Message("Hel"), None),), None, Billing(), {})
    return cls(
        "why", status_code=400, code="c", type="t", param="p", request_id="r", sends=2,
        maybe_billed=True, response=Reply(400, {"a": "b"}, b"body"), retry_after=1.5,
        required_usd=Decimal("0.5"), partial=partial, run_id="run",
    )  # fmt: skip


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))]
)
def test_every_exception_survives_a_pickle(cls, again):
    error = build(cls)
    other = again(error)
    assert type(other) is cls
    assert vars(other) == vars(error)
    assert (str(other), other.args) == (str(error), error.args)
    assert other.partial.text == "Hel"


@pytest.mark.parametrize("cls", CLASSES)
def test_every_exception_has_every_attribute(cls):
    error = cls("why")
    assert (error.status_code, error.code, error.type, error.param) == (None, None, None, None)
    assert (error.request_id, error.sends, error.maybe_billed) == (None, 0, False)
    assert (error.response, error.retry_after, error.partial) == (None, None, None)
    assert isinstance(error, NanoGPTError)


def test_bad_input_is_a_value_error_too():
    assert issubclass(ConfigurationError, ValueError)
    assert issubclass(InvalidArgumentError, ValueError)
    assert not issubclass(InvalidArgumentError, ConfigurationError)
    assert issubclass(APITimeoutError, errors.OutcomeUnknownError)
    assert JobFailedError("x").run_id is None
    assert StreamInterruptedError("x").partial is None


def test_the_tree_in_the_docstring_is_the_tree():
    drawn: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^    ([│ ├└─]*)(\w+Error)\b", line)
        if found:
            depth = len(found[1]) // 4
            path[depth:] = [found[2]]
            drawn[found[2]] = path[depth - 1] if depth else "Exception"
    defined = {
        name: cls.__bases__[0].__name__
        for name, cls in inspect.getmembers(errors, inspect.isclass)
        if issubclass(cls, NanoGPTError)
    }
    assert drawn == defined
    assert set(drawn) <= set(errors.__all__)

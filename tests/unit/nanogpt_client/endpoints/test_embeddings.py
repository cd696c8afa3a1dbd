"""Embeddings: vectors in the order of their texts, or an error."""

from __future__ import annotations

import base64
import json
import struct
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client._protocol.policy import send_with_retries
from nanogpt_client.endpoints.embeddings import embed
from nanogpt_client.errors import InvalidArgumentError, InvalidResponseError, NanoGPTError
from tests.support.driving import ODD_VALUES, context, drive, reply


def b64(*numbers: float) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def row(embedding: Any, index: Any = None) -> dict[str, Any]:
    return {"embedding": embedding} | ({} if index is None else {"index": index})


def answer(body: Any, texts: Any = "hi", **options: Any) -> Any:
    driven = drive(send_with_retries(embed(texts, model="m", **options), context()), reply(body))
    if driven.error is not None:
        raise driven.error
    return driven.result


def test_the_request():
    request = embed(["a", "b"], model="m", dimensions=3).request
    assert (request.path, request.root) == ("/embeddings", "v1")
    assert json.loads(request.content or b"") == {
        "model": "m", "input": ["a", "b"], "encoding_format": "base64", "dimensions": 3,
    }  # fmt: skip
    assert json.loads(embed("a", model="m", encoding_format="float").request.content or b"") == {
        "model": "m", "input": ["a"], "encoding_format": "float",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("texts", "match"),
    [
        ([], "texts is empty"),
        (["x"] * 2049, r"texts has 2049 items, NanoGPT accepts 2048; use embed_all"),
        (["a", 5], r"texts\[1\] must be a string, not int"),
        ([[1, 2]], r"texts\[0\] must be a string, not list"),
        (["a", None], r"texts\[1\] must be a string, not NoneType"),
    ],
)
def test_texts_that_nanogpt_would_refuse(texts, match):
    with pytest.raises(InvalidArgumentError, match=match) as caught:
        embed(texts, model="m")
    assert caught.value.param == "texts"


def test_a_blank_text_among_others_does_not_fail_them_all():
    texts = ["a", "", "\n\n", " b ", "\t"]
    sent = json.loads(embed(texts, model="m").request.content or b"")["input"]
    assert (sent, texts[1]) == (["a", " ", " ", " b ", " "], "")
    assert json.loads(embed("", model="m").request.content or b"")["input"] == [" "]


def test_2048_texts_are_fine():
    embed(["x"] * 2048, model="m")


@pytest.mark.parametrize(
    "data",
    [
        [row([1, 2], 0), row([3, 4], 1)],
        [row([3, 4], 1), row([1, 2], 0)],
        [row([1, 2]), row([3, 4])],
        [row(b64(3, 4), 1), row(b64(1, 2), 0)],
        [row(b64(1, 2), "0"), row([3.0, "4"], 1.0)],
    ],
)
def test_vectors_are_ordered_by_index_whatever_their_encoding(data):
    result = answer(
        {"data": data, "model": "m-1", "usage": {"prompt_tokens": 2}, "cost": 1}, ["a", "b"]
    )
    assert result.vectors.dtype == np.float32
    assert result.vectors.tolist() == [[1, 2], [3, 4]]
    assert (result.model, result.usage.prompt_tokens, result.billing.cost) == ("m-1", 2, 1)
    assert "data" not in result.raw
    assert result.vectors.flags.writeable


@pytest.mark.parametrize(
    ("data", "options", "match"),
    [
        ([], {}, "0 vectors for 2 texts"),
        (None, {}, "0 vectors for 2 texts"),
        ([row([1])], {}, "1 vectors for 2 texts"),
        ([row([1], 0), row([2], 0)], {}, "do not match the texts"),
        ([row([1], 1), row([2], 2)], {}, "do not match the texts"),
        ([row([1]), row([1, 2])], {}, r"lengths \[1, 2\]"),
        ([row([1]), row([2])], {"dimensions": 2}, r"lengths \[1\], expected 2"),
        ([row([]), row([])], {}, "neither base64 nor"),
        ([row(""), row("")], {}, "lengths|neither"),
        ([row("AAA="), row("AAA=")], {}, "neither base64 nor"),
        ([row("!!!!"), row("!!!!")], {}, "neither base64 nor"),
        ([row(None), row(None)], {}, "neither base64 nor"),
        ([row([{}]), row([1])], {}, "neither base64 nor"),
        ([row([[1, 2]]), row([[1, 2]])], {}, "neither base64 nor"),
        ([row([10**400]), row([1])], {}, "neither base64 nor"),
        ([row([None]), row([1])], {}, "not finite numbers"),
        ([row([1e300]), row([1])], {}, "not finite numbers"),
        ([row([float("nan")]), row([1])], {}, "not finite numbers"),
        ([row(b64(float("inf"))), row(b64(1))], {}, "not finite numbers"),
    ],
)
def test_vectors_that_nobody_can_use(data, options, match):
    with pytest.raises(InvalidResponseError, match=match) as caught:
        answer({"data": data}, ["a", "b"], **options)
    assert caught.value.maybe_billed


@given(
    st.sampled_from(ODD_VALUES)
    | st.fixed_dictionaries(
        {
            "data": st.lists(
                st.fixed_dictionaries(
                    {
                        "embedding": st.sampled_from([*ODD_VALUES, b64(1)]),
                        "index": st.sampled_from(ODD_VALUES),
                    }
                )
            )
        },
        optional={"model": st.sampled_from(ODD_VALUES), "usage": st.sampled_from(ODD_VALUES)},
    )
)
def test_any_json_is_an_answer_or_an_error(body):
    with suppress(NanoGPTError):
        assert answer(body).vectors.shape[0] == 1

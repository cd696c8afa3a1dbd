"""Prompts that show the form of their answer are answered in it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nanogpt_client.sandbox.brain import respond

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
}
RANKING = {
    "type": "object",
    "properties": {
        "picks": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "document_id": {"type": "integer"},
                    "score": {"type": "integer", "minimum": 0, "maximum": 100},
                },
                "required": ["document_id", "score"],
            },
        }
    },
    "required": ["picks"],
}
DOCUMENTS = """Which of these documents help?

Document 4:
Parrots can talk.

Document 5:
Nano is a currency without fees.

Document 6:
A currency is money.
Question: Which currency has no fees?
Answer:
"""


def said(request: str, system: str = "", **body: Any) -> str:
    messages = [{"role": "system", "content": system}] if system else []
    messages.append({"role": "user", "content": request})
    return respond({"messages": messages, **body}).text


@pytest.mark.parametrize("braces", [("{", "}"), ("{{", "}}")])
@pytest.mark.parametrize(
    "before", ["Follow this JSON schema:\n", "The schema (read it):\n```json\n"]
)
def test_a_printed_schema_is_followed(before, braces):
    schema = json.dumps(PERSON).replace("{", braces[0]).replace("}", braces[1])
    found = said(f"Who is it? Ann is 31 years old.\n\n{before}{schema}\n")
    assert json.loads(found) == {"name": "Ann", "age": 31}


def test_a_schema_that_is_only_spoken_of_is_not_followed():
    context = f"Context:\nA schema is a contract. It begins like so. {json.dumps(PERSON)}"
    found = said(f"{context}\n\nQuestion: What is a schema?\nAnswer:")
    assert found == "A schema is a contract."


def test_numbered_documents_are_ranked():
    schema = {"type": "json_schema", "json_schema": {"name": "r", "schema": RANKING}}
    picks = json.loads(said(DOCUMENTS, response_format=schema))["picks"]
    assert [each["document_id"] for each in picks] == [5, 6]
    assert 100 >= picks[0]["score"] > picks[1]["score"] > 0


def test_documents_of_which_none_fits_still_get_one():
    schema = {"type": "json_schema", "json_schema": {"name": "r", "schema": RANKING}}
    request = DOCUMENTS.replace("Which currency has no fees?", "Who built Rome?")
    assert len(json.loads(said(request, response_format=schema))["picks"]) == 1


EXAMPLE = """Say which desk takes which part of a question.

# Example 1
<Desks>
```json
{"sales": "prices and offers", "repair": "broken machines"}
```

<Question>
What does it cost, and can you mend mine?

<Output>
```json
{"parts": [{"part": "What does it cost?", "desk": "sales"},
           {"part": "Can you mend mine?", "desk": "repair"}]}
```

# Example 2
<Desks>
```json
{"zoo": "animals such as parrots", "bank": "money and fees"}
```

<Question>
Which money has no fees? Do parrots talk?

<Output>
"""


def test_an_example_is_followed():
    fence, _, rest = said(EXAMPLE).partition("\n")
    assert fence == "```json"
    assert json.loads(rest.removesuffix("```")) == {
        "parts": [
            {"part": "Which money has no fees?", "desk": "bank"},
            {"part": "Do parrots talk?", "desk": "zoo"},
        ]
    }


SCORING = """Judge an answer. Put the score alone in a line and why below it.
Scores are between 1 and 5.

Example Response:
3.5
It leaves a bit out.
"""


@pytest.mark.parametrize(
    ("answer", "score"),
    [("Nano is a currency without fees.", 5.0), ("Parrots can talk.", 1.0)],
)
def test_a_score_stands_in_a_line_of_its_own(answer, score):
    reference = "## Reference Answer\nNano is a currency without fees."
    found = said(f"## Query\nWhich?\n\n{reference}\n\n## Generated Answer\n{answer}", SCORING)
    line, _, reason = found.partition("\n")
    assert (line, bool(reason)) == (f"{score:.1f}", True)


TRIPLETS = """Give facts in the form of (subject, predicate, object).
-----
Text: Ann lives in Rome.
Facts:
(Ann, lives in, Rome)
-----
Text: {text}
Facts:
"""


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("Nano is a currency without fees.", "(Nano, is, currency without fees)"),
        ("Parrots can talk. The cat sits on a mat.", "(Parrots, can, talk)\n(cat, sits on, mat)"),
        ("Hm.", "None."),
    ],
)
def test_statements_become_triplets(text, facts):
    assert said(TRIPLETS.format(text=text)) == facts


def test_triplets_as_json():
    prompt = TRIPLETS.replace("(Ann, lives in, Rome)", "[{'subject': 'Ann', 'subject_type': "
                              "'PERSON', 'predicate': 'LIVES', 'object': 'Rome'}]")  # fmt: skip
    found = json.loads(said(prompt.replace("{text}", "Parrots can talk.")))
    assert found == [
        {"subject": "Parrots", "subject_type": "Thing", "predicate": "can", "object": "talk"}
    ]


@pytest.mark.parametrize(
    ("context", "verdict"), [("Nano is a currency without fees.", "YES"), ("Parrots talk.", "NO")]
)
def test_yes_or_no(context, verdict):
    first = (
        "Is the response in line with the context? Either YES/ NO.\nQuery and Response: \n"
        "Question: Which one?\nResponse: Nano is a currency.\nContext: \n{}\nAnswer: "
    )
    assert said(first.format(context)) == verdict
    again = (
        "Is it in the context information: Nano is a currency.\nWe have provided an existing "
        "YES/NO answer: {}\n----------\n{}\n----------\nSay YES if it is.\n"
    )
    assert said(again.format("NO", context)) == verdict
    assert said(again.format("YES", context)) == "YES"

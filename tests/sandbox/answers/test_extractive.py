"""Answers from context, in the forms in which LangChain's and LlamaIndex's prompts give it."""

from __future__ import annotations

import time

import pytest
from llama_index.core.prompts import default_prompts

from nanogpt_client.sandbox import ChatRequest, Extractive
from nanogpt_client.sandbox.search import search

ANSWER = "The lighthouse of Sandhaven was built by Ida Brandt in 1874."
CONTEXT = (
    f"file_path: docs/nano.md\n\n{ANSWER} It is 41 metres tall.\n\n"
    "Question: is this the question?\nAnswer: no, it only stands in the context.\n---\n"
    "The keeper feeds the lamp with rapeseed oil. Visitors may climb it on Sundays."
)
QUESTION = "Who built the lighthouse?"


def ask(*messages, **given):
    wire = [
        {"role": "user", "content": each} if isinstance(each, str) else each for each in messages
    ]
    return Extractive()(ChatRequest({"model": "m", "messages": wire}, **given))


@pytest.mark.parametrize("template", [
    "Answer from this context:\n{context}\n\nQuestion: {question}",
    "Answer based only on the following context:\n{context}\n\nQuestion: {question}\n",
    "Use the context to answer.\nQuestion: {question} \nContext: {context} \nAnswer:",
    "Use the following context.\n\n{context}\n\nQuestion: {question}\nHelpful Answer:",
    "<context>\n{context}\n</context>\n\n<question>{question}</question>",
    "Answer the question.\n\n<context>\n{context}\n</context>\n\n{question}",
    "## Context\n{context}\n\n## Question\n{question}", "{context}\n\n{question}",
    "{question}\n\nTrains run.\n\n" + ANSWER + " It shines.",
])  # fmt: skip
def test_langchain_and_plain_prompts(template):
    assert ask(template.format(context=CONTEXT, question=QUESTION)).text == ANSWER


def test_other_sources_of_context():
    asked = f"Context:\n{CONTEXT}\n\nQuestion: Which airline flies to Rome?"
    assert ask(asked).text == "The given context does not answer that."
    said = "I was given no context to answer from."
    assert ask({"role": "system", "content": "You are helpful."}, QUESTION).text == said
    assert ask(QUESTION, attachments=(CONTEXT,)).text == ANSWER
    call = {"id": "1", "type": "function", "function": {"name": "find", "arguments": "{}"}}
    called = {"role": "assistant", "content": None, "tool_calls": [call]}
    result = {"role": "tool", "tool_call_id": "1", "content": CONTEXT}
    assert ask(QUESTION, called, result).text == ANSWER
    opening = "Rain fell all night. The river rose. By noon the bridge was closed."
    prompt = default_prompts.DEFAULT_SUMMARY_PROMPT.format(context_str=f"{opening} It held.")
    assert ask(prompt).text == opening


@pytest.mark.parametrize(("question", "answer"), [
    ("What is the Nano currency?",
     "Nano, ticker XNO, is a digital currency made for small and quick payments. [1]"),
    ("capital of Australia",
     "Canberra, not Sydney or Melbourne, is the capital of Australia. [1]"),
    ("How does NanoGPT search the web?", "Adding the suffix :online to a model name"),
])  # fmt: skip
def test_search_results_are_cited(question, answer):
    results = tuple(search(question))
    turn = ask(question, search_results=results)
    assert turn.text.startswith(answer)
    assert turn.citations
    for cited in turn.citations:
        number = [result.url for result in results].index(cited.url)
        source = results[number].content
        assert turn.text[cited.start_index : cited.end_index] in " ".join(source.split())
        assert turn.text[cited.end_index :].startswith(f" [{number + 1}]")
        assert source.startswith(cited.content.rstrip("…")[:100])


def test_20_kb_of_context_are_read_fast():
    passages = [f"Graph number {i} handles the edges of node {i}. It is old." for i in range(400)]
    prompt = f"Context:\n{chr(10).join(passages)[:20_000]}\nQuestion: What does graph 7 handle?"
    ask(prompt)
    started = time.perf_counter()
    ask(prompt)
    assert time.perf_counter() - started < 0.5

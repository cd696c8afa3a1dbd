"""Answers from context, in the forms in which LangChain's and LlamaIndex's prompts give it."""

from __future__ import annotations

import time

import pytest
from llama_index.core.chat_engine import condense_question
from llama_index.core.chat_engine.condense_plus_context import DEFAULT_CONTEXT_PROMPT_TEMPLATE
from llama_index.core.chat_engine.context import DEFAULT_CONTEXT_TEMPLATE, DEFAULT_REFINE_TEMPLATE
from llama_index.core.prompts import chat_prompts, default_prompts

from nanogpt_client.sandbox import ChatRequest, Extractive, SearchResult
from nanogpt_client.sandbox.media.search import search

ANSWER = "The lighthouse of Sandhaven was built by Ida Brandt in 1874."
CONTEXT = (
    f"file_path: docs/nano.md\n\n{ANSWER} It is 41 metres tall.\n\n"
    "Question: is this the question?\nAnswer: no, it only stands in the context.\n---\n"
    "The keeper feeds the lamp with rapeseed oil. Visitors may climb it on Sundays."
)
QUESTION = "Who built the lighthouse?"
UNKNOWN = "The given context does not answer that."


def ask(*messages, **given):
    wire = [
        {"role": "user", "content": each} if isinstance(each, str) else each for each in messages
    ]
    return Extractive()(ChatRequest({"model": "m", "messages": wire}, **given))


def formatted(template, **values):
    messages = template.format_messages(**values)
    return [{"role": each.role.value, "content": each.content} for each in messages]


@pytest.mark.parametrize("template", [
    default_prompts.DEFAULT_TEXT_QA_PROMPT, default_prompts.DEFAULT_TREE_SUMMARIZE_PROMPT,
    chat_prompts.CHAT_TEXT_QA_PROMPT, chat_prompts.CHAT_TREE_SUMMARIZE_PROMPT,
])  # fmt: skip
def test_llama_index_question_prompts(template):
    for question, said in ((QUESTION, ANSWER), ("Which airline flies to Rome?", UNKNOWN)):
        assert ask(*formatted(template, context_str=CONTEXT, query_str=question)).text == said


@pytest.mark.parametrize(
    "template", [default_prompts.DEFAULT_REFINE_PROMPT, chat_prompts.CHAT_REFINE_PROMPT]
)
@pytest.mark.parametrize(
    ("context", "refined"), [(CONTEXT, ANSWER), ("Bread needs flour.", "Nobody knows.")]
)
def test_llama_index_refine_prompts(template, context, refined):
    values = {"context_msg": context, "query_str": QUESTION, "existing_answer": "Nobody knows."}
    assert ask(*formatted(template, **values)).text == refined


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


@pytest.mark.parametrize("template", [
    DEFAULT_CONTEXT_TEMPLATE.replace("{context_str}", "{context}"),
    DEFAULT_CONTEXT_PROMPT_TEMPLATE.replace("{context_str}", "{context}"),
    DEFAULT_REFINE_TEMPLATE.replace("{context_msg}", "{context}"),
    "Answer from this:\n<context>{context}</context>",
])  # fmt: skip
def test_context_in_the_system_message(template):
    given = {"role": "system", "content": template.format(context=CONTEXT, existing_answer="-")}
    assert ask(given, QUESTION).text == ANSWER


FOLLOW_UP = "Chat History:\nuser: Hi?\nFollow Up Input: {question}\nStandalone question:"


@pytest.mark.parametrize(
    "template",
    [FOLLOW_UP, condense_question.DEFAULT_TEMPLATE.replace("{chat_history}", "user: Who is it?")],
)
def test_a_follow_up_message_is_a_question_of_its_own(template):
    assert ask(template.format(question=QUESTION)).text == QUESTION


def test_other_sources_of_context():
    said = "I was given no context to answer from."
    assert ask({"role": "system", "content": "You are helpful."}, QUESTION).text == said
    assert ask(QUESTION, attachments=(CONTEXT,)).text == ANSWER
    call = {"id": "1", "type": "function", "function": {"name": "find", "arguments": "{}"}}
    called = {"role": "assistant", "content": None, "tool_calls": [call]}
    assert (
        ask(QUESTION, called, {"role": "tool", "tool_call_id": "1", "content": CONTEXT}).text
        == ANSWER
    )
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


def test_a_second_source_is_cited_too():
    results = (
        SearchResult("Lamps", "https://a.example", "Lamps shine. Sandhaven's lamp burns oil."),
        SearchResult("Ships", "https://b.example", "Ships sail. Sandhaven's lamp burns oil daily."),
    )
    turn = ask("What does the lamp of Sandhaven burn?", search_results=results)
    assert {cited.url for cited in turn.citations} == {"https://a.example", "https://b.example"}


def test_20_kb_of_context_are_read_fast():
    passages = [f"Graph number {i} handles the edges of node {i}. It is old." for i in range(400)]
    prompt = f"Context:\n{chr(10).join(passages)[:20_000]}\nQuestion: What does graph 7 handle?"
    ask(prompt)
    started = time.perf_counter()
    ask(prompt)
    assert time.perf_counter() - started < 0.5

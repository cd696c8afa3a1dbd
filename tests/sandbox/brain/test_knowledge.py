"""General knowledge: answered from the built-in corpus, or plainly not at all."""

from __future__ import annotations

import pytest

from nanogpt_client.sandbox.answers.text import sentences
from nanogpt_client.sandbox.brain.cite import cited_answer
from nanogpt_client.sandbox.brain.knowledge import answered, recall
from nanogpt_client.sandbox.media.search import search
from tests.sandbox.brain.chats import ask, assistant, user

EMULATOR = "NanoGPT's sandbox emulator"


@pytest.mark.parametrize(
    ("question", "opening"),
    [
        ("What is retrieval-augmented generation?", "Retrieval-augmented generation, RAG for"),
        ("What is RAG?", "Retrieval-augmented generation, RAG for"),
        ("what is the capital of France", "Paris is the capital"),
        ("Is Paris the capital of France?", "Paris is the capital"),
        ("Who wrote Hamlet?", "William Shakespeare wrote about 38 plays"),
        ("Who invented the printing press?", "Johannes Gutenberg"),
        ("Who was Mozart?", "Wolfgang Amadeus Mozart"),
        ("When was Python first released?", "Python"),
        ("Tell me about Mars.", "Mars is the fourth planet"),
        ("What is NanoGPT?", "NanoGPT is a service"),
        ("Who won the world cup in 2022?", "Brazil has won"),
        ("How do I make bread?", "Bread needs"),
        ("Why do leaves look green?", "Photosynthesis"),
    ],
)
def test_recalls_what_is_asked(question, opening):
    text = ask(question).text
    assert text.startswith(opening) or opening in text
    assert EMULATOR not in text
    assert "[1]" not in text


@pytest.mark.parametrize(
    ("question", "count"),
    [
        ("In one sentence: what is retrieval-augmented generation?", 1),
        ("Describe the greenhouse effect in one sentence.", 1),
        ("Explain photosynthesis in two sentences.", 2),
        ("What is LangChain? Answer in three short sentences.", 3),
        ("Give me three facts about bees.", 3),
    ],
)
def test_in_as_many_sentences_as_asked(question, count):
    text = ask(question).text
    assert len(sentences(text)) == count
    assert EMULATOR not in text


@pytest.mark.parametrize(
    "question",
    [
        "What is the capital of Mongolia?",
        "Tell me about quantum chromodynamics",
        "What's the weather in Paris?",
        "What time is it?",
        "Where do I live?",
        "What is my name?",
        "What is the meaning of life?",
        "Show the documentation of BaseChatModel",
        "how many bones does a human have",
    ],
)
def test_says_plainly_when_it_knows_nothing(question):
    assert not recall(question).sentences
    assert EMULATOR in ask(question).text


def test_each_clause_is_answered():
    text = recall("What is the Nano currency, and what does a transfer of it cost?").text
    assert "digital currency" in text
    assert "no fee" in text


def test_two_things_are_compared():
    text = recall("Compare bitcoin and nano").text
    assert "Bitcoin is" in text
    assert "Nano, ticker XNO" in text


def test_a_pronoun_stands_for_what_was_spoken_of():
    talk = [user("What is Mars?"), assistant("A planet."), user("How long does a day there last?")]
    assert "24 hours" in ask(talk).text


def test_web_answers_are_drawn_from_the_article_asked_for():
    question = "What is Python?"
    hits = search(question)
    text, citations = cited_answer(question, hits)
    assert text.startswith("Python is a general-purpose programming language")
    for each in citations:
        span = text[each.start_index : each.end_index]
        assert span in next(hit.content for hit in hits if hit.url == each.url)
    assert "NanoGPT" not in cited_answer("What is the Nano currency?", search("Nano currency"))[0]


def test_answers_come_from_the_given_articles_alone():
    hits = search("jazz")
    assert answered("What is jazz?", hits).sources[0] == 0
    assert not answered("What is the capital of France?", hits).sentences
    assert not answered("What is jazz?", []).sentences

"""Extractive answers: the prompts of both frameworks, and the ones people write by hand."""

from __future__ import annotations

import time

import pytest
from langchain_core.prompts import ChatPromptTemplate
from llama_index.core.chat_engine.condense_plus_context import (
    DEFAULT_CONDENSE_PROMPT_TEMPLATE,
    DEFAULT_CONTEXT_PROMPT_TEMPLATE,
)
from llama_index.core.chat_engine.condense_question import DEFAULT_TEMPLATE
from llama_index.core.chat_engine.context import DEFAULT_CONTEXT_TEMPLATE, DEFAULT_REFINE_TEMPLATE
from llama_index.core.evaluation.faithfulness import DEFAULT_EVAL_TEMPLATE
from llama_index.core.extractors.metadata_extractors import (
    DEFAULT_KEYWORD_EXTRACT_TEMPLATE as KEYWORDS_OF_NODE,
)
from llama_index.core.output_parsers.selection import SelectionOutputParser
from llama_index.core.prompts import chat_prompts, default_prompts
from llama_index.core.prompts.default_prompts import (
    DEFAULT_CHOICE_SELECT_PROMPT_TMPL,
    DEFAULT_KEYWORD_EXTRACT_TEMPLATE_TMPL,
    DEFAULT_SUMMARY_PROMPT_TMPL,
    RANKGPT_RERANK_PROMPT_TMPL,
)
from llama_index.core.retrievers.fusion_retriever import QUERY_GEN_PROMPT
from llama_index.core.selectors.prompts import DEFAULT_SINGLE_SELECT_PROMPT_TMPL

from nanogpt_client.sandbox.answers.text import count_tokens, sentences
from nanogpt_client.sandbox.brain import respond
from nanogpt_client.sandbox.brain.context import commands, take_apart, told
from nanogpt_client.sandbox.brain.extract import extract
from tests.sandbox.brain.chats import ask, assistant, system, user

CONTEXT = (
    "file_path: docs/nano.md\n\n"
    "The lighthouse of Sandhaven was built by Ida Brandt in 1874. It is 41 metres tall.\n\n"
    "Question: is this the question?\nAnswer: no, it only stands in the context.\n---\n"
    "The keeper feeds the lamp with rapeseed oil. Visitors may climb it on Sundays."
)
QUESTION = "Who built the lighthouse?"
ANSWER = "The lighthouse of Sandhaven was built by Ida Brandt in 1874."


def _wire(messages):
    return [{"role": each.role.value, "content": each.content} for each in messages]


@pytest.mark.parametrize(
    "template",
    [
        default_prompts.DEFAULT_TEXT_QA_PROMPT,
        default_prompts.DEFAULT_TREE_SUMMARIZE_PROMPT,
        chat_prompts.CHAT_TEXT_QA_PROMPT,
        chat_prompts.CHAT_TREE_SUMMARIZE_PROMPT,
    ],
)
def test_llama_index_question_prompts(template):
    messages = template.format_messages(context_str=CONTEXT, query_str=QUESTION)
    assert respond({"messages": _wire(messages)}).text == ANSWER


@pytest.mark.parametrize(
    "template", [default_prompts.DEFAULT_REFINE_PROMPT, chat_prompts.CHAT_REFINE_PROMPT]
)
def test_llama_index_refine_prompts(template):
    known = "Nobody knows.\nReally."
    better = template.format_messages(
        context_msg=CONTEXT, query_str=QUESTION, existing_answer=known
    )
    assert respond({"messages": _wire(better)}).text == ANSWER
    useless = template.format_messages(
        context_msg="Bread needs flour and water.", query_str=QUESTION, existing_answer=known
    )
    assert respond({"messages": _wire(useless)}).text == known


STUFFED = (  # the usual prompt of retrieval chains: the question stands above the context
    "You are an assistant for question-answering tasks. Use the following pieces of retrieved"
    " context to answer the question.\nQuestion: {question} \nContext: {context} \nAnswer:"
)
AT_THE_END = (
    "Use the following pieces of context to answer the question at the end.\n\n{context}\n\n"
    "Question: {question}\nHelpful Answer:"
)
BASED_ON = "Answer based only on the following context:\n{context}\n\nQuestion: {question}\n"


@pytest.mark.parametrize(
    "template",
    [
        "Answer from context:\n{context}\nQuestion: {question}",
        BASED_ON,
        STUFFED,
        AT_THE_END,
        "<context>\n{context}\n</context>\n\n<question>{question}</question>",
        "## Context\n{context}\n\n## Question\n{question}",
        "{context}\n\n{question}",
    ],
)
def test_langchain_and_plain_prompts(template):
    prompt = ChatPromptTemplate.from_template(template).invoke(
        {"context": CONTEXT, "question": QUESTION}
    )
    assert ask(str(prompt.to_messages()[0].content)).text == ANSWER


@pytest.mark.parametrize("prompt", [DEFAULT_CONTEXT_TEMPLATE, DEFAULT_CONTEXT_PROMPT_TEMPLATE])
def test_context_in_the_system_message(prompt):
    said = system(prompt.format(context_str=CONTEXT))
    assert ask([said, user(QUESTION)]).text == ANSWER


def test_refine_in_the_system_message():
    said = DEFAULT_REFINE_TEMPLATE.format(context_msg=CONTEXT, existing_answer="Nobody.")
    assert ask([system(said), user(QUESTION)]).text == ANSWER


def test_a_sentence_of_the_system_message():
    said = system("You are the clerk of a shop. Be brief. Refunds are paid within 30 days.")
    assert ask([said, user("When are refunds paid?")]).text == "Refunds are paid within 30 days."


def test_says_when_the_context_has_no_answer():
    prompt = default_prompts.DEFAULT_TEXT_QA_PROMPT_TMPL.format(
        context_str=CONTEXT, query_str="Which airline flies to Tokyo?"
    )
    assert "context does not answer" in ask(prompt).text


def test_a_pronoun_brings_the_sentence_it_stands_for():
    found = extract("How tall is the lighthouse?", [CONTEXT])
    assert found.text == f"{ANSWER} It is 41 metres tall."


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("When was the lighthouse built? Answer with one word.", "1874"),
        ("Who built the lighthouse? Answer in one word.", "Ida"),
        ("Does the keeper feed the lamp with rapeseed oil? Answer yes or no.", "Yes"),
        ("May visitors sleep on the roof? Answer yes or no.", "No"),
        ("How tall is it, the lighthouse? Reply with only the number.", "41"),
    ],
)
def test_obeys_the_wanted_shape(question, answer):
    assert ask(f"Context: {CONTEXT}\nQuestion: {question}").text == answer


def test_a_summary_is_the_leading_sentences():
    prompt = DEFAULT_SUMMARY_PROMPT_TMPL.format(
        context_str="Rain fell all night. The river rose. By noon the bridge was closed. It held."
    )
    text = ask(prompt).text
    assert text == "Rain fell all night. The river rose. By noon the bridge was closed."


def test_the_best_sentence_stands_alone():
    context = f"{CONTEXT} The harbour was built in 1901 by nobody in particular."
    assert extract(QUESTION, [context]).text == ANSWER


def test_attachments_are_context():
    turn = respond(
        {"messages": [user("Who signed the lease?")]},
        attachments=["The lease began in May. It was signed by Mara Quint."],
    )
    assert "Mara Quint" in turn.text


def test_remembers_what_was_said():
    talk = [user("My name is Ada and I like tea."), assistant("Hello Ada!")]
    assert "your name is ada" in ask([*talk, user("What is my name?")]).text.lower()
    assert ask("My name is Ada. What is my name?").text == "Your name is Ada."


@pytest.mark.parametrize("template", [DEFAULT_CONDENSE_PROMPT_TEMPLATE, DEFAULT_TEMPLATE])
@pytest.mark.parametrize(
    ("history", "followup", "standalone"),
    [
        ("user: What is Sandhaven?\nassistant: Sandhaven is a town.", "Who founded it?",
         "Who founded Sandhaven?"),
        ("user: What is the weather in Paris?\nassistant: Fine.", "What about Rome?",
         "What is the weather in Rome?"),
        ("user: What is the tide?\nassistant: water.", "Why does it turn?",
         "Why does the tide turn?"),
        ("user: What is Sandhaven?\nassistant: A town.", "What is its age?",
         "What is Sandhaven's age?"),
        ("user: What is Sandhaven?\nassistant: A town.", "Why?", "Why (about Sandhaven)?"),
        ("user: why so?\nassistant: it is so.", "What about Rome?", "What about Rome?"),
        ("user: Who was Ida Brandt?\nassistant: An engineer.", "What was her first work?",
         "What was Ida Brandt's first work?"),
        ("", "Who built the lighthouse of Sandhaven?", "Who built the lighthouse of Sandhaven?"),
    ],
)  # fmt: skip
def test_condenses_a_followup(template, history, followup, standalone):
    assert ask(template.format(chat_history=history, question=followup)).text == standalone


def test_condenses_with_the_history_in_messages():
    told = system(
        "Given a chat history and the latest user question which might reference context in the "
        "chat history, formulate a standalone question which can be understood without the chat "
        "history. Do NOT answer the question."
    )
    talk = [user("What is Sandhaven?"), assistant("A town by the sea.")]
    assert ask([told, *talk, user("Who founded it?")]).text == "Who founded Sandhaven?"


def test_earlier_results_and_answers_are_remembered():
    found = {"role": "tool", "tool_call_id": "1", "content": "Tides turn at 6."}
    talk = [user("Look it up"), found,
            assistant("Done. The harbour office closes at noon.")]  # fmt: skip
    assert ask([*talk, user("When do tides turn?")]).text == "Tides turn at 6."
    assert "closes at noon" in ask([*talk, user("When does the harbour office close?")]).text


def test_asks_for_questions_and_titles():
    text = "The lighthouse of Sandhaven is tall. It shines."
    prompt = f"Here is the context:\n{text}\n\nGiven the context, generate 2 questions about it."
    assert ask(prompt).text.count("?") == 2
    assert ask(f"Context: {text}. Give a title that sums it up. Title: ").text == (
        "The lighthouse of Sandhaven is tall"
    )


def test_chooses_among_summaries():
    prompt = DEFAULT_SINGLE_SELECT_PROMPT_TMPL.format(
        num_choices=2,
        context_list="(1) Useful for recipes\n\n(2) Useful for train times\n\n",
        query_str="When does the train leave?",
    )
    parser = SelectionOutputParser()
    chosen = parser.parse(ask(parser.format(prompt)).text).parsed_output
    assert [each.choice for each in chosen] == [2]


def test_selects_documents():
    prompt = DEFAULT_CHOICE_SELECT_PROMPT_TMPL.format(
        context_str="Document 1:\nBread needs flour.\n\nDocument 2:\nTrains leave at noon.\n",
        query_str="When do trains leave?",
    )
    assert ask(prompt).text == "Doc: 2, Relevance: 10"


def test_ranks_passages():
    talk = [
        user("[1] Bread needs flour."), assistant("Received passage [1]."),
        user("[2] Trains leave at noon."), assistant("Received passage [2]."),
    ]  # fmt: skip
    prompt = RANKGPT_RERANK_PROMPT_TMPL.format(query="When do trains leave?", num=2)
    assert ask([*talk, user(prompt)]).text == "[2] > [1]"


def test_keywords_queries_and_support():
    text = "Lighthouses guide ships. A lighthouse has a lamp."
    keywords = ask(DEFAULT_KEYWORD_EXTRACT_TEMPLATE_TMPL.format(max_keywords=2, text=text)).text
    assert keywords.startswith("KEYWORDS: Lighthouses, ")
    assert ask(KEYWORDS_OF_NODE.format(context_str=text, keywords=1)).text == "Lighthouses"
    assert len(ask(QUERY_GEN_PROMPT.format(num_queries=3, query="lamp oil")).text.split("\n")) == 3
    for claim, verdict in (("A lighthouse has a lamp", "YES"), ("Trains eat bread", "NO")):
        prompt = DEFAULT_EVAL_TEMPLATE.format(query_str=claim, context_str=text)
        assert ask(prompt).text == verdict


def test_fences_may_separate_chunks():
    prompt = take_apart("Context:\n-----\nfirst\n-----\nsecond\n-----\nQuery: which?\nAnswer: ")
    assert prompt.question == "which?"
    assert "first" in prompt.passages[0]
    assert "second" in prompt.passages[0]


def test_sentences_survive_abbreviations_and_wrapping():
    text = (
        "Dr. Quint went to the U.S. in 1999. She paid $3.50, i.e. little. This line is so long"
        " that\nan editor wrapped it.\n- one\n- two\n\n你好。再见！"
    )
    assert sentences(text) == [
        "Dr. Quint went to the U.S. in 1999.",
        "She paid $3.50, i.e. little.",
        "This line is so long that an editor wrapped it.",
        "- one",
        "- two",
        "你好。",
        "再见！",
    ]


def test_tokens_are_counted_roughly():
    assert count_tokens("") == 0
    assert count_tokens("twelve characters"[:12]) == 3
    assert count_tokens("你好世界") == 4


TALKS_OF_JSON = (
    "class BaseChatModel: A wrapper that returns outputs formatted to match the given schema. It "
    "can be passed in as a JSON Schema, a `TypedDict` class or a Pydantic class. Respond in JSON "
    "with keys name and age. Otherwise the model output must be a dict with the keys `raw` and "
    "`parsed`. Rephrase it as a standalone question. Generate 3 questions. Answer in one word.\n"
    'Example: {"properties": {"name": {"type": "string"}}}'
)


@pytest.mark.parametrize(
    "template",
    [
        "Answer from this context:\n{context}\n\nQuestion: {question}",
        default_prompts.DEFAULT_TEXT_QA_PROMPT_TMPL.replace("{context_str}", "{context}").replace(
            "{query_str}", "{question}"
        ),
        BASED_ON,
        STUFFED,
        AT_THE_END,
        "{context}\n\n{question}",
    ],
)
def test_words_of_a_context_are_no_instructions(template):
    question = "What formats outputs to match a schema?"
    answer = ask(template.format(context=TALKS_OF_JSON, question=question)).text
    assert answer.startswith("class BaseChatModel: A wrapper that returns outputs formatted")


def test_a_refined_answer_is_no_json_either():
    messages = chat_prompts.CHAT_REFINE_PROMPT.format_messages(
        context_msg=TALKS_OF_JSON, query_str="Which wrapper returns outputs?", existing_answer="?"
    )
    assert respond({"messages": _wire(messages)}).text.startswith("class BaseChatModel: A wrapper")


@pytest.mark.parametrize(
    "question",
    [
        "How do I answer in JSON with an output parser?",
        "How do I generate 3 questions from documents?",
        "What is a standalone question?",
        "How do I extract keywords?",
    ],
)
def test_a_question_about_a_chore_is_no_order_to_do_it(question):
    context = "Parsers answer in JSON. Engines rewrite a standalone question. Extract the rest."
    text = ask(f"Context:\n{context}\n\nQuestion: {question}").text
    assert set(sentences(text)) <= {*sentences(context), "The given context does not answer that."}


def test_what_a_prompt_tells_outside_its_context():
    prompt = f"Context:\n{TALKS_OF_JSON}\n\nQuestion: How do I do it? Answer in one sentence."
    assert "JSON" not in told(prompt)
    assert "How do I do it?" in told(prompt)
    assert "How do I do it?" not in commands(prompt)
    assert "Answer in one sentence." in commands(prompt)
    assert "in JSON" in commands("What is the capital of France, in JSON?")
    assert told("Only a short order.") == "Only a short order."


def test_parameter_lists_and_metadata_answer_nothing():
    documentation = (
        "file: docs/graph.md\n\nDraw the graph as a PNG. Args: path: the PNG to draw the graph "
        "to. Returns: the graph. path graph png"
    )
    assert extract("How do I draw the graph as a PNG?", [documentation]).text == (
        "Draw the graph as a PNG."
    )


def test_20_kb_of_context_take_20_ms():
    passages = [
        f"Module {number} of the {name} handles {name} requests and returns values to its caller."
        for number in range(56)
        for name in ("cache", "stream", "token", "graph")
    ]
    prompt = f"Context:\n{chr(10).join(passages)[:20_000]}\nQuestion: What does the graph handle?"
    ask(prompt)
    times = []
    for _ in range(5):
        started = time.perf_counter()
        ask(prompt)
        times.append(time.perf_counter() - started)
    assert min(times) < 0.1, "budget 20 ms; five times that on a busy machine"

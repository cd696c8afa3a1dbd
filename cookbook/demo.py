"""The main job, ``make demo``: NanoGPT at work in LangChain and LlamaIndex, on real documents.

Without ``NANOGPT_API_KEY`` the package's own sandbox stands in for NanoGPT, offline and free; it
answers as `answers` says. Every step checks its result; the exit status is 0 only if all passed.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from langchain.agents import create_agent
from langchain_core.messages import HumanMessage
from langchain_core.prompts import ChatPromptTemplate
from llama_index.core.llms import ChatMessage
from rich.console import Console
from rich.table import Table

from cookbook.connect import connect
from cookbook.docstrings import Docstring, load_docstrings
from cookbook.questions import hits, load_questions
from cookbook.rag import SOURCES, langchain_store, llama_index_store
from langchain_nanogpt import ChatNanoGPT, NanoGPTEmbeddings
from llama_index_nanogpt import NanoGPT, NanoGPTEmbedding
from nanogpt_client import NanoGPTClient, NanoGPTError
from nanogpt_client.sandbox import Extractive, Script, ToolCalls

CHAT = "openai/gpt-5.2"
EMBEDDING = "text-embedding-3-small"
IMAGE = "hidream"
VOICE = "tts-1"
TRANSCRIBER = "Whisper-Large-V3"
OUT = Path("out")
CENT = Decimal("0.01")

console = Console()


class StepError(Exception):
    """A check of a step failed."""


def expect(condition: object, what: str) -> None:
    """Fail the step unless the condition is true."""
    if not condition:
        raise StepError(what)


def answers() -> Script:
    """Return what the sandbox says; NanoGPT's models need no telling."""
    return (
        Script()
        .when(
            result_of="count_docstrings",
            then=lambda request: f"langchain_core has {request.tool_results[-1]} docstrings.",
        )
        .when(
            tool="count_docstrings",
            contains="docstrings",
            then=ToolCalls(count_docstrings={"package": "langchain_core"}),
        )
        .when(
            contains="Nano currency",
            then="Nano (XNO) is a digital currency whose payments take a second and cost no fee.",
        )
        .when(then=Extractive())  # the best sentences of search results and documents
    )


def streamed_answers(client: NanoGPTClient) -> None:
    """Stream one answer through each framework."""
    question = "What is the Nano currency?"
    console.print("[b]LangChain[/b]  ", end="")
    model = ChatNanoGPT(model=CHAT, client=client)
    text = ""
    for chunk in model.stream(question):
        console.print(chunk.text, end="", markup=False, highlight=False)
        text += chunk.text
    expect(text, "LangChain streamed an answer")

    console.print("\n[b]LlamaIndex[/b] ", end="")
    llm = NanoGPT(model=CHAT, client=client)
    text = ""
    for response in llm.stream_chat([ChatMessage(content=question)]):
        console.print(response.delta or "", end="", markup=False, highlight=False)
        text = response.message.content or ""
    console.print()
    expect(text, "LlamaIndex streamed an answer")


def agent(client: NanoGPTClient, docstrings: list[Docstring]) -> None:
    """Let a LangGraph agent call a Python tool, and ask a model that searches the web."""

    def count_docstrings(package: str) -> int:
        """Count the docstrings of an installed Python package, such as langchain_core."""
        return sum(doc.package == package for doc in docstrings)

    helper = create_agent(ChatNanoGPT(model=CHAT, client=client), [count_docstrings])
    ask = "How many docstrings does the package langchain_core have?"
    messages = helper.invoke({"messages": [HumanMessage(ask)]})["messages"]
    calls = [call for message in messages for call in getattr(message, "tool_calls", ())]
    console.print(ask, style="italic")
    for call in calls:
        arguments = ", ".join(f"{name}={value!r}" for name, value in call["args"].items())
        console.print(f"  calls {call['name']}({arguments})", style="dim")
    console.print(f"  {messages[-1].text}", markup=False)
    expected = str(count_docstrings("langchain_core"))
    expect(calls, "the agent called the tool")
    expect(expected in messages[-1].text, f"the agent's answer contains the result, {expected}")

    online = create_agent(ChatNanoGPT(model=f"{CHAT}:online", client=client), [count_docstrings])
    ask = "What is a block lattice?"
    answer = online.invoke({"messages": [HumanMessage(ask)]})["messages"][-1]
    console.print(ask, style="italic")
    console.print(f"  {answer.text}", markup=False)
    citations = [
        annotation
        for block in answer.content_blocks
        if block["type"] == "text"
        for annotation in block.get("annotations", [])
        if annotation["type"] == "citation"
    ]
    for number, citation in enumerate(citations, 1):
        title = citation.get("title")
        console.print(f"  [{number}] {title}: {citation['url']}", markup=False, style="dim")
    expect(citations, "the online model cited its sources")


def rag(client: NanoGPTClient, docstrings: list[Docstring]) -> None:
    """Answer from the docstrings of both frameworks, in both frameworks."""
    questions = load_questions()
    started = time.perf_counter()
    store = langchain_store(docstrings, NanoGPTEmbeddings(model=EMBEDDING, client=client))
    index = llama_index_store(docstrings, NanoGPTEmbedding(model_name=EMBEDDING, client=client))
    console.print(f"2 x {len(docstrings)} texts in {time.perf_counter() - started:.1f} s")

    retriever = store.as_retriever(search_kwargs={"k": SOURCES})
    langchain_found = [
        [document.metadata["name"] for document in retriever.invoke(question.text)]
        for question in questions
    ]
    engine = index.as_query_engine(llm=NanoGPT(model=CHAT, client=client), similarity_top_k=SOURCES)
    nodes = index.as_retriever(similarity_top_k=SOURCES)
    llama_index_found = [
        [node.metadata["name"] for node in nodes.retrieve(question.text)] for question in questions
    ]

    prompt = ChatPromptTemplate.from_template(
        "Answer from this context:\n{context}\n\nQuestion: {question}"
    )
    chain = prompt | ChatNanoGPT(model=CHAT, client=client)
    ask = questions[0].text
    context = "\n\n".join(document.page_content for document in retriever.invoke(ask))
    console.print(ask, style="italic")
    show_answer("LangChain", chain.invoke({"context": context, "question": ask}).text,
                langchain_found[0])  # fmt: skip
    show_answer("LlamaIndex", str(engine.query(ask)), llama_index_found[0])

    for name, found in (("LangChain", langchain_found), ("LlamaIndex", llama_index_found)):
        right = hits(found, questions)
        console.print(f"{name}: the right docstring among {SOURCES} sources for "
                      f"{right} of {len(questions)} questions")  # fmt: skip
        expect(right >= 0.9 * len(questions), f"{name} found 9 of 10 right docstrings")


def show_answer(name: str, text: str, sources: list[str]) -> None:
    """Print an answer with its sources."""
    console.print(f"[b]{name}[/b] {text}", highlight=False)
    names = [re.sub(r"^[a-z_.]+\.(?=[A-Z])", "", name) for name in sources]  # without modules
    console.print("  from " + ", ".join(names), style="dim")


def image_and_speech(client: NanoGPTClient) -> None:
    """Generate an image, speak a sentence, and transcribe it again."""
    image = client.generate_image(
        "a red house beside a green tree, under a yellow sun", model=IMAGE, size="512x512"
    )[0]
    image = client.download(image)  # the bytes, even if NanoGPT returned a URL
    image_file = image.save(OUT / "house", overwrite=True)
    console.print(f"image      {image_file} ({len(image.bytes):,} bytes)")

    sentence = "The right docstring was among the sources."
    speech = client.speak(sentence, model=VOICE, voice="alloy")
    speech_file = speech.save(OUT / "answer", overwrite=True)
    console.print(f"speech     {speech_file} ({len(speech.bytes):,} bytes)")

    transcript = client.transcribe(speech_file, model=TRANSCRIBER).text
    console.print(f"transcript {transcript!r}", markup=False)
    heard = set(transcript.lower().replace(".", "").split())
    expect({"right", "docstring", "sources"} <= heard, "the transcript is what was spoken")


def ledger(client: NanoGPTClient, before: Decimal | None) -> None:
    """Show the cost of every call, and the balance that is left."""
    table = Table("kind", "model", "calls", "in", "out", "USD")
    for (kind, model), totals in sorted(client.ledger.totals_by("kind", "model").items()):
        figures = (totals.calls, totals.prompt_tokens, totals.completion_tokens)
        table.add_row(kind, model, *map(str, figures), f"{totals.cost:.6f}")
    console.print(table)
    after, whole = client.balance().usd, client.ledger.totals
    console.print(f"balance before {before} USD\nbalance after  {after} USD")
    console.print(f"the ledger says {whole.cost} USD, {whole.unknown_costs} calls of unknown cost")
    expect(whole.cost > 0, "the calls cost something")
    if before is not None and after is not None and not whole.unknown_costs:
        # To the cent: NanoGPT may show a balance rounded, or a moment old.
        expect(abs(before - after - whole.cost) < CENT, "the balance fell by what the ledger says")


def run(title: str, step: Callable[[], None]) -> bool:
    """Run one step under its title; return whether it passed."""
    console.rule(f"[b]{title}")
    try:
        step()
    except (StepError, NanoGPTError) as error:
        console.print(f"[red]Failed: {error}")
        return False
    return True


def main() -> int:
    """Run every step; return the exit status."""
    docstrings = load_docstrings("langchain_core") + load_docstrings("llama_index.core")
    with connect(model=answers()) as client:
        before = client.balance().usd
        steps: dict[str, Callable[[], None]] = {
            "1. Streamed answers": lambda: streamed_answers(client),
            "2. An agent with a tool, and a model that searches the web": lambda: agent(
                client, docstrings
            ),
            f"3. RAG over {len(docstrings)} docstrings": lambda: rag(client, docstrings),
            "4. An image and a spoken answer": lambda: image_and_speech(client),
            "5. What it cost": lambda: ledger(client, before),
        }
        passed = [run(title, step) for title, step in steps.items()]
    console.rule(f"[b]{sum(passed)} of {len(passed)} steps passed")
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())

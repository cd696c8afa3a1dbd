"""The main job, ``make demo``: NanoGPT at work in LangChain and LlamaIndex, on real documents.

Without ``NANOGPT_API_KEY`` the package's own sandbox stands in for NanoGPT, offline and free. Every
step checks what it shows; the exit status is 0 only if all of them held.
"""

from __future__ import annotations

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

CHAT = "openai/gpt-5.2"
EMBEDDING = "text-embedding-3-small"
IMAGE = "hidream"
VOICE = "tts-1"
EAR = "Whisper-Large-V3"
OUT = Path("out")
CENT = Decimal("0.01")

console = Console()


class StepError(Exception):
    """A step did not show what it should."""


def expect(held: object, what: str) -> None:
    """Fail the step unless this holds."""
    if not held:
        raise StepError(what)


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
    console.print(f"{ask}\n  called {calls}\n  {messages[-1].text}", markup=False)
    expected = str(count_docstrings("langchain_core"))
    expect(calls, "the agent called the tool")
    expect(expected in messages[-1].text, f"the agent's answer holds the tool's result, {expected}")

    online = create_agent(ChatNanoGPT(model=f"{CHAT}:online", client=client), [count_docstrings])
    ask = "What is the Nano currency?"
    answer = online.invoke({"messages": [HumanMessage(ask)]})["messages"][-1]
    console.print(f"{ask}\n  {answer.text}", markup=False)
    citations = [
        annotation
        for block in answer.content_blocks
        if block["type"] == "text"
        for annotation in block.get("annotations", [])
        if annotation["type"] == "citation"
    ]
    for number, citation in enumerate(citations, 1):
        console.print(f"  [{number}] {citation.get('title')}: {citation['url']}", markup=False)
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
    """Print an answer with what it was drawn from."""
    console.print(f"[b]{name}[/b] {text}", highlight=False)
    console.print("  from " + ", ".join(sources), style="dim")


def picture_and_sound(client: NanoGPTClient) -> None:
    """Draw a picture, speak a sentence, and hear whether it can be understood."""
    picture = client.generate_image(
        "a red house beside a green tree, under a yellow sun", model=IMAGE, size="512x512"
    )[0]
    picture = client.download(picture)
    drawn = picture.save(OUT / "house", overwrite=True)
    spoken = client.speak("The right docstring was among the sources.", model=VOICE, voice="alloy")
    sound = spoken.save(OUT / "answer", overwrite=True)
    heard = client.transcribe(sound, model=EAR).text
    console.print(
        f"drew  {drawn} ({len(picture.bytes):,} bytes)\nspoke {sound} ({len(spoken.data):,} bytes)"
    )
    console.print(f"heard {heard!r}", markup=False)
    words = set(heard.lower().replace(".", "").split())
    expect({"right", "docstring", "sources"} <= words, "the transcript holds the spoken words")


def ledger(client: NanoGPTClient, before: Decimal | None) -> None:
    """Show every call as it was booked, and the balance it leaves."""
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
        expect(abs(before - after - whole.cost) < CENT, "the balance fell by what was booked")


def run(title: str, step: Callable[[], None]) -> bool:
    """Run one step under its title; tell whether it held."""
    console.rule(f"[b]{title}")
    try:
        step()
    except (StepError, NanoGPTError) as error:
        console.print(f"[red]This did not hold: {error}")
        return False
    return True


def main() -> int:
    """Run every step; return the exit status."""
    docstrings = load_docstrings("langchain_core") + load_docstrings("llama_index.core")
    with connect() as client:
        before = client.balance().usd
        steps: dict[str, Callable[[], None]] = {
            "1. Streamed answers": lambda: streamed_answers(client),
            "2. An agent with a tool, and a model that searches the web": lambda: agent(
                client, docstrings
            ),
            f"3. RAG over {len(docstrings)} docstrings": lambda: rag(client, docstrings),
            "4. A picture and a spoken answer": lambda: picture_and_sound(client),
            "5. What it cost": lambda: ledger(client, before),
        }
        held = [run(title, step) for title, step in steps.items()]
    console.rule(f"[b]{sum(held)} of {len(held)} steps held")
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())

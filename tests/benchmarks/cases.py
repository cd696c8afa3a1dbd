"""What is measured, of whom, and how much faster than others ours is to be."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

LANGCHAIN = ("langchain_nanogpt", "langchain_openai", "langchain_openrouter", "langchain floor")
LLAMA_INDEX = ("llama_index_nanogpt", "OpenAILike", "llama_index floor")
CORE = ("nanogpt_client", "openai", "httpx + json")


@dataclass(frozen=True)
class Case:
    """One thing that all ``subjects`` do, the first of which is ours.

    Attributes:
        answer: which of the server's answers it gets.
        units: by how many the time is divided: chunks, calls or vectors.
        seconds: for how long it is repeated in each round, at least once.
        faster: how many times faster ours is to be than others.
        floors: subjects whose sum ours is to stay near of, and by which factor.
    """

    name: str
    method: str
    answer: str
    subjects: tuple[str, ...]
    units: int = 1
    tasks: int = 1
    rounds: int = 5
    seconds: float = 0.15
    faster: dict[str, float] = field(default_factory=dict)
    floors: tuple[tuple[str, ...], float] | None = None


def streams(kind: str, count: int) -> list[Case]:
    """Return the cases of one kind of stream, in each library, sync and async."""
    cases = []
    for family, faster in FASTER[kind].items():
        for method, word in (("stream", "stream"), ("astream", "async stream")):
            # The slowest takes half a minute for the long ones, and does not change with length.
            rare = () if count <= 200 and kind != "reasoning" else ("langchain_openrouter",)
            subjects = tuple(name for name in FAMILIES[family] if name not in rare)
            cases.append(
                Case(
                    f"{family} {word}, {kind}, {count:,} chunks",
                    method,
                    f"{kind}-{count}",
                    (*subjects, *(("httpx + json",) if family != "core" else ())),
                    units=count,
                    rounds=5 if count <= 200 else 3,
                    faster={name: by for name, by in faster.items() if name in subjects},
                    floors=FLOORS.get(family) if kind == "text" else None,
                )
            )
    return cases


FAMILIES = {"LangChain": LANGCHAIN, "LlamaIndex": LLAMA_INDEX, "core": CORE}
FASTER: dict[str, dict[str, dict[str, float]]] = {
    "text": {
        "LangChain": {"langchain_openai": 4, "langchain_openrouter": 25},
        "LlamaIndex": {"OpenAILike": 3.5},
        "core": {"openai": 8},
    },
    "reasoning": {"LangChain": {}, "LlamaIndex": {}, "core": {}},
    "tools": {
        "LangChain": {"langchain_openai": 4, "langchain_openrouter": 20},
        "LlamaIndex": {},
        "core": {},
    },
}
FLOORS = {"LangChain": (("langchain floor", "httpx + json"), 1.6)}


def calls(together: int) -> list[Case]:
    """Return the cases of whole answers, one by one and many at once."""
    wanted = {
        "LangChain": {"langchain_openai": 2.2},
        "LlamaIndex": {"OpenAILike": 2.2},
        "core": {"openai": 1.9},
    }
    cases = []
    for family, faster in wanted.items():
        subjects = (*FAMILIES[family], *(("httpx + json",) if family != "core" else ()))
        cases.append(Case(f"{family} call", "invoke", "chat", subjects, faster=faster))
        cases.append(
            Case(
                f"{family}, {together} calls at once",
                "ainvoke",
                "chat",
                subjects,
                units=together,
                tasks=together,
                faster=faster if family == "LangChain" else {},
            )
        )
    return cases


def embeddings(texts: int) -> list[Case]:
    """Return the cases of vectors, as lists and as arrays."""
    cases = []
    wanted: list[tuple[str, str, tuple[str, ...], dict[str, float]]] = [
        ("LangChain", "embed", LANGCHAIN[:2], {"langchain_openai": 2}),
        ("LangChain", "embed_array", LANGCHAIN[:2], {"langchain_openai": 5}),
        ("LlamaIndex", "embed", LLAMA_INDEX[:2], {"OpenAILike": 1.8}),
        ("core", "embed", CORE[:2], {}),
    ]
    for family, method, subjects, faster in wanted:
        shape = "as an array" if method == "embed_array" else "as lists"
        cases.append(
            Case(
                f"{family} embeddings {shape}, {texts:,} x 1,536",
                method,
                f"vectors-{texts}",
                (*subjects, "httpx + json"),
                units=texts,
                faster=faster,
            )
        )
    return cases


def first_tokens() -> list[Case]:
    """Return the cases of the time until a stream's first piece (on the clock).

    Few repetitions each: not every library frees the connection of a stream that is left.
    """
    return [
        Case(f"{family} first token", "first", "text-200", subjects[:2], rounds=9, seconds=0.02)
        for family, subjects in FAMILIES.items()
    ]


def plan(*, quick: bool = False) -> list[Case]:
    """Return all cases; the quick ones are few and small, to try the machinery."""
    lengths = (200,) if quick else (200, 5000)
    return [
        *(case for kind in FASTER for count in lengths for case in streams(kind, count)),
        *calls(4 if quick else 64),
        *embeddings(64 if quick else 2048),
        *first_tokens(),
    ]


def with_rounds(case: Case, rounds: int) -> Case:
    """Return a case that is measured so many times."""
    return replace(case, rounds=rounds)


def tried(case: Case) -> Case:
    """Return a case that is done once, to see that it can be."""
    return replace(case, rounds=1, seconds=0.0)

"""Jobs on Ray, on this machine with two workers: ``make scale`` (minutes; an environment of 1 GB).

``make scale ARGS='--texts 20000'`` is quicker. It prints the throughput and memory of `EmbedTexts`
beside LangChain's `OpenAIEmbeddings` in the same pipeline, the rate that workers reach with an
account in Ray, and what is paid twice when a worker of Ray's is killed. It fails if more is paid
than promised.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import ray
from dask import dataframe
from langchain_classic.embeddings import CacheBackedEmbeddings
from langchain_classic.storage import LocalFileStore
from llama_index.core.schema import TextNode
from llama_index.ingestion.ray import RayIngestionPipeline
from llama_index.ingestion.ray.transform import RayTransformComponent
from numpy.typing import NDArray

from langchain_nanogpt import NanoGPTEmbeddings
from llama_index_nanogpt import NanoGPTEmbedding
from nanogpt_client.account import Account
from nanogpt_client.jobs import EmbedTexts, PaidStore
from tests.benchmarks.server import serving
from tests.faults.load.accounts import milliseconds
from tests.faults.load.server import LoadServer
from tests.scale.workers import FATAL, Dying, OpenAIJob, OurJob
from tests.support.account_workers import ask
from tests.support.paths import ROOT
from tests.support.rawserver import End, RawRequest, RawServer, Script, http_reply
from tests.support.stores import valkey_server
from tests.support.vectors import PRICE, reply_to, vectors_of

MODEL = "text-embedding-3-small"
KEY = "sk-nano-0123abcd-4567-89ab-cdef-0123456789ab"
BATCH = 2000  # texts in one request, and in one batch of Ray's
WORKERS = 2
LEASE = 2.0  # seconds
SOME = 200  # texts, in other engines
PER_SECOND, CALLS = 25, 120
say = partial(print, flush=True)


class Server(RawServer):
    """Answers requests for vectors; kills once the worker whose second request it gets."""

    def __init__(self, *, fatal: bool = False) -> None:
        super().__init__(self._answer)
        self._fatal = fatal
        self._seen: Counter[str] = Counter()

    def _answer(self, request: RawRequest) -> Script:
        worker = request.headers.get("x-worker", "")
        self._seen[worker] += 1
        if self._fatal and self._seen[worker] == FATAL:
            self._fatal = False
            os.kill(int(worker), signal.SIGKILL)
            return [End.CLOSE]
        return [http_reply(reply_to(request.body))]

    def asked(self) -> Counter[str]:
        """Return how often each text arrived: at most so often it was billed."""
        bodies = [json.loads(request.body) for request in self.requests]
        return Counter(text for body in bodies for text in body["input"])


@contextmanager
def local_ray() -> Iterator[None]:
    """Run Ray on this machine, quietly."""
    os.environ |= {
        "PYTHONPATH": str(ROOT),
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        "RAY_AUTH_MODE": "disabled",
    }
    ray.init(
        num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False,
        object_store_memory=2 * 1024**3,
    )  # fmt: skip
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False
    try:
        yield
    finally:
        ray.shutdown()


def texts(count: int) -> list[str]:
    return [
        f"text number {number}, of which nobody has read anything yet" for number in range(count)
    ]


def pipeline(count: int, job: type, settings: dict[str, Any], batch: int) -> Any:
    """Return a data set that has not run yet; each of Ray's tasks is two batches."""
    rows = ray.data.from_arrow(pa.table({"text": texts(count)})).repartition(count // batch // 2)
    return rows.map_batches(
        job,
        fn_constructor_kwargs=settings,
        batch_size=batch,
        compute=ray.data.ActorPoolStrategy(size=WORKERS),
        num_cpus=0.5,
    )


def throughput(count: int, folder: Path) -> bool:
    """Print how long each takes for the same texts."""
    with serving() as url:
        where = {"api_key": KEY, "base_url": f"{url}/vectors-{BATCH}/v1", "model": MODEL}
        stored = where | {"store": f"sqlite:///{folder}/speed.db"}
        subjects: dict[str, tuple[type, dict[str, Any]]] = {
            "OpenAIEmbeddings": (OpenAIJob, where | {"chunk_size": BATCH}),
            "EmbedTexts": (OurJob, where),
            "EmbedTexts, store": (OurJob, stored),
            "EmbedTexts, store, again": (OurJob, stored),
        }
        rates: dict[str, float] = {}
        say(f"{count} texts, {WORKERS} workers of Ray's, vectors of 1,536")
        for name, (job, settings) in subjects.items():
            started = time.monotonic()
            memory: dict[int, int] = {}
            done = 0
            for batch in pipeline(count, job, settings, BATCH).iter_batches(batch_size=BATCH):
                done += len(batch["vector"])
                memory |= {int(pid): int(mb) for pid, mb in zip(batch["pid"], batch["mb"])}  # noqa: B905
            rates[name] = done / (time.monotonic() - started)
            ratio = rates[name] / rates["OpenAIEmbeddings"]
            say(
                f"  {name:26} {rates[name]:8.0f} texts/s  {ratio:5.2f} x  "
                f"{max(memory.values()):5} MB a worker"
            )
            if done != count:
                return False
    return rates["EmbedTexts"] > rates["OpenAIEmbeddings"]


# What dies when, and at most how many requests are paid twice and are on record.
DEATHS = {
    "before sending": (0, 1),
    "in flight": (1, 1),
    "before the answer is stored": (1, 1),
    "after the answer": (0, 0),
    "after storing": (0, 0),
}


def kill(death: str, store_url: str, account_url: str, folder: Path) -> bool:
    """Run a job of which one worker is killed; then again."""
    twice, unknown = DEATHS[death]
    count, batch = 400, 50
    store = PaidStore(store_url, lease=LEASE)
    account = Account(account_url, usd=1, requests_per_second=None, lease=LEASE)
    flag = folder / f"{death}, {account_url.partition(':')[0]}"
    with Server(fatal=death == "in flight") as server:
        settings = {
            "death": death, "flag": str(flag), "model": MODEL, "store": store, "api_key": KEY,
            "base_url": server.base_url, "account": account,
        }  # fmt: skip
        rows = pipeline(count, Dying, settings, batch).take_all()
        asked, posts = server.asked(), server.posts
        right = np.array_equal(
            np.stack([row["vector"] for row in rows]),
            vectors_of([row["text"] for row in rows]),
        )
        pipeline(count, Dying, settings, batch).take_all()
        again = server.posts - posts
    paid_twice = sum(number - 1 for number in asked.values()) / batch
    on_record = len(store.unknown())
    store.close()
    status = account.status()
    good = (
        right and len(asked) == len(rows) == count and again == 0
        and paid_twice <= twice and on_record == status.unknown == unknown
        and (status.spent, status.reserved) == (count * Decimal(str(PRICE)), Decimal(0))
    )  # fmt: skip
    say(
        f"  {death:28} {account_url.partition(':')[0]:7} paid twice: {paid_twice:g} requests, "
        f"on record: {on_record}, again: {again}, account: {status.spent} USD, "
        f"{status.unknown} unknown  {'' if good else 'BROKEN'}"
    )
    return good


def shared_account() -> bool:
    """Let tasks of Ray's send at the account's rate; print it, and what the account takes."""
    account = Account(f"ray://{uuid.uuid4().hex}", requests_per_second=PER_SECOND)
    with LoadServer(per_second=PER_SECOND) as server:
        asking = ray.remote(ask)
        ray.get([asking.remote(account, server.base_url, 1) for _ in range(WORKERS)])
        started = time.monotonic()
        running = [asking.remote(account, server.base_url, CALLS) for _ in range(WORKERS)]
        answers = [answer for each in ray.get(running) for answer in each]
        rate = (len(answers) - 1) / (time.monotonic() - started)
        refused = server.counts().refused
    took = milliseconds(account.url)
    good = answers == ["ok"] * WORKERS * CALLS and refused == 0 and rate >= 0.95 * PER_SECOND
    say(
        f"  {WORKERS} workers, {len(answers)} calls: {rate:.1f} of {PER_SECOND}/s, {refused} "
        f"refused, {took:.2f} ms a call for the account  {'' if good else 'BROKEN'}"
    )
    return good


def suite() -> bool:
    """Run the account's tests in Ray, which are skipped where there is no Ray."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--override-ini=addopts=--import-mode=importlib",
         "--override-ini=filterwarnings=", "-k", "ray or actor", "-rN",
         "tests/unit/nanogpt_client/account"],
        cwd=ROOT, check=False,
    )  # fmt: skip
    return done.returncode == 0


def others(folder: Path) -> bool:
    """Run the same texts in other engines and classes; only the first asks."""
    some = texts(SOME)
    ways = {
        "pyarrow.Table": in_arrow,
        "Dask": in_dask,
        "LlamaIndex on Ray": in_llama_index,
        "CacheBackedEmbeddings": in_a_cache,
    }
    good = True
    with Server() as server:
        where = {
            "store": f"sqlite:///{folder}/others.db", "api_key": KEY, "base_url": server.base_url,
        }  # fmt: skip
        for name, run in ways.items():
            is_right = np.array_equal(run(some, where, folder), vectors_of(some))
            good = good and is_right and server.posts == 1
            say(f"  {name:28} {'right' if is_right else 'BROKEN'}, POSTs: {server.posts}")
    return good


def in_arrow(some: list[str], where: dict[str, Any], _: Path) -> NDArray[Any]:
    table = EmbedTexts(MODEL, **where)(pa.table({"text": some}))
    return np.stack(table["vector"].to_numpy(zero_copy_only=False))


def in_dask(some: list[str], where: dict[str, Any], _: Path) -> NDArray[Any]:
    embed = EmbedTexts(MODEL, **where)
    table = pd.DataFrame({"text": some})
    parts = dataframe.from_pandas(table, npartitions=4)
    result = parts.map_partitions(embed, meta=embed(table[:1])).compute()
    return np.stack(result["vector"])


def in_llama_index(some: list[str], where: dict[str, Any], _: Path) -> NDArray[Any]:
    transform = RayTransformComponent(
        transform_class=NanoGPTEmbedding,
        transform_kwargs={"model_name": MODEL, **where},
        map_batches_kwargs={
            "batch_size": 50, "compute": ray.data.ActorPoolStrategy(size=1), "num_cpus": 0.5,
        },
    )  # fmt: skip
    nodes = [TextNode(id_=text, text=text) for text in some]
    found = RayIngestionPipeline(transformations=[transform]).run(nodes=nodes)
    vectors = {node.id_: node.get_embedding() for node in found}
    return np.array([vectors[text] for text in some])


def in_a_cache(some: list[str], where: dict[str, Any], folder: Path) -> NDArray[Any]:
    cache = CacheBackedEmbeddings.from_bytes_store(
        NanoGPTEmbeddings(model=MODEL, **where),
        LocalFileStore(folder / "cache"),
        namespace=MODEL,
        key_encoder="sha256",
    )
    return np.array(cache.embed_documents(some))


def main() -> int:
    """Run everything; return the exit code."""
    parser = argparse.ArgumentParser("python -m tests.scale")
    parser.add_argument("--texts", type=int, default=100_000, help="a multiple of 4000")
    parser.add_argument("--only", choices=["speed", "others", "account", "kill"])
    options = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory() as name, local_ray():
        folder = Path(name)
        if options.only in {None, "speed"}:
            results.append(throughput(options.texts, folder))
        if options.only in {None, "others"}:
            say("the same texts in other engines and classes, one store")
            results.append(others(folder))
        if options.only in {None, "account"}:
            say("an account in an actor of Ray's")
            results.append(shared_account())
        if options.only in {None, "kill"}:
            say("a worker of Ray's is killed, once; the account is in SQLite, Redis, or an actor")
            for at, death in enumerate(DEATHS):
                file = f"sqlite:///{folder}/{at}.db"
                results.append(kill(death, file, file, folder))
                with valkey_server() as valkey:
                    url = f"redis://{valkey.host}:{valkey.port}/0"
                    results.append(kill(death, url, url, folder))
                actor = f"ray://{uuid.uuid4().hex}"
                results.append(kill(death, f"sqlite:///{folder}/ray{at}.db", actor, folder))
    if options.only in {None, "account"}:
        results.append(suite())
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())

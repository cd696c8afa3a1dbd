"""Answering tables of prompts in any engine: `ChatRows`, a callable for batches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Unpack

import numpy as np

from nanogpt_client._protocol.call import Call
from nanogpt_client._protocol.progress import ProgressReporter
from nanogpt_client._protocol.steps import Flow, ask
from nanogpt_client.account import Account
from nanogpt_client.endpoints._batch_rows import chat_row
from nanogpt_client.endpoints.chat import chat, validate_chat_options
from nanogpt_client.endpoints.gather import check_concurrency, results
from nanogpt_client.errors import (
    AccountUnavailableError,
    AuthenticationError,
    BudgetExceededError,
    ConfigurationError,
    DailyLimitError,
    InsufficientBalanceError,
    InvalidArgumentError,
    NanoGPTError,
    OutcomeUnknownError,
    StoreUnavailableError,
)
from nanogpt_client.jobs._answers import (
    Row,
    Schema,
    as_completion,
    as_stored,
    check_schema,
    format_of,
    row_of,
)
from nanogpt_client.jobs._once import OnUnknown, Rules, ask_once, key_of, rules, stored
from nanogpt_client.jobs._settings import JobArguments, split_settings
from nanogpt_client.jobs._table_job import TableJob
from nanogpt_client.jobs._tables import Column
from nanogpt_client.jobs.store import PaidStore
from nanogpt_client.types.batches import BatchResult
from nanogpt_client.types.chat import ChatCompletion
from nanogpt_client.types.options import ChatOptions, ProgressOptions

__all__ = ["ChatRows"]

# Errors that every other row would get, too: they end the batch.
_FOR_ALL = (
    AccountUnavailableError, AuthenticationError, BudgetExceededError, ConfigurationError,
    DailyLimitError, InsufficientBalanceError, StoreUnavailableError,
)  # fmt: skip
_SAME_ANSWER = frozenset({"user", "include_usage"})
_PART = 1_000  # answers in one transaction


class ChatSettings(JobArguments, ChatOptions, ProgressOptions, total=False):
    """Settings of the client, options of `NanoGPTClient.chat`, and progress."""


class ChatRows(TableJob):
    """Answers the prompts of a batch's column, each prompt once.

    A callable for batches, like `EmbedTexts`, with its engines, its containers and its store: an
    answer that was paid for is found again. A prompt is a text, or a list of message dicts. The
    result has further columns:

    - ``answer``: the text, or with ``schema`` the JSON text of an object that fits it; null in case
      of an error;
    - ``error``: the class and message of what failed, else null; other rows go on;
    - ``finish_reason``: why the model stopped, e.g. ``"stop"`` or ``"length"``;
    - ``cost_usd``: float64, USD when the answer was paid, NaN if unknown; exact amounts are in the
      ledger or the account.

    >>> from nanogpt_client.jobs import ChatRows
    >>> answer = ChatRows("openai/gpt-5.2", store="sqlite:///paid.db", max_tokens=200)
    >>> answer({"prompt": ["What is Nano?"]})["answer"]

    Args:
        model: the chat model.
        account: an `Account`, which limits and records what all workers spend.
        store: a `PaidStore` or its URL.
        column: the column of the prompts.
        output: the column of the answers.
        system: a system message for all prompts.
        schema: a pydantic class or a JSON schema of the objects to answer with.
        on_unknown: what to do with prompts that a dead worker had sent, and which may have been
            billed: ``"resend"`` them, ``"raise"`` an `OutcomeUnknownError`, or ``"skip"`` them
            (with an error in their row).
        max_concurrency: requests at the same time.
        settings: settings of the `NanoGPTClient`, such as ``budget`` and ``ledger``, options of its
            ``chat``, and ``on_progress`` or ``progress``.

    Raises:
        ConfigurationError: a setting is invalid, or there is no key.
        InvalidArgumentError: an option is invalid, or a batch has no such column.
        NanoGPTError: from a call, if all rows would fail: the key, the balance, the budget, the
            daily limit, the store. What was paid before is in the store.
    """

    def __init__(  # noqa: PLR0913 - the settings of a job, all but the first by name
        self,
        model: str,
        *,
        account: Account | None = None,
        store: PaidStore | str | None = None,
        column: str = "prompt",
        output: str = "answer",
        system: str | None = None,
        schema: Schema | None = None,
        on_unknown: OnUnknown = "resend",
        max_concurrency: int = 8,
        **settings: Unpack[ChatSettings],
    ) -> None:
        self._system, self._schema, self._max_concurrency = system, schema, max_concurrency
        self._options, self._progress, of_client = split_settings(
            settings, ChatOptions, ProgressOptions
        )
        check_schema(schema)
        if schema is not None:
            self._options["response_format"] = format_of(schema)
        check_concurrency(max_concurrency)
        validate_chat_options(model, self._options)
        super().__init__(rules(store, on_unknown, model), column, output, account, of_client)

    def batch_rows(self, prompts: Iterable[Any]) -> list[dict[str, Any]]:
        """Return rows for a batch of NanoGPT's: of each prompt once, and not of stored ones.

        >>> batch = client.batches.submit(answer.batch_rows(prompts))  # half the price
        >>> answer.keep(client.batches.results(batch))  # in any process
        >>> answer({"prompt": prompts})["answer"]  # from the store; asks for rows that failed

        Until `keep`, the store does not have them, and another job would ask for them, too.

        Raises:
            ConfigurationError: there is no store.
            InvalidArgumentError: a prompt is invalid, or an option cannot be part of a row.
        """
        store, model = self._rules.paid, self._rules.model
        rows: dict[str, dict[str, Any]] = {}
        for prompt in prompts:
            messages = _messages(prompt, self._system)
            key, _ = self._request(messages)
            rows[key] = chat_row(messages, model=model, custom_id=key, options=self._options)
        answers = store.get(list(rows))
        return [row for key, row in rows.items() if key not in answers]

    def keep(self, results: Iterable[BatchResult]) -> int:
        """Store the answers of a batch of `batch_rows`; return their number.

        Raises:
            ConfigurationError: there is no store.
            StoreUnavailableError: it is out of reach; call this again.
        """
        store, kept, all_results = self._rules.paid, 0, iter(results)
        while part := list(islice(all_results, _PART)):
            answers = {
                result.custom_id: as_stored(result.completion)
                for result in part
                if result.completion is not None
            }
            claim = store.claim(list(answers), model=self._rules.model, take_over=True)
            store.put(claim, answers)
            store.drop(claim)
            kept += len(answers)
        return kept

    def _columns(self, values: list[Any]) -> dict[str, Column]:
        rows: list[Row] = self._client.run(self._answer(values))
        return {
            self.output: [row.answer for row in rows],
            "error": [row.error for row in rows],
            "finish_reason": [row.finish_reason for row in rows],
            "cost_usd": np.array([row.cost for row in rows], np.float64),
        }

    def _answer(self, prompts: Sequence[Any]) -> Flow[list[Row]]:
        outcomes: dict[str, ChatCompletion | NanoGPTError] = {}
        calls: dict[str, Call[ChatCompletion]] = {}
        keys = [self._call(prompt, calls, outcomes) for prompt in prompts]
        answers = yield from stored(self._rules.store, list(calls))
        outcomes |= {key: as_completion(answer) for key, answer in answers.items()}
        missing = [key for key in calls if key not in outcomes]
        with ProgressReporter(self._progress) as reporter:
            parts = [
                _answer_row(key, calls[key], self._rules, outcomes, reporter, len(missing))
                for key in missing
            ]
            yield from results(parts, self._max_concurrency)
        return [row_of(outcomes[key], self._schema) for key in keys]

    def _call(
        self,
        prompt: Any,
        calls: dict[str, Call[ChatCompletion]],
        outcomes: dict[str, ChatCompletion | NanoGPTError],
    ) -> str:
        """Add the call of a prompt, or why there can be none; return the key of its answer."""
        try:
            key, call = self._request(_messages(prompt, self._system))
        except InvalidArgumentError as error:
            key = f"invalid: {error}"
            outcomes[key] = error
            return key
        calls[key] = call
        return key

    def _request(self, messages: list[Any]) -> tuple[str, Call[ChatCompletion]]:
        """Return the address of an answer, and the call that asks for it."""
        call = chat(messages, model=self._rules.model, **self._options)
        body = {k: v for k, v in call.request.json.items() if k not in _SAME_ANSWER}
        service, headers = self._client.config.service, dict(call.request.headers)
        key = key_of({"service": service, "route": "chat", "headers": headers, "body": body})
        return key, call


def _answer_row(
    key: str,
    call: Call[ChatCompletion],
    rules: Rules,
    outcomes: dict[str, ChatCompletion | NanoGPTError],
    reporter: ProgressReporter,
    total: int,
) -> Flow[None]:
    """Ask for one answer; an error that concerns this row alone is its outcome."""

    def request(_: Sequence[str]) -> Flow[dict[str, bytes]]:
        return {key: as_stored((yield from ask(call)))}

    try:
        answers = yield from ask_once([key], request, rules)
        outcomes[key] = as_completion(answers[key]) if answers else _skipped()
    except NanoGPTError as error:
        if isinstance(error, _FOR_ALL) or _is_of_another(error):
            raise
        outcomes[key] = error
    yield from reporter.finished("chat", total, outcomes[key])


def _is_of_another(error: NanoGPTError) -> bool:
    """Whether this is about a request of a worker that is gone."""
    return isinstance(error, OutcomeUnknownError) and error.sends == 0


def _skipped() -> NanoGPTError:
    return OutcomeUnknownError("a worker that is gone had asked for it; it was skipped")


def _messages(prompt: Any, system: str | None) -> list[Any]:
    """Return a prompt as messages; engines have lists as arrays, and dicts with all keys."""
    before = [] if system is None else [{"role": "system", "content": system}]
    if isinstance(prompt, str) and prompt.strip():
        return [*before, {"role": "user", "content": prompt}]
    prompt = prompt.tolist() if isinstance(prompt, np.ndarray) else prompt
    if not isinstance(prompt, Sequence) or isinstance(prompt, str) or not len(prompt):
        msg = f"a prompt must be a text or a list of messages, not {prompt!r}"
        raise InvalidArgumentError(msg, param="prompt")
    return [*before, *(_without_nulls(message) for message in prompt)]


def _without_nulls(message: Any) -> Any:
    if not isinstance(message, Mapping):
        return message
    return {name: value for name, value in message.items() if value is not None}

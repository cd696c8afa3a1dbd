"""Middleware for agents: what a run costs, a limit for it, and a fallback model.

>>> agent = create_agent(
...     ChatNanoGPT(model="openai/gpt-5.2"),
...     tools,
...     middleware=[
...         NanoGPTBudgetMiddleware(usd="0.50"),
...         NanoGPTFallbackMiddleware("deepseek/deepseek-v3.2", "google/gemini-3-flash-preview"),
...     ],
... )
>>> state = agent.invoke({"messages": [("user", "…")]})
>>> state["messages"][-1].text, state["nanogpt_cost"]["usd"]

`langchain_nanogpt.middleware` exports it. Needs ``langchain`` (extra ``agents``). Each hook is a
generator that yields requests and receives what became of them, so it exists once for blocking and
async agents.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Iterator
from decimal import Decimal
from typing import Annotated, Any, Final, NotRequired, TypeAlias, TypedDict, TypeVar

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from langchain_nanogpt.callbacks import NanoGPTCostCallbackHandler
from langchain_nanogpt.chat_models import ChatNanoGPT
from nanogpt_client import (
    BadRequestError,
    BudgetExceededError,
    ConfigurationError,
    DailyLimitError,
    NanoGPTError,
    NotFoundError,
    OriginUnreachableError,
    RateLimitError,
    ServerError,
    Totals,
    bundled_models,
)
from nanogpt_client.extras import needs
from nanogpt_client.types.plain import exact

with needs("agents", "langchain_nanogpt.middleware"):
    from langchain.agents.middleware import AgentMiddleware, AgentState, hook_config
    from langchain.agents.middleware.types import ExtendedModelResponse, OmitFromInput
    from langgraph.types import Command

__all__ = [
    "NanoGPTBudgetMiddleware",
    "NanoGPTCostMiddleware",
    "NanoGPTFallbackMiddleware",
    "RunCost",
]

T = TypeVar("T")
# Yields a request, receives its result (or has its exception raised), returns the final result.
_Hook: TypeAlias = Generator[Any, Any, T]


def _run(hook: _Hook[T], handler: Callable[[Any], Any]) -> T:
    try:
        request = next(hook)
        while True:
            try:
                result = handler(request)
            except BaseException as raised:  # noqa: BLE001 - the hook raises what it does not handle
                request = hook.throw(raised)
            else:
                request = hook.send(result)
    except StopIteration as stop:
        value: T = stop.value
        return value


async def _arun(hook: _Hook[T], handler: Callable[[Any], Awaitable[Any]]) -> T:
    try:
        request = next(hook)
        while True:
            try:
                result = await handler(request)
            except BaseException as raised:  # noqa: BLE001 - as above
                request = hook.throw(raised)
            else:
                request = hook.send(result)
    except StopIteration as stop:
        value: T = stop.value
        return value


class RunCost(TypedDict):
    """What a run of an agent has cost, in its state under ``nanogpt_cost``.

    Attributes:
        usd: USD as a number; ``usd_exact`` is the same as text, with all its digits.
        calls: calls of NanoGPT's models and paid tools.
        unknown_costs: how many of them reported no cost.
    """

    usd: float
    usd_exact: str
    calls: int
    unknown_costs: int


def _run_cost(totals: Totals) -> RunCost:
    cost = totals.cost
    return RunCost(
        usd=float(cost),
        usd_exact=exact(cost),
        calls=totals.calls,
        unknown_costs=totals.unknown_costs,
    )


def _totals(cost: RunCost | None) -> Totals:
    if not cost:
        return Totals()
    return Totals(cost["calls"], Decimal(cost["usd_exact"]), cost["unknown_costs"])


def _add(before: RunCost | None, more: RunCost | None) -> RunCost:
    """Add what a call cost to the state; ``None`` is the start of a run."""
    return _run_cost(Totals() if more is None else _totals(before) + _totals(more))


class _CostState(AgentState[Any]):
    nanogpt_cost: NotRequired[Annotated[RunCost, OmitFromInput, _add]]


class NanoGPTCostMiddleware(AgentMiddleware[Any, Any, Any]):
    """Adds up what a run of an agent costs: ``state["nanogpt_cost"]``, a `RunCost`.

    Counted are the calls of NanoGPT's chat models, tools and retrievers, also those that tools and
    subagents make, and the attempts that failed. Each run starts at 0, also in a thread that a
    checkpointer continues; a resumed run goes on. LangChain reports no embeddings: they are in the
    ledger of their client.
    """

    state_schema = _CostState

    def before_agent(self, state: Any, runtime: Any) -> dict[str, Any] | None:  # noqa: ARG002
        """Start at 0."""
        return {"nanogpt_cost": None}

    async def abefore_agent(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """Start at 0."""
        return self.before_agent(state, runtime)

    def wrap_model_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        """Call the model, and add what that cost."""
        return _run(self._model_call(request), handler)

    async def awrap_model_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        """Call the model, and add what that cost."""
        return await _arun(self._model_call(request), handler)

    def wrap_tool_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        """Call a tool, and add what that cost."""
        return _run(self._tool_call(request), handler)

    async def awrap_tool_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        """Call a tool, and add what that cost."""
        return await _arun(self._tool_call(request), handler)

    def _model_call(self, request: Any) -> _Hook[Any]:
        with NanoGPTCostCallbackHandler() as costs:
            response = yield request
        update = {"nanogpt_cost": _run_cost(costs.ledger.totals)}
        return ExtendedModelResponse(model_response=response, command=Command(update=update))

    def _tool_call(self, request: Any) -> _Hook[Any]:
        with NanoGPTCostCallbackHandler() as costs:
            result = yield request
        totals = costs.ledger.totals
        return _with_cost(result, _run_cost(totals)) if totals.calls else result


def _with_cost(result: Any, cost: RunCost) -> Any:
    """Add a state update to what a tool returned: a message, or a command of its own."""
    if isinstance(result, ToolMessage):
        return Command(update={"messages": [result], "nanogpt_cost": cost})
    if isinstance(result, Command) and isinstance(result.update, dict) and result.graph is None:
        return Command(
            update={**result.update, "nanogpt_cost": cost}, goto=result.goto, resume=result.resume
        )
    return result


class NanoGPTBudgetMiddleware(NanoGPTCostMiddleware):
    """Ends a run politely once it has cost ``usd``: the last message says so, nothing is raised.

    The call that reaches the limit is the last one; a tool call after it is answered with an error
    for the model. A ``Budget`` of the client refuses a call ahead, by its estimated price: that,
    too, ends the run politely. It counts as `NanoGPTCostMiddleware` does.

    Args:
        usd: USD for each run, as text, `Decimal` or number; ``None`` to obey the client's
            ``Budget`` only.
        text: of the last message; ``{usd}`` is what was spent.

    Raises:
        ConfigurationError: ``usd`` is not a number from 0 on.
    """

    def __init__(
        self,
        usd: Decimal | float | str | None,
        *,
        text: str = "I stop here: the budget of this run is used up ({usd} USD spent).",
    ) -> None:
        super().__init__()
        self.usd = None if usd is None else _dollars(usd)
        self.text = text

    @hook_config(can_jump_to=["end"])
    def before_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:  # noqa: ARG002
        """End the run if the budget is used up."""
        spent = _totals(state.get("nanogpt_cost")).cost
        if self.usd is None or spent < self.usd:
            return None
        return {"jump_to": "end", "messages": [self._goodbye(spent)]}

    @hook_config(can_jump_to=["end"])
    async def abefore_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """End the run if the budget is used up."""
        return self.before_model(state, runtime)

    def _model_call(self, request: Any) -> _Hook[Any]:
        try:
            return (yield from super()._model_call(request))
        except BudgetExceededError:  # of the client's budget; nothing was sent
            return self._goodbye(_totals(request.state.get("nanogpt_cost")).cost)

    def _tool_call(self, request: Any) -> _Hook[Any]:
        spent = _totals(request.state.get("nanogpt_cost")).cost
        if self.usd is not None and spent >= self.usd:
            text, call = self.text.format(usd=exact(spent)), request.tool_call
            return ToolMessage(text, tool_call_id=call["id"], name=call["name"], status="error")
        return (yield from super()._tool_call(request))

    def _goodbye(self, spent: Decimal) -> AIMessage:
        return AIMessage(self.text.format(usd=exact(spent)))


def _dollars(usd: Decimal | float | str) -> Decimal:
    try:
        amount = Decimal(str(usd))
        is_valid = amount >= 0  # raises for NaN
    except ArithmeticError:
        is_valid = False
    if not is_valid:
        raise ConfigurationError(f"usd must be a number from 0 on, not {usd!r}", param="usd")
    return amount


# What another model may answer, if the call was not billed.
_ANOTHER_MODEL_MAY_HELP: Final = (BadRequestError, NotFoundError, RateLimitError, ServerError)
_NO_MODEL_HELPS: Final = (DailyLimitError, OriginUnreachableError)

# By the type of a content block: the field of a model's profile that must not deny it.
_INPUTS: Final = {
    "image": "image_inputs",
    "file": "pdf_inputs",
    "audio": "audio_inputs",
    "video": "video_inputs",
}
_ANSWER_TOKENS: Final = 1_000  # of an answer, to compare prices


class NanoGPTFallbackMiddleware(AgentMiddleware[Any, Any, Any]):
    """Asks another model if the agent's own fails: the cheapest that can take the request first.

    A candidate is left out if NanoGPT's catalogue says that it does not support an input of the
    conversation (image, document, audio, video), or that the conversation does not fit into its
    context. Prices are those of the bundled catalogue for this conversation; without a price, a
    candidate comes last. Each has the settings of the agent's `ChatNanoGPT`, its budget and ledger.

    Another model is tried after errors that NanoGPT did not bill and that lie with the model: it is
    missing or overloaded, or refuses the request, or the context is too long for it, or its content
    policy forbids the answer. None is tried after a refused key or balance, a budget, a daily
    limit, or a call that may have been billed (``error.maybe_billed``), unless ``pay_again``.

    Args:
        models: ids of the candidates.
        pay_again: also ask another model after a call that may have been billed, such as one whose
            stream was cut.

    Raises:
        ConfigurationError: no candidate is named.
    """

    def __init__(self, *models: str, pay_again: bool = False) -> None:
        super().__init__()
        if not models:
            raise ConfigurationError("name at least one model to fall back to", param="models")
        self.models, self.pay_again = models, pay_again

    def wrap_model_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        """Call the model, and others if it fails."""
        return _run(self._model_call(request), handler)

    async def awrap_model_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        """Call the model, and others if it fails."""
        return await _arun(self._model_call(request), handler)

    def _model_call(self, request: Any) -> _Hook[Any]:
        try:
            return (yield request)
        except NanoGPTError as raised:
            if not self._may_ask_another(raised) or not isinstance(request.model, ChatNanoGPT):
                raise
            last = raised
        for model in self._candidates(request):
            try:
                return (yield request.override(model=model))
            except NanoGPTError as raised:
                if not self._may_ask_another(raised):
                    raise
                last = raised
        raise last

    def _may_ask_another(self, raised: NanoGPTError) -> bool:
        if raised.maybe_billed:
            return self.pay_again
        if isinstance(raised, _NO_MODEL_HELPS):
            return False
        return isinstance(raised, _ANOTHER_MODEL_MAY_HELP) or raised.code == "model_not_allowed"

    def _candidates(self, request: Any) -> list[ChatNanoGPT]:
        """Return the models that can take the request, the cheapest first."""
        own: ChatNanoGPT = request.model
        needed = set(_needed_inputs(request.messages))
        tokens = own.get_num_tokens_from_messages(request.messages, request.tools)
        others = [name for name in self.models if name != own.model]
        models = [own.model_copy(update={"model": name}) for name in others]
        able = [model for model in models if _can_take(model, needed, tokens)]
        return sorted(able, key=lambda model: _price(model.model, tokens))


def _needed_inputs(messages: list[BaseMessage]) -> Iterator[str]:
    for each in messages:
        for block in each.content_blocks if isinstance(each.content, list) else ():
            if block["type"] in _INPUTS:
                yield _INPUTS[block["type"]]


def _can_take(model: ChatNanoGPT, needed: set[str], tokens: int) -> bool:
    profile: dict[str, Any] = {**(model.profile or {})}
    fits = tokens <= (profile.get("max_input_tokens") or tokens)
    return fits and not any(profile.get(name) is False for name in needed)


def _price(model: str, tokens: int) -> Decimal:
    """Return what an answer would cost, in millionths of USD; infinite without a listed price."""
    entry = bundled_models.find(model)
    if entry is None or entry.prompt_usd is None or entry.completion_usd is None:
        return Decimal("Infinity")
    return entry.prompt_usd * tokens + entry.completion_usd * _ANSWER_TOKENS

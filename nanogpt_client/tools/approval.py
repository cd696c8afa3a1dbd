"""Limits on what one call may cost: ``refuse_above_usd``, ``confirm_above_usd``, ``confirm``."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from nanogpt_client._protocol.steps import Flow, ask_user
from nanogpt_client.endpoints import _prices, account, catalog
from nanogpt_client.errors import SpendNotApprovedError
from nanogpt_client.tools.schemas import Arguments
from nanogpt_client.tools.settings import SpendRequest, ToolSettings
from nanogpt_client.types._coerce import as_number
from nanogpt_client.types.catalog import ModelKind


def require_approval(
    settings: ToolSettings,
    tool: str,
    arguments: Arguments,
    kind: ModelKind | None,
    *,
    usd: Decimal | None = None,
    **work: Any,
) -> Flow[None]:
    """Return if the call may be sent.

    ``work`` is what its price depends on; ``usd`` is the price, where NanoGPT documents it.

    Raises:
        SpendNotApprovedError: it may not; nothing was sent.
    """
    model = getattr(settings, "model", None)
    given = arguments.model_dump(exclude_none=True)
    if kind is not None and model is not None:
        # Fetches the model list, free of charge: the endpoints check sizes and voices against it.
        entry = yield from catalog.find_model(kind, model, refresh=True)
        usd = None if entry is None else _prices.price(entry, work)
    limit = as_number(settings.refuse_above_usd)
    if limit is not None and usd is not None and usd > limit:
        request = SpendRequest(tool, model, usd, given)
        raise SpendNotApprovedError(
            f"{request}, above the limit of {limit} USD per call; nothing was sent"
        )
    limit = as_number(settings.confirm_above_usd)
    if limit is None and settings.confirm is None:
        return
    if usd is None and kind is not None and model is not None:
        usd = (yield from account.estimate_media_cost(kind, model=model, **work)).usd
    if usd is not None and usd <= (limit or Decimal(0)):
        return
    yield from _confirm(settings, SpendRequest(tool, model, usd, given), limit)


def _confirm(settings: ToolSettings, request: SpendRequest, limit: Decimal | None) -> Flow[None]:
    if settings.confirm is None:
        above = "above" if request.usd is not None else "which may be above"
        msg = f"{request}, {above} the {limit} USD allowed without confirmation; nothing was sent"
        raise SpendNotApprovedError(msg)
    if (yield from ask_user(settings.confirm, request)) is not True:
        raise SpendNotApprovedError(f"{request}: the user did not confirm it; nothing was sent")

"""Asking before spending: `confirm_above_usd`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from nanogpt_client._protocol.steps import Flow, ask_user
from nanogpt_client.endpoints import _prices, account, catalog
from nanogpt_client.errors import SpendNotApprovedError
from nanogpt_client.tools.settings import SpendRequest, ToolFields
from nanogpt_client.types._coerce import as_number
from nanogpt_client.types.catalog import ModelKind


def allow(
    fields: ToolFields, tool: str, arguments: dict[str, Any], kind: ModelKind | None, **work: Any
) -> Flow[None]:
    """Return if the call may be sent; ``work`` is what its price depends on.

    Raises:
        SpendNotApprovedError: it may not; nothing was sent.
    """
    yield from _refuse(fields, tool, arguments, kind, work)
    limit = as_number(fields.confirm_above_usd)
    if limit is None and fields.confirm is None:
        return
    model = getattr(fields, "model", None)
    usd = None
    if kind is not None and model is not None:
        usd = (yield from account.estimate_media_cost(kind, model=model, **work)).usd
    if usd is not None and usd <= (limit or Decimal(0)):
        return
    purchase = SpendRequest(tool, model, usd, arguments)
    if fields.confirm is None:
        more = "more" if usd is not None else "which may be more"
        msg = f"{purchase}, {more} than the {limit} USD a call may cost unasked; nothing was sent"
        raise SpendNotApprovedError(msg)
    if (yield from ask_user(fields.confirm, purchase)) is not True:
        raise SpendNotApprovedError(f"{purchase}: the user did not confirm it; nothing was sent")


def _refuse(
    fields: ToolFields,
    tool: str,
    arguments: dict[str, Any],
    kind: ModelKind | None,
    work: dict[str, Any],
) -> Flow[None]:
    """Refuse what is dearer than any call may be, by the list of prices that was fetched anyway."""
    limit, model = as_number(fields.refuse_above_usd), getattr(fields, "model", None)
    if limit is None or kind is None or model is None:
        return
    known = yield from catalog.find_model(kind, model)
    usd = None if known is None else _prices.price(known, work)
    if usd is not None and usd > limit:
        raise SpendNotApprovedError(
            f"{SpendRequest(tool, model, usd, arguments)}, more than the {limit} USD that any call "
            "may cost; nothing was sent"
        )

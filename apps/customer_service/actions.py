"""The actions of the sample shop: each looks at an order and says what it came to.

A preview tells, without changing anything, whether an action can be done (`ok`) or why not; the
action itself looks again, because time passes between the question and the yes.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import partial

from apps.actions import Action, ActionResult, Catalog, Order, Orders, Reader
from apps.customer_service.delivery import is_abroad, is_lost, return_cost, return_terms, usual_time
from apps.customer_service.items import also, holds
from apps.customer_service.order_details import read_address, read_order_number
from apps.customer_service.workflow_file import FAILED

RETURN_WINDOW = timedelta(days=30)  # from delivery
OrderAction = Callable[[Orders, Mapping[str, str]], ActionResult]


def order_status(orders: Orders, slots: Mapping[str, str]) -> ActionResult:
    """Where the order is; any order can be looked up."""
    order = orders.find(slots["order_number"])
    if order is None:
        return ActionResult("unknown")
    return ActionResult("lost" if _lost(order) else order.status, _facts(order))


def preview_cancel(orders: Orders, slots: Mapping[str, str]) -> ActionResult:
    """Only an order that is being processed can be cancelled."""
    order = orders.find(slots["order_number"])
    if order is None:
        return ActionResult("unknown")
    if _lost(order):
        return ActionResult("lost", _facts(order))
    say = {"processing": "ok", "dispatched": "dispatched", "delivered": "delivered"}
    return ActionResult(say.get(order.status, "already"), _facts(order))


def cancel_order(orders: Orders, slots: Mapping[str, str]) -> ActionResult:
    """Cancel the order."""
    return _done(
        preview_cancel(orders, slots), {"order": slots["order_number"], "status": "cancelled"}
    )


def preview_return(orders: Orders, slots: Mapping[str, str]) -> ActionResult:
    """What an order holds can be returned within RETURN_WINDOW of its delivery."""
    order = orders.find(slots["order_number"])
    if order is None:
        return ActionResult("unknown")
    facts = _facts(order)
    if order.status in ("cancelled", "returned"):
        return ActionResult("already", facts)
    if order.delivered is None:
        return ActionResult("lost" if _lost(order) else "not_delivered", facts)
    if date.today() - order.delivered > RETURN_WINDOW:
        return ActionResult("too_late", facts)
    if not holds(order.items, slots.get("product", "")):
        return ActionResult("not_in_order", facts)
    return ActionResult("ok", facts)


def return_item(orders: Orders, slots: Mapping[str, str]) -> ActionResult:
    """Register the return of one item, beside those that are registered already."""
    order = orders.find(slots["order_number"])
    returning = also(order.returning if order else "", slots["product"])
    effect = {"order": slots["order_number"], "returning": returning}
    return _done(preview_return(orders, slots), effect)


def preview_address(orders: Orders, slots: Mapping[str, str]) -> ActionResult:
    """The address can change until dispatch, to another in the United Kingdom."""
    order = orders.find(slots["order_number"])
    if order is None:
        return ActionResult("unknown")
    say = {"processing": "ok", "dispatched": "dispatched"}.get(order.status, "already")
    if say == "ok" and is_abroad(slots.get("address", "")):
        say = "abroad"
    return ActionResult(say, _facts(order))


def change_address(orders: Orders, slots: Mapping[str, str]) -> ActionResult:
    """Send the order somewhere else."""
    effect = {"order": slots["order_number"], "address": slots["address"]}
    return _done(preview_address(orders, slots), effect)


def change_order(orders: Orders, slots: Mapping[str, str]) -> ActionResult:
    """Items and delivery can change until dispatch, but only a person changes them: `failed`."""
    order = orders.find(slots["order_number"])
    if order is None:
        return ActionResult("unknown")
    say = {"processing": FAILED, "dispatched": "dispatched", "delivered": "delivered"}
    return ActionResult(say.get(order.status, "already"), _facts(order))


def for_a_colleague(orders: Orders, slots: Mapping[str, str]) -> ActionResult:
    """What only a person does: `failed`."""
    return ActionResult(FAILED)


# What each can say and which slots it reads: a workflow file is checked against this.
ACTIONS: dict[str, tuple[OrderAction, tuple[str, ...], tuple[str, ...]]] = {
    "order_status": (
        order_status,
        ("processing", "dispatched", "lost", "delivered", "cancelled", "returned", "unknown"),
        ("order_number",),
    ),
    "cancel_order": (
        cancel_order,
        ("done", "dispatched", "lost", "delivered", "already", "unknown"),
        ("order_number",),
    ),
    "return_item": (
        return_item,
        ("done", "too_late", "not_delivered", "lost", "already", "not_in_order", "unknown"),
        ("order_number", "product"),
    ),
    "change_address": (
        change_address,
        ("done", "dispatched", "already", "abroad", "unknown"),
        ("order_number", "address"),
    ),
    "change_order": (
        change_order,
        (FAILED, "dispatched", "delivered", "already", "unknown"),
        ("order_number",),
    ),
    "for_a_colleague": (for_a_colleague, (FAILED,), ()),
}
PREVIEWS: dict[str, tuple[OrderAction, tuple[str, ...], tuple[str, ...]]] = {
    "cancel_order": (
        preview_cancel,
        ("ok", "dispatched", "lost", "delivered", "already", "unknown"),
        ("order_number",),
    ),
    "return_item": (
        preview_return,
        ("ok", "too_late", "not_delivered", "lost", "already", "not_in_order", "unknown"),
        ("order_number",),
    ),
    "change_address": (
        preview_address,
        ("ok", "dispatched", "already", "abroad", "unknown"),
        ("order_number",),
    ),
}
READERS: dict[str, Reader] = {"order_number": read_order_number, "address": read_address}
FACTS = (
    *("order_number", "items", "total", "status", "placed", "dispatched", "delivered"),
    *("tracking_number", "cost", "terms", "usual"),
)


def shop(orders: Orders) -> Catalog:
    """All that a workflow of the shop may name, on these orders."""
    return Catalog(
        {name: _on(orders, *each) for name, each in ACTIONS.items()},
        {name: _on(orders, *each) for name, each in PREVIEWS.items()},
        READERS,
    )


def _on(orders: Orders, run: OrderAction, says: tuple[str, ...], needs: tuple[str, ...]) -> Action:
    return Action(partial(run, orders), says, needs, FACTS)


def _done(preview: ActionResult, effect: dict[str, str]) -> ActionResult:
    if preview.say != "ok":
        return preview
    return ActionResult("done", preview.facts, (effect,))


def _lost(order: Order) -> bool:
    return order.status == "dispatched" and is_lost(order, date.today())


def _facts(order: Order) -> dict[str, str]:
    return {
        "order_number": order.number,
        "items": order.items,
        "total": f"£{order.total:.2f}",
        "status": order.status,
        "placed": _day(order.placed),
        "dispatched": _day(order.dispatched),
        "delivered": _day(order.delivered),
        "tracking_number": order.tracking_number,
        "usual": usual_time(order, date.today()),
        "terms": return_terms(order),
        "cost": return_cost(order),
    }


def _day(day: date | None) -> str:
    return f"{day.day} {day:%B}" if day else ""

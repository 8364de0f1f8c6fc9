"""Whose a conversation is that came by the API. A visitor of the page is a cookie's random id."""

MAX_CUSTOMER_CHARS = 60  # the store's column holds 64
_API = "api:"  # no visitor's id holds a colon


def api_owner(customer: str | None) -> str:
    """The owner of what callers of the API say for a customer, or for nobody in particular."""
    return f"{_API}{customer or ''}"


def owners_of(customer: str) -> tuple[str, ...]:
    """All owners that a customer's id may mean."""
    return customer, api_owner(customer)

"""The customer service bot as two routes of a FastAPI application that you already have.

Run:  python examples/bot_in_fastapi.py
Try:  curl -X POST localhost:8000/support/conversations -H "X-Customer: jo"
"""

import argparse
from typing import Annotated, Any

import uvicorn
from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel

from apps.app import App
from apps.chat import exchange
from apps.config import app_config
from apps.explain import answer_values
from apps.serving import opened_chat
from apps.store import Store

APP = "customer_service"


class Message(BaseModel):
    """What a customer sends."""

    text: str


def customer(x_customer: Annotated[str, Header()]) -> str:
    """Who asks. Put your own login here: a header that anybody can write is no proof."""
    return x_customer


Customer = Annotated[str, Depends(customer)]


def routes(bot: App, store: Store) -> APIRouter:
    """Begin a conversation, and say something in it."""
    router = APIRouter(prefix="/support")

    @router.post("/conversations", status_code=201)
    def begin(owner: Customer) -> dict[str, str]:
        return {"conversation": store.new_conversation(owner, APP)}

    # `def`, not `async def`: FastAPI runs it in a thread, so that a model keeps nobody waiting.
    @router.post("/conversations/{identity}/turns")
    def say(identity: str, message: Message, owner: Customer) -> dict[str, Any]:
        if not store.owns(owner, identity):  # another customer's looks like none
            raise HTTPException(404, "no such conversation")
        # Answers grow sentence by sentence; the last one is complete and already stored.
        *_, (answer, turn) = exchange(bot, store, identity, message.text)
        return {**answer_values(answer), "turn": turn}

    return router


def main() -> None:
    """Serve; in your own program the two lines about `shop` are there already."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--app", default=APP, help="template or config file")
    parser.add_argument("--port", type=int, default=8000)
    given = parser.parse_args()
    shop = FastAPI()
    bot, store = opened_chat(*app_config(given.app))
    shop.include_router(routes(bot, store))
    uvicorn.run(shop, port=given.port)


if __name__ == "__main__":
    main()

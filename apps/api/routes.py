"""The routes of the API. An app answers as it does on the page: by `exchange`, stored alike."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, HTTPException, Query, Security
from fastapi.security import HTTPBearer
from starlette.middleware import Middleware

from apps.api.bodies import (
    Answered,
    CaseBody,
    ConversationTold,
    Customer,
    MessageBody,
    Predictions,
    Problem,
    TextsBody,
    Told,
)
from apps.api.gate import Gate
from apps.api.problems import add_handlers
from apps.app import App
from apps.chat import exchange
from apps.email_triage.email_triage import Triage, mail_of, triage_values
from apps.owners import api_owner
from apps.predicted import Predict
from apps.store import Store
from apps.summarizer.summary import Summary, summary_values
from apps.web.paste import parse_conversation
from data.errors import ConfigError
from data.schema import Conversation

PREFIX = "/api"
_NO_CONVERSATION = "no such conversation of this customer and app; null begins one"
_OTHER_MESSAGE = "this id was another message's; send each message with an id of its own"
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem} for status in (400, 401, 404, 409, 413, 422, 500, 503)
}


@dataclass(frozen=True, slots=True)
class Served:
    """What the API offers; a part that is None or empty is answered with 404.

    `predictors` are by the task of their run: texts in, a row of plain values for each out.
    """

    store: Store
    chats: Mapping[str, App] = field(default_factory=dict)
    summarize: Callable[[Conversation], Summary] | None = None
    triage: Callable[[Conversation], Triage] | None = None
    predictors: Mapping[str, Predict] = field(default_factory=dict)


def api_router(served: Served, key: str | None) -> APIRouter:
    """The API at /api, for `create_server` of apps.web.server."""
    router = APIRouter()
    router.mount(PREFIX, create_api(served, key))
    return router


def create_api(served: Served, key: str | None) -> FastAPI:
    """The API as an application of its own, so that its errors, key and schema are its own.

    Args:
        served: What it offers.
        key: What callers must show; None: it answers callers of this machine alone.
    """
    bearer = HTTPBearer(auto_error=False, description="for the schema: the Gate looks at the key")
    api = FastAPI(
        title="Deskhand",
        docs_url=None,  # those load from a CDN
        redoc_url=None,
        responses=_PROBLEMS,
        dependencies=[] if key is None else [Security(bearer)],
        middleware=[Middleware(Gate, key=key)],
    )
    add_handlers(api)
    for router in (_chat_routes(served), _case_routes(served), _run_routes(served)):
        api.include_router(router)
    return api


# `def`, not `async def`, in all of them: FastAPI runs them in threads, as models take their time.


def _chat_routes(served: Served) -> APIRouter:
    router, store = APIRouter(), served.store

    @router.post("/{app}/messages", response_model=Answered)
    def answer_message(app: str, body: MessageBody) -> dict[str, Any]:
        """A customer's message to an app, and the app's complete answer."""
        chat = served.chats.get(app)
        if chat is None:
            raise HTTPException(404, f"no such app here; {_listed(served.chats)}")
        conversation = _conversation(store, app, body)
        *_, (_, turn_id) = exchange(chat, store, conversation, body.message, body.id)
        turns = store.turns(conversation)
        place = next(place for place, turn in enumerate(turns) if turn.id == turn_id)
        if turns[place - 1].turn.text != body.message:
            raise HTTPException(409, _OTHER_MESSAGE)
        return {"conversation": conversation, **turns[place].trace}

    @router.get("/conversations/{conversation}", response_model=ConversationTold)
    def read_conversation(
        conversation: str, customer: Annotated[Customer | None, Query()] = None
    ) -> dict[str, Any]:
        """A conversation's turns, for the customer whose it is."""
        if not store.owns(api_owner(customer), conversation):
            raise HTTPException(404, "no such conversation of this customer")
        turns = [stored.turn for stored in store.turns(conversation)]
        told = [
            {
                "speaker": turn.speaker,
                "text": turn.text,
                "time": turn.time and turn.time.replace(tzinfo=UTC),
            }
            for turn in turns
        ]
        return {"conversation": conversation, "turns": told}

    return router


def _conversation(store: Store, app: str, body: MessageBody) -> str:
    """The id of the conversation that a message belongs to, begun where it is to begin one.

    A first message that comes again with its id begins the same one.

    Raises:
        HTTPException: If there is none of that id, or it is another customer's or app's.
    """
    owner = api_owner(body.customer)
    if body.conversation is not None:
        if not store.owns(owner, body.conversation):
            raise HTTPException(404, _NO_CONVERSATION)
        wanted: str | None = body.conversation
    elif body.id is not None:
        whole = json.dumps([owner, app, body.id]).encode()
        wanted = hashlib.sha256(whole).hexdigest()[:24]
    else:
        wanted = None
    try:
        return store.conversation_of(owner, app, wanted)
    except ConfigError as error:
        raise HTTPException(404, _NO_CONVERSATION) from error


def _case_routes(served: Served) -> APIRouter:
    router = APIRouter()

    @router.post("/summarize", response_model=Told)
    def summarize(body: CaseBody) -> dict[str, Any]:
        """What a conversation's customer wanted, what was done, how it ended."""
        if served.summarize is None:
            raise HTTPException(404, "no summarizer here; deskhand serve … summarizer")
        case = _case(body, parse_conversation, "pasted")
        return summary_values(served.summarize(case), case)

    @router.post("/email_triage", response_model=Told)
    def triage(body: CaseBody) -> dict[str, Any]:
        """What a mail wants, how urgent it is, whose it is, and what could be answered."""
        if served.triage is None:
            raise HTTPException(404, "no triage here; deskhand serve … email_triage")
        return triage_values(served.triage(_case(body, mail_of, "mail")))

    return router


def _case(body: CaseBody, read: Callable[[str, str], Conversation], name: str) -> Conversation:
    if body.text is not None:
        return read(body.text, body.id or name)
    return Conversation(body.id or name, tuple(turn.turn for turn in body.turns or ()))


def _run_routes(served: Served) -> APIRouter:
    router = APIRouter()

    @router.post("/predict", response_model=Predictions)
    def predict(body: TextsBody) -> dict[str, Any]:
        """What a run of the served bot says of texts."""
        predictor = served.predictors.get(body.run)
        if predictor is None:
            raise HTTPException(404, "no run here; deskhand serve customer_service has two")
        return {"predictions": predictor(body.texts)}

    return router


def _listed(names: Mapping[str, App]) -> str:
    return f"served are {', '.join(names)}" if names else "no chat app is served"

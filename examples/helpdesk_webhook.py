"""A webhook of a helpdesk: a new ticket comes in, its triage goes back as an internal note.

Run:  HELPDESK_SECRET=… python examples/helpdesk_webhook.py
The ticket is {"id": …, "subject": …, "text": …}; its header X-Signature is the HMAC-SHA256 of the
body in hexadecimal digits, as most helpdesks send it under one name or another.
"""

import argparse
import hashlib
import hmac
import os
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import uvicorn
from fastapi import FastAPI, Header, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ValidationError

from apps.build import build_triage
from apps.config import app_config
from apps.email_triage.email_triage import Triage, mail_of, note
from data.errors import LogFormatError
from data.schema import Conversation


class Ticket(BaseModel):
    """What we read of a ticket; other fields are ignored."""

    id: int | str
    subject: str = ""
    text: str


def create_app(triage: Callable[[Conversation], Triage], secret: str, notes: Path) -> FastAPI:
    """The receiver; `notes` is an SQLite file of the notes by ticket, `secret` is not empty."""
    if not secret:
        raise ValueError("an empty secret would let anybody in")
    app = FastAPI()
    with closing(sqlite3.connect(notes)) as database, database:
        database.execute("CREATE TABLE IF NOT EXISTS notes (ticket TEXT PRIMARY KEY, note TEXT)")

    def noted(ticket: Ticket) -> str:
        """The ticket's note. Helpdesks send a ticket again where an answer is late."""
        with closing(sqlite3.connect(notes)) as database, database:
            key = (str(ticket.id),)
            known = database.execute("SELECT note FROM notes WHERE ticket = ?", key).fetchone()
            if known is None:
                text = note(triage(mail_of(f"{ticket.subject}\n{ticket.text}", str(ticket.id))))
                # Of two deliveries at once the first stays, and both answer with it.
                database.execute("INSERT OR IGNORE INTO notes VALUES (?, ?)", (*key, text))
                known = database.execute("SELECT note FROM notes WHERE ticket = ?", key).fetchone()
        return str(known[0])

    @app.post("/tickets")
    async def receive(
        request: Request, x_signature: Annotated[str, Header()] = ""
    ) -> dict[str, Any]:
        body = await request.body()  # the signature is over these bytes, not over parsed JSON
        wanted = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(wanted.encode(), x_signature.encode()):
            raise HTTPException(401, "wrong signature")
        try:
            ticket = Ticket.model_validate_json(body)
            text = await run_in_threadpool(noted, ticket)
        except (ValidationError, LogFormatError) as error:
            raise HTTPException(422, "a ticket needs an id and a text") from error
        return {"ticket": ticket.id, "internal": True, "note": text}

    return app


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--app", default="email_triage", help="template or config file")
    parser.add_argument("--notes", type=Path, default=Path("var/helpdesk.db"))
    given = parser.parse_args()
    secret = os.environ.get("HELPDESK_SECRET", "")
    if not secret:
        sys.exit("error: HELPDESK_SECRET is empty; set what your helpdesk signs with")
    given.notes.parent.mkdir(parents=True, exist_ok=True)
    sorter = build_triage(app_config(given.app)[0])
    uvicorn.run(create_app(sorter.triage, secret, given.notes), port=8002)


if __name__ == "__main__":
    main()

"""Every program of examples/, run on small models."""

import csv
import hashlib
import hmac
import json
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from langchain_core.language_models import FakeListChatModel

from apps.customer_service.actions import shop
from apps.customer_service.bot import CustomerServiceBot
from apps.customer_service.workflow import Workflows
from apps.email_triage.email_triage import EmailTriage
from apps.langchain import predictor_of, runnable_of
from apps.store import Store
from data.schema import Intent
from examples import bot_in_fastapi, classify_csv, helpdesk_webhook, langchain_chain
from finetune.train import train
from retrieval.writing import build_index
from tests.conftest import intent_rows, open_encoder, small, write_lines
from tests.fakes import HashEncoder, by_hand
from tests.shop import SHOP
from tests.test_bot import LATE, WINDOW, KeywordIntents, OrderFinder
from tests.test_workflows import SHIPPED, FakeOrders, order

pytestmark = pytest.mark.usefixtures("here")
ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
SECRET = "s3cret"


@pytest.fixture(scope="module")
def run(tiny, tmp_path_factory):
    """An intent run of the tiny encoder."""
    folder = tmp_path_factory.mktemp("run")
    work = tmp_path_factory.getbasetemp() / "work"
    work.mkdir(exist_ok=True)
    for split in ("train", "validation"):
        write_lines(folder / f"{split}.jsonl", intent_rows())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(work)
        train(small("intent", tiny, "head"), folder, folder / "run")
    return folder / "run"


@pytest.fixture
def index(tmp_path):
    built = build_index([LATE, WINDOW], HashEncoder(), "hash", tmp_path / "index")
    return built.refit(by_hand(0.5, 0.2))


@pytest.fixture
def bot(index):
    workflows = Workflows.load(SHIPPED, shop(FakeOrders(order("FK-100001", "processing"))))
    return CustomerServiceBot(KeywordIntents(), OrderFinder(), index, workflows)


@pytest.fixture
def triage(index):
    teams = {"delivery_options": "logistics"}
    return EmailTriage(KeywordIntents(), OrderFinder(), index, teams, "front desk").triage


def write_table(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_a_csv_column_gets_intent_confidence_and_scope(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(classify_csv, "AT_ONCE", 4)
    rows = [{"no": str(n), "said": row["text"]} for n, row in enumerate(intent_rows())]
    table, out = write_table(tmp_path / "in.csv", rows), tmp_path / "out.csv"
    given = [str(table), "--column", "said", "--run", str(run), "--out", str(out)]
    assert classify_csv.main(given) == 0
    assert capsys.readouterr().out == f"{out}: {len(rows)} rows\n"
    with out.open(encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))
    assert [row["no"] for row in written] == [row["no"] for row in rows]
    right = [row["intent"] == own["label"] for row, own in zip(written, intent_rows(), strict=True)]
    assert sum(right) > 0.8 * len(right)
    assert all(0 <= float(row["confidence"]) <= 1 for row in written)
    assert {row["in_scope"] for row in written} <= {"yes", "no"}


def test_a_missing_column_is_one_line(run, tmp_path, capsys):
    table = write_table(tmp_path / "in.csv", [{"no": "1", "said": "secret"}])
    given = [str(table), "--run", str(run), "--out", str(tmp_path / "out.csv")]
    assert classify_csv.main(given) == 2
    assert capsys.readouterr().err == f"error: {table}:1: no column 'text'; it has no, said\n"


def test_the_table_that_is_read_is_never_written_over(run, tmp_path, capsys):
    table = write_table(tmp_path / "in.csv", [{"text": "secret"}])
    before = table.read_bytes()
    assert classify_csv.main([str(table), "--run", str(run), "--out", str(table)]) == 2
    assert "is the table that is read" in capsys.readouterr().err
    assert table.read_bytes() == before


def test_a_wrong_column_leaves_an_earlier_result_and_a_long_row_is_classified(run, tmp_path):
    table, out = tmp_path / "in.csv", tmp_path / "out.csv"
    table.write_text("text,no\nwhere is my parcel,1,left over\n", "utf-8")
    assert classify_csv.main([str(table), "--run", str(run), "--out", str(out)]) == 0
    before = out.read_bytes()
    assert before.count(b"\n") == 2
    given = [str(table), "--column", "txt", "--run", str(run), "--out", str(out)]
    assert classify_csv.main(given) == 2
    assert out.read_bytes() == before


def test_a_bot_answers_in_an_application_that_was_there(bot, tmp_path, monkeypatch):
    store = Store(f"sqlite:///{tmp_path}/shop.db")
    served = []
    monkeypatch.setattr(bot_in_fastapi, "opened_chat", lambda config, folder: (bot, store))
    monkeypatch.setattr(bot_in_fastapi.uvicorn, "run", lambda app, port: served.append(app))
    monkeypatch.setattr("sys.argv", ["bot_in_fastapi.py"])
    bot_in_fastapi.main()
    client, jo = TestClient(served[0]), {"X-Customer": "jo"}
    identity = client.post("/support/conversations", headers=jo).json()["conversation"]
    place = f"/support/conversations/{identity}/turns"
    said = client.post(place, json={"text": "where is order FK-100001"}, headers=jo).json()
    assert said["step"].startswith("workflow:order_status")
    assert [turn.turn.speaker for turn in store.turns(identity)] == ["customer", "agent"]
    assert store.turns(identity)[-1].id == said["turn"]
    other = client.post(place, json={"text": "hello"}, headers={"X-Customer": "eve"})
    assert other.status_code == 404
    assert len(store.turns(identity)) == 2
    assert client.post("/support/conversations").status_code == 422


def test_a_chain_asks_a_chat_model_with_the_passages(tiny, run, tmp_path, capsys):
    build_index(SHOP, open_encoder(tiny), tiny, tmp_path / "index")
    given = ["where is my parcel", "--index", str(tmp_path / "index"), "--run", str(run)]
    langchain_chain.main(given)
    answer, prediction = capsys.readouterr().out.splitlines()
    assert answer == "(a chat model's answer would stand here)"
    assert prediction.startswith("IntentPrediction(")


def test_the_prompt_of_the_chain_holds_the_best_passages_with_their_source(tmp_path):
    index = build_index(SHOP, HashEncoder(), "hash", tmp_path / "index")
    asked = []

    class Model(FakeListChatModel):
        def _call(self, messages, *arguments, **more):
            asked.append(messages[0].content)
            return super()._call(messages, *arguments, **more)

    chain = langchain_chain.chain_of(index, Model(responses=["There."]), k=1)
    assert chain.invoke("where is my parcel") == "There."
    assert "[faq.md#1] See the tracking page.\n\nCustomer: where is my parcel" in asked[0]
    assert "Two years." not in asked[0]


def test_an_app_and_models_are_steps_of_a_chain(bot):
    said = (runnable_of(bot) | (lambda answer: answer.step)).batch(["hello", "cancel it"])
    assert said == ["small_talk", "workflow:cancel_order:ask:order_number"]
    intents = predictor_of(KeywordIntents()) | (lambda found: found.intent)
    assert intents.invoke("is it late") == Intent("delivery_options", 0.9)
    (entity,) = predictor_of(OrderFinder()).invoke("order FK-100001")
    assert entity.text == "FK-100001"


def signed(body, secret=SECRET):
    return {"X-Signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def ticket(**values):
    return json.dumps({"id": 7, "subject": "Parcel", "text": "Is my parcel late? URGENT", **values})


def test_a_ticket_gets_its_triage_as_an_internal_note_once(triage, tmp_path):
    sorted_ = []

    def counted(conversation):
        sorted_.append(conversation.id)
        return triage(conversation)

    client = TestClient(helpdesk_webhook.create_app(counted, SECRET, tmp_path / "notes.db"))
    body = ticket().encode()
    first = client.post("/tickets", content=body, headers=signed(body))
    assert first.status_code == 200
    assert first.json()["internal"] is True
    assert first.json()["note"].startswith("Team: logistics\nWants: delivery_options")
    assert "Urgency: high (urgent)" in first.json()["note"]
    again = TestClient(helpdesk_webhook.create_app(counted, SECRET, tmp_path / "notes.db"))
    assert again.post("/tickets", content=body, headers=signed(body)).json() == first.json()
    assert sorted_ == ["7"]


def test_a_ticket_with_a_wrong_signature_is_not_read(triage, tmp_path):
    client = TestClient(helpdesk_webhook.create_app(triage, SECRET, tmp_path / "notes.db"))
    body = ticket().encode()
    for headers in ({}, signed(body, "other"), signed(body + b" "), {"X-Signature": "é".encode()}):
        assert client.post("/tickets", content=body, headers=headers).status_code == 401


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"id": 7}', ticket(text="> quoted", subject="").encode()]
)
def test_a_ticket_that_cannot_be_read_is_refused(body, triage, tmp_path):
    client = TestClient(helpdesk_webhook.create_app(triage, SECRET, tmp_path / "notes.db"))
    assert client.post("/tickets", content=body, headers=signed(body)).status_code == 422


def test_the_webhook_does_not_start_without_a_secret(monkeypatch, tmp_path, triage):
    monkeypatch.delenv("HELPDESK_SECRET", raising=False)
    monkeypatch.setattr("sys.argv", ["helpdesk_webhook.py"])
    with pytest.raises(SystemExit, match="HELPDESK_SECRET is empty"):
        helpdesk_webhook.main()
    with pytest.raises(ValueError, match="empty secret"):
        helpdesk_webhook.create_app(triage, "", tmp_path / "notes.db")


def test_the_notebook_trains_and_tells_before_and_after(tiny, tmp_path, capsys):
    notebook = json.loads((EXAMPLES / "tune_on_your_data.ipynb").read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
    rows = [
        {"said": f"{row['text']} {n}", "wanted": row["label"]}
        for n in range(3)
        for row in intent_rows()
    ]
    names = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
        if "parameters" in cell["metadata"].get("tags", ()):
            names |= {
                "LOG": write_table(tmp_path / "log.csv", rows),
                "TEXT": "said",
                "LABEL": "wanted",
                "OUT": tmp_path / "runs" / "mine",
                "CONFIG": ROOT / names["CONFIG"],
                "SETTINGS": [f"encoder={tiny}", "threads=1", "max_tokens=32"],
            }
    assert (tmp_path / "runs" / "mine" / "report.html").exists()
    printed = re.search(r"^in_scope_accuracy +([\d.]+) +([\d.]+)$", capsys.readouterr().out, re.M)
    assert printed is not None
    assert float(printed[2]) == pytest.approx(names["after"]["in_scope_accuracy"], abs=1e-4)
    assert names["prediction"].top


def test_the_page_of_examples_names_each_of_them_and_no_other():
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    there = {path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".ipynb")}
    assert set(re.findall(r"examples/(\w+\.(?:py|ipynb))\b", page)) == there

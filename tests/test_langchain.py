"""LangChain's door, in chains of LangChain's own."""

import subprocess
import sys

import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.language_models import FakeListChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnablePassthrough

from apps.langchain import (
    EncoderEmbeddings,
    PassageRetriever,
    PassageStore,
    document_of,
    passage_of,
)
from retrieval.filters import Filter
from retrieval.living import LivingIndex
from retrieval.writing import build_index
from tests.fakes import HashEncoder
from tests.shop import SHOP


@pytest.fixture
def living(tmp_path):
    return LivingIndex(build_index(SHOP, HashEncoder(), "hash", tmp_path / "index"))


@pytest.fixture
def store(living):
    return PassageStore(living, HashEncoder())


def test_a_retriever_feeds_a_chain(living):
    asked = []

    def kept(prompt):
        asked.append(prompt.to_string())
        return prompt

    prompt = ChatPromptTemplate.from_template("From {context} answer {question}")
    chain = (
        {
            "context": PassageRetriever(retriever=living, k=1)
            | (lambda found: found[0].page_content),
            "question": RunnablePassthrough(),
        }
        | prompt
        | RunnableLambda(kept)
        | FakeListChatModel(responses=["On the tracking page."])
        | StrOutputParser()
    )
    assert chain.invoke("where is my parcel") == "On the tracking page."
    assert asked == ["Human: From See the tracking page. answer where is my parcel"]


def test_a_retriever_batches_filters_and_tells_title_source_and_score(living):
    retriever = PassageRetriever(retriever=living, k=9, where=Filter.of({"kind": "policy"}))
    first, second = retriever.batch(["where is my parcel", "how long is the warranty"])
    assert [found.id for found in first] == ["warranty"]
    (found,) = second
    assert found.metadata["title"] == "how long is the warranty"
    assert found.metadata["source"] == "faq.md#1"
    assert found.metadata["score"] > 0.5


def test_a_document_and_its_passage_are_the_same_thing():
    assert passage_of(document_of(SHOP[0])) == SHOP[0]


def test_a_store_adds_updates_deletes_and_searches_with_scores(store):
    (new,) = store.add_documents([Document(page_content="who mends a broken lamp")])
    assert store.similarity_search("who mends a broken lamp", 1)[0].id == new
    assert store.add_texts(["who paints a red boat"], [{"kind": "faq", "n": 7}], ids=[new]) == [new]
    found, score = store.similarity_search_with_score("who paints a red boat", 1)[0]
    assert (found.id, found.metadata["n"]) == (new, "7")
    assert 0.9 < score <= 1
    store.delete([new])
    assert new not in [each.id for each in store.similarity_search("who paints a red boat", 9)]
    with pytest.raises(ValueError, match="name the ids"):
        store.delete()
    with pytest.raises(ValueError, match="1 texts, but 2 ids"):
        store.add_texts(["x"], ids=["a", "b"])


def test_a_store_is_a_retriever_with_filter_threshold_and_variety(store):
    only = store.as_retriever(search_kwargs={"k": 9, "filter": {"kind": "policy"}})
    assert [found.id for found in only.invoke("where is my parcel")] == ["warranty"]
    close = store.as_retriever(
        search_type="similarity_score_threshold", search_kwargs={"score_threshold": 0.6}
    )
    assert [found.id for found in close.invoke("where is my parcel")] == ["parcel"]
    store.add_texts(["where is my parcel", "where is my parcel", "buy a gift card"])
    varied = store.max_marginal_relevance_search("where is my parcel", 2, lambda_mult=0.1)
    assert len({found.page_content for found in varied}) == 2


def test_a_store_is_made_from_texts_with_our_encoder_or_any_embeddings(tmp_path):
    ours = PassageStore.from_texts(
        ["one mug", "two cups"], EncoderEmbeddings(HashEncoder()), folder=tmp_path / "a"
    )
    assert ours.similarity_search("two cups", 1)[0].page_content == "two cups"
    other = PassageStore.from_texts(
        ["one mug", "two cups"], DeterministicFakeEmbedding(size=16), folder=tmp_path / "b"
    )
    assert other.similarity_search("one mug", 1)[0].page_content == "one mug"
    assert len(ours.embeddings.embed_query("mug")) == 64


def test_a_filter_takes_the_values_that_documents_have(store):
    store.add_texts(
        ["alpha page", "beta page", "gamma page"],
        [
            {"page": 3, "source": "http://host:8000", "title": "A", "is_open": True},
            {"page": 4, "source": "a.txt:12", "title": None},
            {"page": 5, "source": "a.txt:13"},
        ],
    )

    def found(**wanted):
        return sorted(d.page_content[:-5] for d in store.similarity_search("page", filter=wanted))

    assert found(page=3) == found(page=[3]) == found(page="3") == ["alpha"]
    assert found(page=(3, 4)) == ["alpha", "beta"]
    assert found(is_open=True) == ["alpha"]
    assert found(source="http://host:8000") == ["alpha"]
    assert found(source="a.txt:12") == ["beta"]
    assert found(source="a.txt") == ["beta", "gamma"]
    assert found(title="A") == ["alpha"]
    assert found(title="A", page=4) == []
    assert store.similarity_search("beta page", 1)[0].metadata["title"] == ""


def test_metadata_that_no_filter_could_find_is_refused(store):
    with pytest.raises(ValueError, match="metadata 'tags' is a list"):
        store.add_texts(["x"], [{"tags": ["a", "b"]}])


def test_documents_are_given_by_their_ids(store):
    found = store.get_by_ids(["gift", "nothing", "parcel"])
    assert [document.id for document in found] == ["gift", "parcel"]


def test_half_an_emoji_is_searched_for_with_variety_too(store):
    store.add_texts(["half \ud83d of it"])
    assert len(store.max_marginal_relevance_search("bad \ud83d half", 2)) == 2
    assert len(store.embeddings.embed_query("\ud83d")) == 64


def test_two_stores_without_a_folder_are_two(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one, two = (
        PassageStore.from_texts([text], EncoderEmbeddings(HashEncoder()))
        for text in ("apples are red", "cars are fast")
    )
    assert one.similarity_search("apples")[0].page_content == "apples are red"
    assert two.similarity_search("apples")[0].page_content == "cars are fast"


class TwoTongues(DeterministicFakeEmbedding):
    """Reads a question as the passage that answers it."""

    def embed_query(self, text):
        return self.embed_documents([text.replace("which", "two")])[0]


def test_embeddings_that_read_questions_otherwise_are_asked_to(tmp_path):
    store = PassageStore.from_texts(
        ["one mug", "two cups"], TwoTongues(size=16), folder=tmp_path / "a"
    )
    (found, score), _ = store.similarity_search_with_score("which cups", 2)
    assert found.page_content == "two cups"
    assert score == pytest.approx(1, abs=1e-3)


def test_nobody_who_does_not_use_langchain_loads_it():
    code = "import sys, apps.cli, apps.build; assert 'langchain_core' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)

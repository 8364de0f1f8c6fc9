"""Passages in Milvus: the door for more of them than one machine holds.

One collection, a row a passage and one for each known question that it answers. Milvus searches
vectors and words (its own BM25 function) and keeps its own versions; scores are fused as in an
index, so the same question finds the same passages here and there.

`uri` is a cluster's address, or a file for milvus-lite, which speaks the same API in this process.
"""

import json
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.encoders import Encoder, passage_vectors, question_vectors
from data.errors import IndexMismatchError, LogFormatError
from data.schema import Passage
from retrieval.columns import source_file
from retrieval.filters import FOR_ALL, SOURCE, VALID_FROM, VALID_UNTIL, Filter
from retrieval.fusion import Fusion, scores
from retrieval.lexical import words_of
from retrieval.passages import embedding_text
from retrieval.questions import Question
from retrieval.rows import encodable

COLLECTION = "passages"
_MAX_BYTES = 65_535  # of a VARCHAR
_MAX_ID = 512
_BATCH = 500  # rows a call: far below gRPC's limit of a message
_POOL = 50  # candidates that each half brings, at least
_ALWAYS = {VALID_FROM: 0, VALID_UNTIL: 99_999_999}


class MilvusPassages:
    """A `LivingRetriever` on a Milvus collection, which is made where it is missing."""

    def __init__(
        self,
        uri: str,
        encoder: Encoder,
        *,
        collection: str = COLLECTION,
        token: str = "",
        fusion: Fusion | None = None,
        timeout_s: float = 10.0,
    ) -> None:
        """Connect.

        Args:
            uri: `http://host:19530`, or a path that ends in `.db` for milvus-lite.
            encoder: What its vectors are made with.
            collection: Its name; one for each index.
            token: `user:password` or an API key, where the cluster wants one.
            fusion: As an index's manifest has it after fitting; its `whole`, focus and topics
                are left out, because rows are weighed one by one here. None: the vectors alone.
            timeout_s: Of each call.

        Raises:
            IndexMismatchError: If there is no Milvus, or the collection is of another encoder.
        """
        self.encoder, self.fusion = encoder, Fusion(fusion.dense if fusion else 1.0)
        self._collection, self._timeout, self._uri = collection, timeout_s, uri
        # The field's name tells the encoder: milvus-lite keeps no description of a collection.
        self._vector = f"vector_{sha256(encoder.fingerprint.encode()).hexdigest()[:12]}"
        with self._said():
            self._client = _client(uri, token, timeout_s)
            if not self._client.has_collection(collection, timeout=timeout_s):
                self._create(len(encoder.encode(["width"])[0]))
            described = self._client.describe_collection(collection, timeout=timeout_s)
        if self._vector not in {field["name"] for field in described["fields"]}:
            raise IndexMismatchError(
                f"{uri}: collection {collection!r} was made by something else or with another "
                "encoder; name another collection, or open it with that encoder"
            )

    def search(self, question: str, k: int = 5, *, where: Filter | None = None) -> list[Passage]:
        """See Retriever."""
        if k < 1:
            return []
        vector = question_vectors(self.encoder, [encodable(question)])[0]
        best: dict[str, tuple[float, str]] = {}
        while len(best) < k:
            # Where a few passages have all of the nearest rows, the others are asked for again.
            further = self._best(question, vector, _POOL + 20 * k, _expression(where, best))
            if not further:
                break
            best |= further
        ranked = sorted(best.items(), key=lambda pair: (-pair[1][0], pair[0]))
        return [replace(_passage(text), score=score) for _, (score, text) in ranked[:k]]

    def _best(
        self, question: str, vector: NDArray[np.float32], limit: int, chosen: str
    ) -> dict[str, tuple[float, str]]:
        """The score of each passage, by its key, that has one of the nearest rows; and itself."""
        rows = self._nearest(self._vector, vector.tolist(), limit, chosen)
        words = {}
        if self.fusion.dense < 1 and (asked := _words(question)):
            matched = self._nearest("bm25", asked, limit, chosen)
            # milvus-lite gives distances, which are negative, where Milvus gives scores.
            words = {row["row"]: abs(float(row["distance"])) for row in matched}
            rows = list({row["row"]: row for row in (*matched, *rows)}.values())
        if not rows:
            return {}
        cosines = np.array([row["entity"][self._vector] for row in rows], dtype=np.float32) @ vector
        matches = np.array([words.get(row["row"], 0.0) for row in rows], dtype=np.float32)
        found = scores(self.fusion, cosines, cosines, matches)
        best: dict[str, tuple[float, str]] = {}
        for row, score in zip(rows, found.tolist(), strict=True):
            entity = row["entity"]
            if score > best.get(entity["owner"], (-1.0, ""))[0]:
                best[entity["owner"]] = score, entity["passage"]
        return best

    def add(self, passages: Sequence[Passage], questions: Sequence[Question] = ()) -> None:
        """See LivingRetriever; `questions` are known ones that these passages answer.

        Raises:
            LogFormatError: If a passage is too long for Milvus, or a question's passage is not
                among `passages`.
        """
        fresh = {passage.id: passage for passage in passages}
        texts = [(passage, embedding_text(passage), True) for passage in fresh.values()]
        for question in questions:
            for identity in sorted(question.relevant):
                if identity not in fresh:
                    raise LogFormatError(
                        f"a known question's passage {identity!r} is not among those that are added"
                    )
                texts.append((fresh[identity], question.text, False))
        if not texts:
            return
        vectors = passage_vectors(self.encoder, [encodable(text) for _, text, _ in texts])
        rows = [
            _row(number, passage, text, is_own) | {self._vector: vector.tolist()}
            for number, ((passage, text, is_own), vector) in enumerate(
                zip(texts, vectors, strict=True)
            )
        ]
        with self._said():
            for start in range(0, len(rows), _BATCH):
                self._client.upsert(
                    self._collection, rows[start : start + _BATCH], timeout=self._timeout
                )
            # A known passage may have had more rows than now. They go last: a call that fails
            # before loses nothing.
            surplus = self._rows_of(fresh.keys()) - {row["row"] for row in rows}
            self._delete_where("row", surplus)

    def delete(self, ids: Collection[str]) -> None:
        """See LivingRetriever."""
        with self._said():
            self._delete_where("owner", {_key(identity) for identity in ids})

    def get(self, ids: Sequence[str]) -> list[Passage]:
        """See LivingRetriever."""
        found: dict[str, Passage] = {}
        keys = sorted({_key(identity) for identity in ids})
        with self._said():
            for start in range(0, len(keys), _BATCH):
                chosen = f"own == true and owner in {json.dumps(keys[start : start + _BATCH])}"
                for row in self._client.query(
                    self._collection, filter=chosen, output_fields=["passage"],
                    timeout=self._timeout,
                ):  # fmt: skip
                    passage = _passage(row["passage"])
                    found[passage.id] = passage
        return [found[identity] for identity in dict.fromkeys(ids) if identity in found]

    def __len__(self) -> int:
        with self._said():
            counted = self._client.query(
                self._collection, filter="own == true", output_fields=["count(*)"],
                timeout=self._timeout,
            )  # fmt: skip
        return int(counted[0]["count(*)"])

    def close(self) -> None:
        """Let go of the connection, or of milvus-lite's file."""
        self._client.close()

    def _rows_of(self, ids: Collection[str]) -> set[str]:
        """The keys of all rows that lead to these passages."""
        keys = sorted({_key(identity) for identity in ids})
        return {
            row["row"]
            for start in range(0, len(keys), _BATCH)
            for row in self._client.query(
                self._collection, filter=f"owner in {json.dumps(keys[start : start + _BATCH])}",
                output_fields=["row"], timeout=self._timeout,
            )
        }  # fmt: skip

    def _delete_where(self, field: str, values: Collection[str]) -> None:
        ordered = sorted(values)
        for start in range(0, len(ordered), _BATCH):
            chosen = f"{field} in {json.dumps(ordered[start : start + _BATCH])}"
            self._client.delete(self._collection, filter=chosen, timeout=self._timeout)

    def _nearest(
        self, field: str, asked: "list[float] | str", limit: int, chosen: str
    ) -> list[dict[str, Any]]:
        with self._said():
            (found,) = self._client.search(
                self._collection, data=[asked], anns_field=field, filter=chosen, limit=limit,
                output_fields=["owner", "passage", self._vector], timeout=self._timeout,
            )  # fmt: skip
        return [dict(each) for each in found]

    def _create(self, width: int) -> None:
        from pymilvus import DataType, Function, FunctionType

        schema = self._client.create_schema(auto_id=False)
        schema.add_field("row", DataType.VARCHAR, is_primary=True, max_length=_MAX_ID + 20)
        schema.add_field("owner", DataType.VARCHAR, max_length=_MAX_ID)
        schema.add_field("own", DataType.BOOL)
        schema.add_field("passage", DataType.VARCHAR, max_length=_MAX_BYTES)
        schema.add_field("metadata", DataType.JSON)
        schema.add_field("words", DataType.VARCHAR, max_length=_MAX_BYTES, enable_analyzer=True,
                         analyzer_params={"tokenizer": "standard"})  # fmt: skip
        schema.add_field(self._vector, DataType.FLOAT_VECTOR, dim=width)
        schema.add_field("bm25", DataType.SPARSE_FLOAT_VECTOR)
        schema.add_function(
            Function("bm25", FunctionType.BM25, input_field_names=["words"],
                     output_field_names=["bm25"])
        )  # fmt: skip
        indexes = self._client.prepare_index_params()
        indexes.add_index(self._vector, index_type="AUTOINDEX", metric_type="IP")
        # The constants of bm25s, so that scores compare with an index's.
        indexes.add_index("bm25", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25",
                          params={"bm25_k1": 1.5, "bm25_b": 0.75})  # fmt: skip
        self._client.create_collection(
            self._collection, schema=schema, index_params=indexes, timeout=self._timeout,
            consistency_level="Strong",  # a search sees what was added before it
        )  # fmt: skip

    @contextmanager
    def _said(self) -> Iterator[None]:
        """What Milvus refuses, as one line."""
        from pymilvus.exceptions import MilvusException

        try:
            yield
        except MilvusException as error:
            why = str(error.message or error).splitlines()[0]
            raise IndexMismatchError(
                f"{self._uri}: Milvus says: {why}; check the address, the token and its health"
            ) from error


def _client(uri: str, token: str, timeout_s: float) -> Any:  # noqa: ANN401 - pymilvus has no types
    try:
        from pymilvus import MilvusClient
    except ImportError as error:
        raise IndexMismatchError("Milvus needs pymilvus: pip install 'deskhand[milvus]'") from error
    # They log a refused call with its filter, in which ids stand, and raise it besides.
    for name in ("pymilvus", "grpc._server"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return MilvusClient(uri=uri, token=token, timeout=timeout_s)


def _row(number: int, passage: Passage, text: str, is_own: bool) -> dict[str, Any]:
    key = _key(passage.id)
    whole = json.dumps(
        [passage.id, passage.text, passage.title, passage.source, dict(passage.metadata)]
    )
    searched = f"{passage.title}\n{passage.text}" if is_own else text
    if len(whole) > _MAX_BYTES or len(key.encode()) > _MAX_ID:
        raise LogFormatError(
            f"passage {passage.id[:40]!r}: too long for Milvus ({len(whole):,} bytes, id "
            f"{len(key.encode()):,}; at most {_MAX_BYTES:,} and {_MAX_ID}); split it"
        )
    return {
        "row": key if is_own else f"{key}\t{number}",
        "owner": key,
        "own": is_own,
        "passage": whole,
        "metadata": _metadata(passage),
        "words": _words(searched),
    }


def _passage(whole: str) -> Passage:
    identity, text, title, source, metadata = json.loads(whole)
    return Passage(identity, text, title, source, metadata)


def _metadata(passage: Passage) -> dict[str, str | int]:
    """What a filter reads: days as numbers, which Milvus compares."""
    values: dict[str, str | int] = {
        encodable(key): encodable(value) for key, value in passage.metadata.items()
    }
    values[SOURCE] = encodable(source_file(passage))
    return values | {key: _day(passage.metadata, key) for key in _ALWAYS}


def _day(metadata: Mapping[str, str], key: str) -> int:
    try:
        return _number(date.fromisoformat(metadata.get(key, "")[:10]))
    except ValueError:
        return _ALWAYS[key]


def _number(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day


def _expression(where: Filter | None, without: Collection[str] = ()) -> str:
    """A filter in Milvus' language, without the passages of some keys; "" admits all."""
    parts = [f"owner not in {json.dumps(sorted(without))}"] if without else []
    for key, wanted in where.any_of if where is not None else ():
        field = f"metadata[{json.dumps(encodable(key), ensure_ascii=False)}]"
        equal = [f"{field} == {json.dumps(encodable(each), ensure_ascii=False)}" for each in wanted]
        if key in FOR_ALL:
            equal.append(f"(not exists {field})")
        parts.append(f"({' or '.join(sorted(equal))})" if equal else "own != own")
    if where is not None and where.valid_on is not None:
        day = _number(where.valid_on)
        parts += [
            f'metadata["{VALID_FROM}"] <= {day}',
            f'metadata["{VALID_UNTIL}"] >= {day}',
        ]
    return " and ".join(parts)


def _words(text: str) -> str:
    """Our own words, so that Milvus' tokenizer has only spaces to split at, in Chinese too."""
    words = " ".join(words_of(encodable(text)))
    return words.encode()[:_MAX_BYTES].decode("utf-8", "ignore")


def _key(identity: str) -> str:
    """An id without what UTF-8 cannot hold; two ids never share a key."""
    return json.dumps(identity, ensure_ascii=not _is_plain(identity))[1:-1]


def _is_plain(text: str) -> bool:
    return text.isprintable() and not any(0xD800 <= ord(each) <= 0xDFFF for each in text)

"""Encoders of other kinds than the default: an XLM-R with a unigram tokenizer, built here."""

import json
import shutil

import numpy as np
import pytest

from data.encoder_way import Way, positions_of, way_of
from data.encoders import passage_vectors, question_vectors, resolve_encoder
from data.errors import EncoderError, IndexMismatchError
from data.schema import Passage
from finetune.serving import encoder_of, shared_encoder
from finetune.train import train
from retrieval.highlight import highlight
from retrieval.index import open_index
from retrieval.writing import build_index
from tests.conftest import small
from tests.fakes import HashEncoder

pytestmark = pytest.mark.usefixtures("here")

TEXTS = [
    "我的包裹在哪里？",
    "Wo ist mein Paket geblieben, ich warte seit Tagen",
    "when does my refund arrive",
    "退款需要五个工作日。",
    "x",
]
TOO_LONG = ["包裹 " * 200, "when does my refund arrive " * 30]  # for the 38 positions
PROMPTS = {"query": "query: ", "document": "passage: "}


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """The folder of a tiny XLM-R and its tokenizer, without sentence-transformers' files."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

    folder = tmp_path_factory.mktemp("xlmr")
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=120, special_tokens=special, unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator([*TEXTS, *PROMPTS.values()] * 4, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )  # fmt: skip
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", pad_token="<pad>", eos_token="</s>",
        cls_token="<s>", sep_token="</s>", unk_token="<unk>", mask_token="<mask>",
        model_max_length=38,
    ).save_pretrained(folder)  # fmt: skip
    torch.manual_seed(0)
    config = XLMRobertaConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=32, num_hidden_layers=2,
        num_attention_heads=2, intermediate_size=64, max_position_embeddings=40,
        type_vocab_size=1, initializer_range=0.3,
    )  # fmt: skip
    XLMRobertaModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def library(network, tmp_path_factory):
    """By its pooling: the folder that sentence-transformers writes, and its own model."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling

    made = {}
    for pooling in ("mean", "cls", "max", "lasttoken"):
        folder = tmp_path_factory.mktemp(pooling)
        model = SentenceTransformer(
            modules=[
                Transformer(str(network)), Pooling(32, pooling_mode=pooling), Normalize()
            ],
            prompts=PROMPTS, device="cpu",
        )  # fmt: skip
        model.save_pretrained(str(folder), create_model_card=False)
        made[pooling] = folder, model
    return made


@pytest.mark.parametrize("pooling", ["mean", "cls", "max", "lasttoken"])
def test_vectors_are_those_of_sentence_transformers(library, pooling):
    folder, model = library[pooling]
    encoder = shared_encoder(str(folder), threads=1)
    texts = [*TEXTS, *TOO_LONG]
    for ours, prompt in (
        (encoder.encode(texts), ""),
        (question_vectors(encoder, texts), "query: "),
        (passage_vectors(encoder, texts), "passage: "),
    ):
        wanted = model.encode(texts, prompt=prompt, show_progress_bar=False)
        np.testing.assert_allclose(ours, wanted, atol=1e-4)
    assert np.abs(encoder.encode(TEXTS) - question_vectors(encoder, TEXTS)).max() > 0.01


def test_poolings_of_the_same_weights_are_not_mixed(library, tmp_path):
    mean, cls = (shared_encoder(str(library[each][0]), threads=1) for each in ("mean", "cls"))
    assert mean.fingerprint != cls.fingerprint
    build_index([Passage("a", "退款需要五个工作日。")], mean, "mean", tmp_path / "index")
    with pytest.raises(IndexMismatchError, match="built with encoder mean"):
        open_index(tmp_path / "index", cls)


def test_an_index_asks_in_the_way_of_a_question(library, tmp_path):
    encoder = shared_encoder(str(library["cls"][0]), threads=1)
    passages = [Passage(str(place), text) for place, text in enumerate(TEXTS)]
    index = build_index(passages, encoder, "cls", tmp_path / "index")
    asked, told = question_vectors(encoder, TEXTS), passage_vectors(encoder, TEXTS)
    for text, scores in zip(TEXTS, asked @ told.T, strict=True):
        found = index.search(text, len(TEXTS))
        assert found[0].id == str(scores.argmax())
        assert found[0].score == pytest.approx(scores.max(), abs=1e-4)
    assert highlight(TEXTS[0], TEXTS[3], encoder) is not None


def test_a_text_longer_than_its_positions_is_cut(library):
    encoder = shared_encoder(str(library["mean"][0]), threads=1)
    assert encoder.encode(["包裹 " * 200]).shape == (1, 32)
    assert positions_of(library["mean"][0]) == 38


def test_a_plain_folder_reads_as_before(network, library):
    assert way_of(network) == Way()
    weights = resolve_encoder(str(network)).fingerprint
    assert Way().of(weights) == weights
    assert Way("cls").of(weights) != Way(question="query: ").of(weights)


def test_a_usual_prompt_stands_where_none_is_told(network, tmp_path):
    folder = shutil.copytree(network, tmp_path / "copy")
    told = {"prompts": {"passage": "p: ", "other": "o: "}, "default_prompt_name": "other"}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(told))
    assert way_of(folder) == Way("mean", "o: ", "p: ", "o: ")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("modules.json", '[{"type": "st.models.Dense", "path": "2_Dense"}]', "a module Dense"),
        ("modules.json", "[", "cannot be read"),
        ("modules.json", "{}", "not what sentence-transformers writes"),
        ("1_Pooling/config.json", '{"pooling_mode_weightedmean_tokens": true}', "weightedmean"),
    ],
)
def test_what_is_not_offered_is_said(network, tmp_path, name, text, said):
    folder = shutil.copytree(network, tmp_path / "copy")
    pooled = '[{"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}]'
    (folder / "modules.json").write_text(pooled)
    (folder / "1_Pooling").mkdir()
    (folder / name).write_text(text)
    with pytest.raises(EncoderError, match=said):
        resolve_encoder(str(folder))


def test_tuned_weights_are_pooled_as_they_were_tuned(library, tmp_path):
    from transformers import AutoModel, AutoTokenizer

    pairs = [
        {"id": str(at), "turns": [{"speaker": "customer", "text": text},
                                  {"speaker": "agent", "text": f"reply {at} {text}"}]}
        for at, text in enumerate(TEXTS * 3)
    ]  # fmt: skip
    for name in ("train", "validation"):
        rows = "".join(json.dumps(each) + "\n" for each in pairs)
        (tmp_path / f"{name}.jsonl").write_text(rows, encoding="utf-8")
    config = small("reply", str(library["cls"][0]), "full")
    train(config, tmp_path, tmp_path / "run")
    tuned, texts = encoder_of(str(tmp_path / "run"), 1), TEXTS[2:]
    folder = tmp_path / "run" / "weights" / "encoder"
    batch = AutoTokenizer.from_pretrained(folder)(texts, padding=True, return_tensors="pt")
    first = AutoModel.from_pretrained(folder).eval()(**batch).last_hidden_state[:, 0]
    wanted = (first / first.norm(dim=-1, keepdim=True)).detach().numpy()
    np.testing.assert_allclose(tuned.encode(texts), wanted, atol=1e-4)
    assert resolve_encoder(str(tmp_path / "run")).way == Way("cls")
    again = shared_encoder(str(tmp_path / "run"), threads=1)
    np.testing.assert_allclose(again.encode(texts), tuned.encode(texts), atol=1e-4)


def test_an_encoder_of_one_way_reads_questions_as_it_reads_texts():
    encoder = HashEncoder()
    for vectors in (question_vectors(encoder, TEXTS), passage_vectors(encoder, TEXTS)):
        np.testing.assert_array_equal(vectors, encoder.encode(TEXTS))

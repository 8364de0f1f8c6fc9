import numpy as np
import pytest

from data.errors import LogFormatError
from data.topics.agreed import SAMPLE, clusters_of
from data.topics.before import NONE, carry_over, states_of
from data.topics.clusters import cut, silhouette, tree_of
from data.topics.count import choose_count, counts_to_try
from data.topics.discover import Earlier, discover_topics
from data.topics.files import NamedTopic
from data.topics.known import known_topics
from data.topics.names import central_texts, distinguishing_words, names_of
from data.topics.texts import Text
from data.topics.vectors import encoded, shuffled, smoothed, unit, with_words
from tests.fakes import HashEncoder

THEMES = {
    "refund": "refund money back {} bank",
    "parcel": "parcel delivery courier {} late",
    "password": "password login account {} forgotten",
    "invoice": "invoice vat billing {} copy",
}
FILLING = [
    f"{a} {b}" for a in "shoes coat lamp desk mug".split() for b in "red blue old new".split()
]
ENCODER = HashEncoder()


def turns_of(*themes, each=20):
    return [
        Text(THEMES[theme].format(filling), f"log.csv:{number}")
        for theme in themes
        for number, filling in enumerate(FILLING[:each])
    ]


def themes_of(turns):
    return [turn.text.split()[0] for turn in turns]


def groups(found, turns):
    """The themes that stand in each topic."""
    together = {}
    for theme, topic in zip(themes_of(turns), found.ids, strict=True):
        together.setdefault(topic, set()).add(theme)
    return together


def earlier(found, turns):
    topics = {t.topic: NamedTopic(t.topic, t.name, t.size, "topics.csv:2") for t in found.topics}
    texts = [turn.text for turn in turns]
    return Earlier(topics, list(zip(texts, found.ids, strict=True)))


def test_every_turn_is_placed_and_the_number_of_topics_is_found():
    turns = turns_of(*THEMES)
    found = discover_topics(turns, ENCODER)
    assert len(found.ids) == len(turns)
    assert len(found.topics) == 4
    assert sorted(map(len, groups(found, turns).values())) == [1, 1, 1, 1]
    assert sum(topic.size for topic in found.topics) == len(turns)
    assert found.count.chosen == 4


def test_the_number_of_topics_can_be_given():
    found = discover_topics(turns_of(*THEMES), ENCODER, topics=2)
    assert len(found.topics) == 2
    assert found.count is None


@pytest.mark.parametrize("topics", [1, 81])
def test_a_number_of_topics_that_does_not_fit_is_refused(topics):
    with pytest.raises(LogFormatError, match="ask for 2 to 80"):
        discover_topics(turns_of(*THEMES), ENCODER, topics=topics)


def test_the_same_text_in_another_spelling_is_counted_and_stays_together():
    turns = turns_of(*THEMES)
    more = [*turns, Text(f"  {turns[0].text.upper()} ", "log.csv:99")]
    found = discover_topics(more, ENCODER)
    assert found.ids[-1] == found.ids[0]
    assert sorted(topic.size for topic in found.topics) == [20, 20, 20, 21]


def test_two_runs_give_the_same_topics_and_the_order_of_the_rows_does_not_matter():
    turns = turns_of(*THEMES)
    first = discover_topics(turns, ENCODER)
    assert discover_topics(turns, ENCODER) == first
    assert (
        len(
            {
                tuple(sorted(v))
                for v in groups(discover_topics(turns[::-1], ENCODER), turns[::-1]).values()
            }
        )
        == 4
    )


def test_topics_are_named_by_what_sets_them_apart():
    turns = turns_of(*THEMES)
    found = discover_topics(turns, ENCODER)
    by_theme = {next(iter(themes)): topic for topic, themes in groups(found, turns).items()}
    for topic in found.topics:
        theme = next(name for name, id_ in by_theme.items() if id_ == topic.topic)
        assert set(topic.name.split()) <= set(THEMES[theme].split())
        assert len(topic.questions) == 3
        assert all(question.startswith(THEMES[theme].split()[0]) for question in topic.questions)


def test_words_that_are_everywhere_name_nothing():
    texts = ["order shoes", "order shoes", "order lamp", "order lamp"]
    words = distinguishing_words(texts, np.array([0, 0, 1, 1]), 2)
    assert [own[0] for own in words] == ["shoes", "lamp"]
    assert distinguishing_words(["[order_number] shoes 42"], np.array([0]), 1) == [["shoes"]]
    assert distinguishing_words(["the of", "and"], np.array([0, 1]), 2) == [[], []]


def test_no_two_topics_get_one_name():
    same = ["card", "top", "up", "fee"]
    assert names_of([same, same, same, [], []]) == [
        "card top up", "card top up fee", "card top up 2", "topic", "topic 2",
    ]  # fmt: skip
    assert names_of([same[:3]], ["card top up"]) == ["card top up 2"]


def test_the_central_texts_are_the_nearest_ones_of_their_own_topic():
    fit = np.array([0.1, 0.9, 0.5, 0.8, 1.0])
    assert central_texts("abcde", fit, np.array([0, 0, 0, 0, 1]), 2) == [["b", "d", "c"], ["e"]]


def test_a_known_intent_is_marked_and_a_stranger_is_not():
    turns = turns_of(*THEMES)
    known = turns_of("refund", "parcel", "password", each=10)
    labels = [f"{theme}_intent" for theme in themes_of(known)]
    found = discover_topics(turns, ENCODER, known=([turn.text for turn in known], labels))
    by_id = groups(found, turns)
    marked = {next(iter(by_id[topic.topic])): topic.known for topic in found.topics}
    assert marked == {"refund": "refund_intent", "parcel": "parcel_intent",
                      "password": "password_intent", "invoice": ""}  # fmt: skip
    names = {topic.known: (topic.name, topic.state) for topic in found.topics}
    assert names["refund_intent"] == ("refund_intent", "known")
    assert names[""][1] == "new"


def test_the_threshold_comes_from_the_known_rows():
    vectors = unit(np.repeat(np.eye(3, 4), 2, axis=0) + 0.1 * np.eye(6, 4))
    topics = unit(np.array([[1, 0.05, 0, 0], [0, 0, 0, 1.0]]))
    found = known_topics("abcdef", list("xxyyzz"), vectors, topics, np.array([0, 1]), 2)
    assert found == ["x", ""]


def test_an_earlier_run_keeps_ids_and_names_and_a_new_theme_is_new():
    old = turns_of("refund", "parcel", "password")
    was = earlier(discover_topics(old, ENCODER), old)
    was.topics["2"] = NamedTopic("2", "what I call it", 20, "topics.csv:3")
    now = [*old, *turns_of("invoice")]
    found = discover_topics(now, ENCODER, before=was)
    assert found.ids[: len(old)] == tuple(topic for _, topic in was.placed)
    assert found.moved == 0
    assert {topic.topic for topic in found.topics} == {"1", "2", "3", "4"}
    state = {topic.topic: topic.state for topic in found.topics}
    assert state["4"] == "new"
    assert set(found.ids[len(old) :]) == {"4"}
    assert {topic.name for topic in found.topics if topic.topic == "2"} == {"what I call it"}


def test_more_of_an_old_theme_joins_it():
    every = turns_of("refund", "parcel", "password")
    old = [turn for number, turn in enumerate(every) if number % 4]
    was = earlier(discover_topics(old, ENCODER), old)
    found = discover_topics(every, ENCODER, before=was)
    assert len(found.topics) == 3
    assert all(len(themes) == 1 for themes in groups(found, every).values())
    assert {topic.state for topic in found.topics} == {"known"}


def test_a_topic_without_turns_is_still_listed():
    old = turns_of("refund", "parcel", "password")
    was = earlier(discover_topics(old, ENCODER), old)
    found = discover_topics(turns_of("refund", "parcel"), ENCODER, before=was)
    gone = [topic for topic in found.topics if topic.size == 0]
    assert [(topic.state, topic.questions) for topic in gone] == [("shrinking", ())]


def test_states_say_what_moved_more_than_chance():
    assert states_of([50, 50, 5], [50, 50]) == ["known", "known", "new"]
    assert states_of([90, 10], [50, 50]) == ["growing", "shrinking"]
    assert states_of([51, 49], [50, 50]) == ["known", "known"]
    assert states_of([5, 5], [], [True, False]) == ["known", "new"]


def test_an_old_text_moves_only_where_two_witnesses_agree():
    near = unit(np.array([[1, 0], [1, 0.1], [1, 0.05], [0, 1], [0.1, 1], [0.05, 1]]))
    placed = np.array([0, 0, 1, 1, 1, 1])  # the third lies with the first two
    agreed = carry_over(near, np.array([0, 0, 0, 1, 1, 1]), placed, 2)
    assert agreed.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert agreed.moved == 1
    alone = carry_over(near, np.array([0, 0, 1, 1, 1, 1]), placed, 2)
    assert alone.labels.tolist() == placed.tolist()


def test_a_cluster_that_holds_an_old_topic_is_not_new():
    near = unit(np.array([[1, 0], [1, 0.1], [1, 0.2], [0, 1], [0.1, 1], [0, 1]]))
    done = carry_over(near, np.array([0, 0, 0, 1, 1, 1]), np.array([0, NONE, NONE, 1, 1, 1]), 2)
    assert done.count == 2
    assert done.labels.tolist() == [0, 0, 0, 1, 1, 1]


def test_texts_beyond_the_sample_join_the_nearest_topic(monkeypatch):
    assert SAMPLE <= 20_000  # 8 n² bytes at most
    monkeypatch.setattr("data.topics.agreed.SAMPLE", 40)
    turns = turns_of(*THEMES)
    found = discover_topics(turns, ENCODER)
    assert sorted(map(len, groups(found, turns).values())) == [1, 1, 1, 1]


def test_what_is_drawn_hardly_depends_on_other_texts():
    texts = [f"text {number}" for number in range(100)]
    most = [texts[row] for row in shuffled(texts, "s")[:50]]
    fewer = texts[:90]
    again = [fewer[row] for row in shuffled(fewer, "s")[:45]]
    assert len(set(most) & set(again)) >= 40
    assert shuffled(texts, "s").tolist() != shuffled(texts, "t").tolist()


def test_the_silhouette_is_the_one_that_scikit_learn_computes():
    from sklearn.metrics import silhouette_score

    vectors = unit(np.random.default_rng(0).normal(size=(40, 5)))
    labels = np.arange(40) % 3
    labels[0] = 3  # a cluster of one counts nothing
    expected = silhouette_score(vectors, labels, metric="cosine")
    assert silhouette(vectors, labels) == pytest.approx(expected, abs=1e-5)
    assert silhouette(vectors, np.zeros(40, dtype=int)) == -1.0


def test_a_cut_has_at_most_the_clusters_asked_for_and_no_gap():
    vectors = unit(np.random.default_rng(0).normal(size=(60, 5)))
    for count in (2, 7, 30):
        labels = cut(tree_of(vectors), vectors, count)
        assert set(labels) == set(range(labels.max() + 1))
        assert labels.max() < count


def test_a_vector_is_pulled_to_its_neighbours():
    vectors = unit(np.random.default_rng(0).normal(size=(60, 4)))
    pulled = smoothed(vectors)
    assert np.allclose(np.linalg.norm(pulled, axis=1), 1, atol=1e-5)
    assert silhouette(pulled, cut(tree_of(pulled), pulled, 5)) > silhouette(
        vectors, cut(tree_of(vectors), vectors, 5)
    )


def test_words_tell_apart_what_an_encoder_takes_for_one():
    texts = ["card fee", "card fee now", "cash loss", "cash loss now"]
    flat = unit(np.ones((4, 3)) + np.eye(4, 3) * 1e-3)
    wide = with_words(texts, flat)
    assert wide.shape[1] > 3
    assert with_words(["one", "two"], flat[:2]).shape == (2, 3)


def test_words_of_a_script_without_spaces_are_its_signs():
    texts = ["我的卡丢了", "卡丢了怎么办", "退款什么时候到", "退款还没到"]
    words = distinguishing_words(texts, np.array([0, 0, 1, 1]), 2)
    assert {"卡", "丢"} <= set(words[0])


def test_more_topics_than_texts_are_never_tried():
    assert counts_to_try(10) == [2]
    assert all(max(counts_to_try(n)) <= n // 4 for n in (12, 40, 100, 1000))
    turns = turns_of("refund", "parcel")[:40]
    texts = [turn.text for turn in turns]
    chosen = choose_count(texts, ENCODER.encode(texts))
    assert chosen.chosen in [count for count, _ in chosen.tried]


def test_vectors_that_are_no_numbers_are_refused():
    class Broken(HashEncoder):
        def encode(self, texts):
            return super().encode(texts) * np.array([[1.0], *[[np.nan]] * (len(texts) - 1)])

    with pytest.raises(LogFormatError, match="text 2 of 3"):
        encoded(["a", "b", "c"], Broken())


def test_the_clusters_come_with_the_numbers_tried():
    texts = [turn.text for turn in turns_of(*THEMES)]
    labels, space, count = clusters_of(texts, ENCODER.encode(texts))
    assert len(labels) == len(space) == len(texts)
    assert all(-1 <= score <= 1 for _, score in count.tried)

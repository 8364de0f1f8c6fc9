"""What Markdown shows to its readers is read, and nothing of how it is written."""

import pytest

from retrieval.passages import markdown_passages, read_passages


def shown(page):
    return [(passage.title, passage.text) for passage in markdown_passages(page, "a.md")]


def text_of(page):
    ((_, text),) = shown(page)
    return text


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Call us. <!-- real price: 5 --> Thanks.", "Call us. Thanks."),
        ("- one <!-- note -->\n- two", "- one\n- two"),
        ("Text <!-- begins\nsecret\n\nends --> after", "Text after"),
        ("Text <!-- begins\nends -->\nafter", "Text after"),
        ("a <!-- b --> c <!-- d\ne --> f <!-- g --> h", "a c f h"),
        ("| a <!-- x --> | b |\n|---|---|\n| c | d |", "| a | b |\n|---|---|\n| c | d |"),
        ("Write `<!-- this -->` and ``a ` <!-- b -->``. <!-- not -->",
         "Write <!-- this --> and a ` <!-- b -->."),
        ("```\n<!-- code -->\n```", "```\n<!-- code -->\n```"),
    ],
)  # fmt: skip
def test_comments_are_left_out_wherever_they_stand(written, read):
    assert text_of(written) == read


def test_a_heading_and_its_id_are_without_the_comment():
    page = "# Costs <!-- margin 40% -->\nFree.\n\n## Late? <!-- a\nb -->\n<!-- id: late -->\nYes.\n"
    first, second = markdown_passages(page, "a.md")
    assert (first.id, first.title, first.text) == ("a.md#costs", "Costs", "Free.")
    assert (second.id, second.title, second.text) == ("late", "Late?", "Yes.")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('<div class="warn">Careful</div>', "Careful"),
        ('<p align="center">\n<img src="a.png" alt="a > b">\nText\n</p>', "Text"),
        ("<table>\n<tr><td>a</td><td>b</td></tr>\n</table>", "a b"),
        ("- <p>one</p>\n- t<b>w</b>o<br/>three", "- one\n- two three"),
        ("<details><summary>More</summary>Text.</details>", "More Text."),
        ("Send <your order number> to <address>.", "Send <your order number> to <address>."),
        ("> **Note:** this\n> goes on.\n>\n> > So does it.", "Note: this goes on.\n\nSo does it."),
        ("Above.\n> Quoted.", "Above.\n\nQuoted."),
        ("> - one\n> - two", "- one\n- two"),
        ("> ```\n> a > b\n> ```", "```\na > b\n```"),
        ("```\n> kept\n```", "```\n> kept\n```"),
        ("It is > 5 EUR.", "It is > 5 EUR."),
        ("Above.\n\n* * *\n\n- - -\n\n_ _ _\n\nBelow.", "Above.\n\nBelow."),
        ("Name | Price\n--- | ---:\nMug \\| cup | 3\nPot |",
         "| Name | Price |\n| --- | ---: |\n| Mug \\| cup | 3 |\n| Pot |"),
        ("this | that is no table", "this | that is no table"),
    ],
)  # fmt: skip
def test_what_is_written_for_a_browser_is_read_as_it_looks(written, read):
    assert text_of(written) == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("See [the form][f].", "See the form (https://fern.example/f)."),
        ("See [the form][].", "See the form (https://fern.example/form)."),
        ("See [F].", "See F (https://fern.example/f)."),
        ("| a |\n|---|\n| [x][f] |", "| a |\n|---|\n| x (https://fern.example/f) |"),
        ("See [the list][inside].", "See the list."),
        ("See [none][such].", "See [none][such]."),
    ],
)
def test_a_link_whose_address_stands_elsewhere_has_it(tmp_path, written, read):
    page = (
        f"{written}\n\n[f]: https://fern.example/f 'The form'\n"
        "[The  Form]: <https://fern.example/form>\n[inside]: list.md\n"
    )
    assert text_of(page) == read
    (tmp_path / "a.md").write_text(page, "utf-8")
    (passage,) = read_passages([tmp_path / "a.md"])
    assert passage.text == read


def test_a_word_in_brackets_that_leads_nowhere_is_text():
    assert text_of("[Note]: important\n\n[^1]: a.md") == "[Note]: important\n\n[^1]: a.md"


def test_headings_may_be_indented_or_be_tags():
    page = (
        " # One\na\n\n   Two\n   ===\nb\n\n<h2 align=center>Th<b>ree</b></h2>\nc\n\n"
        "<details>\n<summary>Four?</summary>\n\nd\n</details>\n\n    # five\n"
    )
    assert shown(page) == [
        ("One", "a"), ("Two", "b"), ("Two › Three", "c"), ("Four?", "d\n\n# five"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["x <!-- y\n" * 20_000, "> " * 100_000, "<!-- x -->" * 20_000, "<h1>" * 50_000,
     "[a]: b.c\n" * 20_000, "a | b\n" * 20_000, "- " * 100_000, "<!-- " + "` `` " * 20_000,
     "<details><summary>" * 10_000],
    ids=range(9),
)  # fmt: skip
def test_a_hostile_page_is_read(text):
    assert list(markdown_passages(f"Before.\n\n{text}", "a.md"))

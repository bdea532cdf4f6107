"""Filters: the text, the tree, and the errors in between."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movierec.search.filter_parser import read
from movierec.search.filter_tree import (
    FLAGS,
    KINDS,
    MAX_DEPTH,
    MAX_PARTS,
    RANGES,
    WHOLE_NUMBERS,
    Between,
    FilterError,
    Flag,
    Group,
    Is,
    depth,
    filled,
    size,
    write_top,
)


@st.composite
def ranges(draw):
    field = draw(st.sampled_from(RANGES))
    scale = 1 if field in WHOLE_NUMBERS else 100
    numbers = st.none() | st.integers(0, 10**6).map(lambda number: number / scale)
    low, high = draw(numbers), draw(numbers)
    if low is not None and high is not None and low > high:
        low, high = high, low
    return Between(field, low, high)


texts = st.text(max_size=12).map(str.strip)
decades = st.just("") | st.integers(187, 203).map(lambda tens: f"{tens}0")
conditions = (
    ranges()
    | texts.map(lambda text: Is("genre", text))
    | texts.map(lambda text: Is("tag", text))
    | decades.map(lambda text: Is("decade", text))
    | st.sampled_from(FLAGS).map(Flag)
)
groups = st.recursive(
    st.lists(conditions, max_size=3).flatmap(
        lambda parts: st.sampled_from(KINDS).map(lambda kind: Group(kind, tuple(parts)))
    ),
    lambda inner: st.tuples(st.sampled_from(KINDS), st.lists(inner | conditions, max_size=3)).map(
        lambda made: Group(made[0], tuple(made[1]))
    ),
    max_leaves=8,
).filter(lambda group: depth(group) <= MAX_DEPTH and size(group) <= MAX_PARTS)


@given(groups)
def test_what_is_written_is_read_back(tree):
    assert read(write_top(tree)) == tree


@given(st.text(max_size=80) | st.text(alphabet='andornot(),:."genryea1', max_size=80))
def test_any_text_is_read_or_refused_in_words(text):
    try:
        assert isinstance(read(text), Group)
    except FilterError as error:
        assert str(error)


def test_a_filter_reads_as_it_is_written():
    assert read('genre:Sci-Fi, or(year:1990..1999, mean_rating:4..), not(tag:"time, travel", seen)') == Group(
        "and",
        (
            Is("genre", "Sci-Fi"),
            Group("or", (Between("year", 1990, 1999), Between("mean_rating", 4))),
            Group("not", (Is("tag", "time, travel"), Flag("seen"))),
        ),
    )


def test_one_number_is_a_range_of_itself():
    assert read("year:1994").parts == (Between("year", 1994, 1994),)
    assert write_top(read("year:1994")) == "year:1994"


def test_a_decade_may_be_written_as_people_say_it():
    assert read("decade:1990s").parts == (Is("decade", "1990"),)


def test_what_has_no_value_yet_is_kept_and_asks_for_nothing():
    tree = read("genre:,or(year:,not()),saved")
    assert write_top(tree) == "genre:,or(year:,not()),saved"
    assert filled(tree) == Group("and", (Flag("saved"),))
    assert filled(read("or()")) is None


@pytest.mark.parametrize(
    ("text", "problem", "at"),
    [
        ("x" * 2001, "too_long", 0),
        ("and(" * 6 + ")" * 6, "too_deep", 24),
        ("seen," + "or(seen," * 4 + "or()" + ")" * 4, "too_deep", 40),
        (",".join(["seen"] * 61), "too_many", 301),
        ("color:red", "unknown_field", 1),
        ("genre:Drama,", "unknown_field", 13),
        ("<script>", "unknown_field", 1),
        ("genre", "no_colon", 6),
        ("and genre:Drama", "unknown_field", 1),
        ("or(genre:Drama", "unclosed_group", 15),
        ('tag:"space', "unclosed_quote", 11),
        ("genre:Drama)", "unexpected", 12),
        ("genre:Drama seen(", "unexpected", 17),
        ("year:ninety", "not_a_number", 6),
        ("year:1990.5", "not_a_number", 6),
        ("year:-5..7", "not_a_number", 6),
        ("mean_rating:1e3", "not_a_number", 13),
        ("n_ratings:9999999999", "not_a_number", 11),
        ("or(year:2000..1990)", "backwards", 9),
        ("decade:1995", "not_a_decade", 8),
    ],
)
def test_an_error_says_what_is_wrong_and_where(text, problem, at):
    with pytest.raises(FilterError) as caught:
        read(text)
    assert (caught.value.problem, caught.value.at) == (problem, at)

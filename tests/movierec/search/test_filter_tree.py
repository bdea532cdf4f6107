"""Filters: the text, the tree, and the errors in between."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movierec.search.filter_parser import parse_filter
from movierec.search.filter_tree import (
    FLAG_FIELDS,
    GROUP_KINDS,
    INTEGER_FIELDS,
    MAX_FILTER_NODES,
    MAX_GROUP_DEPTH,
    RANGE_FIELDS,
    ChoiceCondition,
    ConditionGroup,
    FilterError,
    FlagCondition,
    RangeCondition,
    count_nodes,
    drop_blank_nodes,
    measure_depth,
    write_filter_root,
)


@st.composite
def ranges(draw):
    field = draw(st.sampled_from(RANGE_FIELDS))
    scale = 1 if field in INTEGER_FIELDS else 100
    numbers = st.none() | st.integers(0, 10**6).map(lambda number: number / scale)
    low, high = draw(numbers), draw(numbers)
    if low is not None and high is not None and low > high:
        low, high = high, low
    return RangeCondition(field, low, high)


texts = st.text(max_size=12).map(str.strip)
decades = st.just("") | st.integers(187, 203).map(lambda tens: f"{tens}0")
conditions = (
    ranges()
    | texts.map(lambda text: ChoiceCondition("genre", text))
    | texts.map(lambda text: ChoiceCondition("tag", text))
    | decades.map(lambda text: ChoiceCondition("decade", text))
    | st.sampled_from(FLAG_FIELDS).map(FlagCondition)
)
groups = st.recursive(
    st.lists(conditions, max_size=3).flatmap(
        lambda parts: st.sampled_from(GROUP_KINDS).map(lambda kind: ConditionGroup(kind, tuple(parts)))
    ),
    lambda inner: st.tuples(st.sampled_from(GROUP_KINDS), st.lists(inner | conditions, max_size=3)).map(
        lambda made: ConditionGroup(made[0], tuple(made[1]))
    ),
    max_leaves=8,
).filter(lambda group: measure_depth(group) <= MAX_GROUP_DEPTH and count_nodes(group) <= MAX_FILTER_NODES)


@given(groups)
def test_what_is_written_is_read_back(tree):
    assert parse_filter(write_filter_root(tree)) == tree


@given(st.text(max_size=80) | st.text(alphabet='andornot(),:."genryea1', max_size=80))
def test_any_text_is_read_or_refused_in_words(text):
    try:
        assert isinstance(parse_filter(text), ConditionGroup)
    except FilterError as error:
        assert str(error)


def test_a_filter_reads_as_it_is_written():
    assert parse_filter(
        'genre:Sci-Fi, or(year:1990..1999, mean_rating:4..), not(tag:"time, travel", seen)'
    ) == ConditionGroup(
        "and",
        (
            ChoiceCondition("genre", "Sci-Fi"),
            ConditionGroup("or", (RangeCondition("year", 1990, 1999), RangeCondition("mean_rating", 4))),
            ConditionGroup("not", (ChoiceCondition("tag", "time, travel"), FlagCondition("seen"))),
        ),
    )


def test_one_number_is_a_range_of_itself():
    assert parse_filter("year:1994").parts == (RangeCondition("year", 1994, 1994),)
    assert write_filter_root(parse_filter("year:1994")) == "year:1994"


def test_a_decade_may_be_written_as_people_say_it():
    assert parse_filter("decade:1990s").parts == (ChoiceCondition("decade", "1990"),)


def test_what_has_no_value_yet_is_kept_and_asks_for_nothing():
    tree = parse_filter("genre:,or(year:,not()),saved")
    assert write_filter_root(tree) == "genre:,or(year:,not()),saved"
    assert drop_blank_nodes(tree) == ConditionGroup("and", (FlagCondition("saved"),))
    assert drop_blank_nodes(parse_filter("or()")) is None


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
        parse_filter(text)
    assert (caught.value.problem, caught.value.at) == (problem, at)

import polars as pl
import pytest

from assets.commands import counterparts
from assets.commands.counterparts import Counterpart, compare_counterparts, render_page
from movierec.data.interactions import Interactions
from tests import factories

KINDS = [
    Counterpart("popularity", "counts", counterparts.fit_rating_counts),
    Counterpart("ials", "ALS", counterparts.build_als_fit(4, 5, 0.1, counterparts.weigh_linearly)),
    Counterpart("item_knn", "neighbours", counterparts.build_neighbours_fit("CosineRecommender", 20)),
    Counterpart("ease", "EASE", counterparts.build_ease_fit(100)),
]


@pytest.fixture(scope="module")
def found():
    """On the checkerboard each user wants the one movie of their colour that was withheld."""
    both = range(1, 41)
    wanted = pl.DataFrame({"user_id": both, "movie_id": both}, schema={"user_id": pl.Int32, "movie_id": pl.Int32})
    return compare_counterparts(Interactions.from_ratings(factories.make_checkerboard_ratings()), wanted, KINDS)


def test_who_learns_finds_what_was_withheld_and_counting_does_not(found):
    by_name = {each.counterpart_name: each.counterpart_ndcg.value for each in found}
    assert by_name.pop("counts") < 0.9
    assert by_name == {"ALS": 1, "neighbours": 1, "EASE": 1}


def test_a_difference_is_ours_less_theirs_on_the_same_users(found):
    for each in found:
        assert each.difference.value == pytest.approx(each.our_ndcg.value - each.counterpart_ndcg.value)
        assert each.difference.n == 40


def test_the_page_has_a_line_for_each(found):
    told = render_page(found, source="a-folder", sample="full")
    assert "for `a-folder`, sample full" in told
    assert "n = 40 users" in told
    assert [line.split(" | ")[2] for line in told.splitlines()[-4:]] == [each.counterpart_name for each in KINDS]


def test_without_a_split_it_says_what_to_run(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("MOVIEREC_HOME", str(tmp_path))
    assert counterparts.main([]) == 1
    assert "run `make pipeline SAMPLE=full` first" in capsys.readouterr().err

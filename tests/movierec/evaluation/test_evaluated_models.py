import polars as pl

from movierec.candidates.content import ContentModel
from movierec.data.interactions import Interactions
from movierec.evaluation.evaluated_models import make_cold_movie_ranking
from movierec.features.content import build_content_vectors
from tests import factories

NO_TAGS = factories.make_tags().collect()


def test_of_movies_nobody_rated_those_like_what_was_liked_come_first_without_what_was_seen():
    rated = Interactions.from_ratings(factories.make_ratings(*[(1, movie, 4.0) for movie in range(1, 9)]))
    content = ContentModel.fit(rated, content=build_content_vectors(factories.make_movies(12).collect(), NO_TAGS))
    rank = make_cold_movie_ranking(content, content.score_movies)
    # Movies 9 to 12 are cold. User 5 likes the even ones, which are action, and has seen movie 10.
    given = factories.make_ratings((5, 2, 5.0), (5, 4, 5.0), (5, 10, 5.0))
    found = rank(pl.Series([5, 7], dtype=pl.Int32).to_numpy(), 10, given)
    assert found["user_id"].to_list() == [5, 5, 5]
    assert found["movie_id"].to_list()[0] == 12
    assert sorted(found["movie_id"].to_list()) == [9, 11, 12]

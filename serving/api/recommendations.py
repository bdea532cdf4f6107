"""JSON routes that recommend for one movie, one user, many users, or a list of ratings, each with a named method."""

from typing import Annotated

from fastapi import APIRouter, Body

from movierec.data.interactions import UNKNOWN
from serving.api.explanations import explain_movies
from serving.api.paging import take_page
from serving.api.request_models import (
    ListOffset,
    MovieQuestion,
    RatingsQuestion,
    ResultCount,
    UserQuestion,
    UsersQuestion,
    count_needed,
    require_movie,
)
from serving.api.response_models import ForMovie, ForRatings, ForUser, ForUsers, PersonalMovie, Recommended, Top
from serving.services import recommendations
from serving.services.recommendations import MAX_PLACES, MovieList, resolve_movies
from serving.web.dependencies import MaybeCompanion, TheBundle
from serving.web.problems import describe_problems

router = APIRouter(tags=["recommendations"], responses=describe_problems(503))

MovieQuestionBody = Annotated[MovieQuestion, Body(examples=[{"movie_id": 1, "top_n": 5}, {"anime_id": 1}])]


@router.get("/top")
def top_movies(bundle: TheBundle, top_n: ResultCount = 100, offset: ListOffset = 0) -> Top:
    """The most popular movies by mean rating and number of ratings, 100 by default."""
    found = bundle.catalogue.list_popular(limit=count_needed(offset, top_n))
    chosen = MovieList("popularity_fallback", list(found), [movie.popularity or 0.0 for movie in found])
    return Top(movies=Recommended.from_movies(take_page(chosen, offset)).movies)


@router.post("/recommend_content_based", responses=describe_problems(404))
def recommend_content_based(bundle: TheBundle, companion: MaybeCompanion, question: MovieQuestionBody) -> ForMovie:
    """Movies nearest in genres, year and tags; also works for a movie without ratings.

    `model` is `content`, or `taste_and_content`, `genre_jaccard` or `popularity_fallback` if the movie has no content
    features.
    """
    movie = require_movie(bundle, question.given_movie_id)
    chosen = recommendations.recommend_by_content(
        bundle, companion.content if companion else None, movie, n=question.n_needed
    )
    return ForMovie.from_movies(take_page(chosen, question.offset), movie_id=movie.movie_id)


@router.post("/recommend_session_based")
def recommend_session_based(bundle: TheBundle, question: UserQuestion) -> ForUser:
    """Movies that users rated after the movies that this user rated last (item-to-item transitions).

    `model` is `transitions`, or `popularity_fallback` for a user without ratings.
    """
    chosen = recommendations.recommend_by_channel(
        bundle, recommendations.SESSION_CHANNEL, question.user_id, n=question.n_needed
    )
    return ForUser.from_movies(take_page(chosen, question.offset), user_id=question.user_id)


@router.post("/recommend_collaborative")
def recommend_collaborative(bundle: TheBundle, question: UserQuestion) -> ForUser:
    """Recommendations of matrix factorization alone, without the ranker.

    `model` is `ials`, or `popularity_fallback` for a user without ratings.
    """
    chosen = recommendations.recommend_by_channel(
        bundle, recommendations.COLLABORATIVE_CHANNEL, question.user_id, n=question.n_needed
    )
    return ForUser.from_movies(take_page(chosen, question.offset), user_id=question.user_id)


@router.post("/api/recommendations")
def recommend_for_many(bundle: TheBundle, question: UsersQuestion) -> ForUsers:
    """The same answer as `GET /api/movies/personal`, for up to 50 users at once."""
    # One after the other: a block sums in another order, and near ties would not stand as they do for one user.
    lists = [
        recommendations.recommend_with_fallback(bundle, user_id, n=question.n_needed) for user_id in question.user_ids
    ]
    pages = zip(question.user_ids, lists, strict=True)
    answers = [ForUser.from_movies(take_page(chosen, question.offset), user_id=user_id) for user_id, chosen in pages]
    return ForUsers(answers=answers)


@router.post("/api/fold-in")
def recommend_for_ratings(bundle: TheBundle, question: RatingsQuestion) -> ForRatings:
    """Recommendations for a new user who is described only by these ratings; nothing is stored.

    `model` is as for a known user, or `popular_in_genres` or `popularity_fallback` if no rating can be used.
    """
    named = sorted({given.given_movie_id for given in question.ratings})
    columns = bundle.recommender.interactions.find_movie_columns(named)
    ignored = [movie_id for movie_id, column in zip(named, columns, strict=True) if column == UNKNOWN]
    # One of the catalogue that is not in the fit teaches nothing, but neither is it recommended.
    strange = set(ignored) - bundle.catalogue.by_id.keys()
    usable = [given for given in question.ratings if given.given_movie_id not in strange]
    movie_ids, stars = [given.given_movie_id for given in usable], [given.rating for given in usable]
    found = bundle.recommender.recommend_from_ratings(
        movie_ids, stars, n=question.n_needed, depth=MAX_PLACES, genres=question.genres, explain=question.explain
    )
    chosen = resolve_movies(bundle, found.model, found.movie_ids, found.scores)
    if not chosen.movies:  # all are rated
        chosen = recommendations.recommend_popular(bundle, without=movie_ids, n=question.n_needed)
    page = take_page(chosen, question.offset)
    why = explain_movies(bundle, found.explanations)
    return ForRatings.from_movies(page, movies=PersonalMovie.list_from_movies(page, why), ignored=ignored)

"""JSON: recommendations by each way of choosing, for one movie, one user, many users, or a list of ratings."""

from typing import Annotated

from fastapi import APIRouter, Body

from movierec.data.interactions import UNKNOWN
from serving.api.explanations import why_by_movie
from serving.api.movies import Limit, known
from serving.api.request_models import MovieQuestion, RatingsQuestion, UserQuestion, UsersQuestion
from serving.api.response_models import ForMovie, ForRatings, ForUser, ForUsers, PersonalMovie, Recommended, Top
from serving.services import recommendations
from serving.services.recommendations import Chosen, known_movies
from serving.web.dependencies import MaybeCompanion, TheBundle
from serving.web.problems import responses

router = APIRouter(tags=["recommendations"], responses=responses(503))

OneMovie = Annotated[MovieQuestion, Body(examples=[{"movie_id": 1, "top_n": 5}, {"anime_id": 1}])]


@router.get("/top")
def top_movies(bundle: TheBundle, top_n: Limit = 100) -> Top:
    """The Top-100: the most popular movies by mean rating and number of ratings."""
    found = bundle.catalog.popular(limit=top_n)
    chosen = Chosen("popularity_fallback", list(found), [movie.popularity or 0.0 for movie in found])
    return Top(movies=Recommended.of(chosen).movies)


@router.post("/recommend_content_based", responses=responses(404))
def recommend_content_based(bundle: TheBundle, companion: MaybeCompanion, question: OneMovie) -> ForMovie:
    """Movies nearest in genres, time and tags; works for a movie that nobody has rated.

    `model` is `content`; `als_cosine`, `genre_jaccard` or `popularity_fallback` where nothing is known of the movie.
    """
    movie = known(bundle, question.id)
    chosen = recommendations.by_content(bundle, companion.content if companion else None, movie, n=question.top_n)
    return ForMovie.of(chosen, movie_id=movie.movie_id)


@router.post("/recommend_session_based")
def recommend_session_based(bundle: TheBundle, question: UserQuestion) -> ForUser:
    """What people rate after the user's last ratings: item-to-item transitions.

    `model` is `transitions`, or `popularity_fallback` for a user without ratings.
    """
    chosen = recommendations.by_channel(bundle, recommendations.SESSION, question.user_id, n=question.top_n)
    return ForUser.of(chosen, user_id=question.user_id)


@router.post("/recommend_collaborative")
def recommend_collaborative(bundle: TheBundle, question: UserQuestion) -> ForUser:
    """What matrix factorisation alone recommends, before any ranking.

    `model` is `ials`, or `popularity_fallback` for a user without ratings.
    """
    chosen = recommendations.by_channel(bundle, recommendations.COLLABORATIVE, question.user_id, n=question.top_n)
    return ForUser.of(chosen, user_id=question.user_id)


@router.post("/api/recommendations")
def recommend_for_many(bundle: TheBundle, question: UsersQuestion) -> ForUsers:
    """What `GET /api/movies/personal` answers, for up to 50 users at once."""
    # One after the other: a block sums in another order, and near ties would not stand as they do for one user.
    answers = [
        ForUser.of(recommendations.for_user(bundle, user_id, n=question.top_n), user_id=user_id)
        for user_id in question.user_ids
    ]
    return ForUsers(answers=answers)


@router.post("/api/fold-in")
def recommend_for_ratings(bundle: TheBundle, question: RatingsQuestion) -> ForRatings:
    """Recommendations for somebody known by these ratings alone; nothing is kept.

    `model` is as for a known user; `popular_in_genres` or `popularity_fallback` where no rating can be used.
    """
    named = sorted({given.id for given in question.ratings})
    columns = bundle.recommender.interactions.columns_of(named)
    ignored = [movie_id for movie_id, column in zip(named, columns, strict=True) if column == UNKNOWN]
    # One of the catalogue that is not in the fit teaches nothing, but neither is it recommended.
    strange = set(ignored) - bundle.catalog.by_id.keys()
    usable = [given for given in question.ratings if given.id not in strange]
    movie_ids, stars = [given.id for given in usable], [given.rating for given in usable]
    found = bundle.recommender.for_ratings(
        movie_ids, stars, n=question.top_n, genres=question.genres, explain=question.explain
    )
    chosen = known_movies(bundle, found.model, found.movie_ids, found.scores)
    if not chosen.movies:  # all are rated
        chosen = recommendations.popular(bundle, without=movie_ids, n=question.top_n)
    why = why_by_movie(bundle, found.explanations)
    return ForRatings.of(chosen, movies=PersonalMovie.all_of(chosen, why), ignored=ignored)

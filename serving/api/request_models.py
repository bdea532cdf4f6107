"""Request parameters and bodies of the JSON API, with bounds and examples, and the movie that a request names."""

from typing import Annotated, Self

from fastapi import HTTPException, Path, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, model_validator

from movierec.bundles.bundle import Bundle
from movierec.catalog.catalog import Movie
from serving.services.recommendations import MAX_PLACES
from serving.web.query_params import MovieId, PlainDigits, UserId

MAX_USERS, MAX_RATINGS, MAX_GENRES = 50, 500, 20

ResultCount = Annotated[int, Query(ge=1, le=100, examples=[5]), PlainDigits]
ListOffset = Annotated[int, Query(ge=0, lt=MAX_PLACES, examples=[5], description="so many are left out"), PlainDigits]
MovieIdPath = Annotated[MovieId, Path(examples=[1])]
UserIdQuery = Annotated[UserId, Query(examples=[15])]


def require_number(value: object) -> object:
    """Rejects texts and booleans, which Pydantic would convert to numbers. Raises ValueError."""
    if isinstance(value, str | bool):
        raise ValueError("must be a number")  # noqa: TRY004  what Pydantic reports
    return value


JsonNumber = BeforeValidator(require_number)
BodyId = Annotated[int, Field(ge=0, lt=10**18), JsonNumber]
BodyCount = Annotated[int, Field(ge=1, le=100), JsonNumber]
BodyOffset = Annotated[int, Field(ge=0, lt=MAX_PLACES), JsonNumber]
StarRating = Annotated[float, Field(ge=0.5, le=5), JsonNumber]


class Question(BaseModel):
    """The body of a request. Unknown names are refused."""

    model_config = ConfigDict(extra="forbid")


class ListQuestion(Question):
    """How many movies are wanted, after the first `offset` of the list. A list has at most 100 places."""

    top_n: BodyCount = Field(default=10, examples=[5])
    offset: BodyOffset = Field(default=0, examples=[5], description="so many are left out")

    @property
    def n_needed(self) -> int:
        """How many movies of the list have to be made."""
        return count_needed(self.offset, self.top_n)


class MovieReference(Question):
    """A movie by `movie_id`, or by its synonym `anime_id`. One is required; `movie_id` wins if both are given."""

    movie_id: BodyId | None = Field(default=None, examples=[1])
    anime_id: BodyId | None = Field(default=None, examples=[1])

    @property
    def given_movie_id(self) -> int:
        """The given id of the movie."""
        return next(each for each in (self.movie_id, self.anime_id) if each is not None)

    @model_validator(mode="after")
    def require_movie_id(self) -> Self:
        """Raises ValueError if neither id is given."""
        if self.movie_id is None and self.anime_id is None:
            raise ValueError("movie_id or anime_id is required")
        return self


class MovieQuestion(MovieReference, ListQuestion):
    """The movie to find similar ones for, and how many."""


class UserQuestion(ListQuestion):
    """The user to recommend movies to, and how many."""

    user_id: BodyId = Field(examples=[15])


class UsersQuestion(ListQuestion):
    """The users to recommend movies to, in order, and how many for each; a repeated user is answered again."""

    user_ids: list[BodyId] = Field(min_length=1, max_length=MAX_USERS, examples=[[15, 73, 4711]])


class GivenRating(MovieReference):
    """A rating of 0.5 to 5."""

    rating: StarRating = Field(examples=[4.5])


class RatingsQuestion(ListQuestion):
    """Ratings of a new user, oldest first; if a movie is rated twice, the later rating counts.

    `genres` are used if no rating can be.
    """

    ratings: list[GivenRating] = Field(
        default=[], max_length=MAX_RATINGS, examples=[[{"movie_id": 1, "rating": 5}, {"movie_id": 260, "rating": 4.5}]]
    )
    genres: list[Annotated[str, Field(max_length=40)]] = Field(default=[], max_length=MAX_GENRES, examples=[["Drama"]])
    explain: StrictBool = Field(default=False, examples=[True], description="whether each movie says why it was chosen")


def count_needed(offset: int, n: int) -> int:
    """How many places of a list have to be made for `n` after the first `offset`."""
    return min(offset + n, MAX_PLACES)


def require_movie(bundle: Bundle, movie_id: int) -> Movie:
    """The movie with this id. Raises a 404 if the catalogue does not have it."""
    movie = bundle.catalogue.by_id.get(movie_id)
    if movie is None:
        raise HTTPException(404, f"movie {movie_id} is not in the catalogue")
    return movie

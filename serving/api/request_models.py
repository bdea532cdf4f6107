"""What the JSON API is asked in bodies: models with bounds and examples."""

from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, Field, StrictBool, model_validator

MAX_USERS, MAX_RATINGS, MAX_GENRES = 50, 500, 20


def number(value: object) -> object:
    """Lets no text and no truth value pass, which Pydantic would read as numbers."""
    if isinstance(value, str | bool):
        raise ValueError("must be a number")  # noqa: TRY004  what Pydantic reports
    return value


Whole = Annotated[int, BeforeValidator(number)]
Id = Annotated[int, BeforeValidator(number), Field(ge=0, lt=10**18)]
TopN = Annotated[int, BeforeValidator(number), Field(ge=1, le=100)]
Stars = Annotated[float, BeforeValidator(number), Field(ge=0.5, le=5)]


class OfAMovie(BaseModel):
    """A movie by `movie_id`, or by `anime_id`, which means the same: one is wanted, `movie_id` counts of two."""

    movie_id: Id | None = Field(default=None, examples=[1])
    anime_id: Id | None = Field(default=None, examples=[1])

    @property
    def id(self) -> int:
        return next(each for each in (self.movie_id, self.anime_id) if each is not None)

    @model_validator(mode="after")
    def has_one(self) -> Self:
        if self.movie_id is None and self.anime_id is None:
            raise ValueError("movie_id or anime_id is required")
        return self


class MovieQuestion(OfAMovie):
    """Whose like is wanted."""

    top_n: TopN = Field(default=10, examples=[5])


class UserQuestion(BaseModel):
    """For whom movies are wanted."""

    user_id: Id = Field(examples=[15])
    top_n: TopN = Field(default=10, examples=[5])


class UsersQuestion(BaseModel):
    """For whom movies are wanted, each in turn; who is named twice is answered twice."""

    user_ids: list[Id] = Field(min_length=1, max_length=MAX_USERS, examples=[[15, 73, 4711]])
    top_n: TopN = Field(default=10, examples=[5])


class GivenRating(OfAMovie):
    """0.5 to 5 stars."""

    rating: Stars = Field(examples=[4.5])


class RatingsQuestion(BaseModel):
    """Ratings, oldest first; of two for one movie the later counts. `genres` count where no rating can be used."""

    ratings: list[GivenRating] = Field(
        default=[], max_length=MAX_RATINGS, examples=[[{"movie_id": 1, "rating": 5}, {"movie_id": 260, "rating": 4.5}]]
    )
    genres: list[Annotated[str, Field(max_length=40)]] = Field(default=[], max_length=MAX_GENRES, examples=[["Drama"]])
    top_n: TopN = Field(default=10, examples=[5])
    explain: StrictBool = Field(default=False, examples=[True], description="whether each movie says why it was chosen")

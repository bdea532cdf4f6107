"""Which movies match a filter: arrays prepared once per catalogue, masks computed from them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from movierec.catalog.catalog import Movie
from movierec.search.filter_tree import (
    RANGE_FIELDS,
    ChoiceCondition,
    ConditionGroup,
    FilterError,
    FilterNode,
    FlagCondition,
    RangeCondition,
    drop_blank_nodes,
)

MovieMask = NDArray[np.bool_]
MovieSets = Mapping[str, Collection[int]]  # "poster", "seen" and "saved": the ids of movies


@dataclass(frozen=True)
class FilterColumns:
    """The properties of all movies as arrays, one place per movie, in catalogue order."""

    ranges: dict[str, NDArray[np.float64]]  # NaN where a movie has no such number
    decades: NDArray[np.int16]  # -1 for a movie without a year
    genres: dict[str, MovieMask]
    tags: dict[str, NDArray[np.intp]]  # the rows that have a tag
    rows: dict[int, int]  # by movie_id

    @classmethod
    def from_movies(cls, movies: Sequence[Movie]) -> Self:
        """Prepares the arrays for `movies`, which are in catalogue order."""
        ranges = {name: np.array([getattr(movie, name) for movie in movies], dtype=np.float64) for name in RANGE_FIELDS}
        years = ranges["year"]
        tags: dict[str, list[int]] = {}
        for row, movie in enumerate(movies):
            for tag in movie.tags:
                tags.setdefault(tag, []).append(row)
        genres = sorted({genre for movie in movies for genre in movie.genres})
        return cls(
            ranges,
            np.where(np.isnan(years), -1, np.nan_to_num(years) // 10 * 10).astype(np.int16),
            {genre: np.array([genre in movie.genres for movie in movies], dtype=bool) for genre in genres},
            {tag: np.array(rows, dtype=np.intp) for tag, rows in sorted(tags.items(), key=lambda each: -len(each[1]))},
            {movie.movie_id: row for row, movie in enumerate(movies)},
        )

    def find_genre(self, name: str) -> str:
        """The genre with this name in any case, as the catalogue writes it. Raises FilterError for an unknown genre."""
        for genre in self.genres:
            if genre.casefold() == name.casefold():
                return genre
        raise FilterError("unknown_genre", found=name, known=", ".join(self.genres))

    def match_filter(self, tree: FilterNode, sets: MovieSets) -> MovieMask:
        """A mask of the movies that match `tree`; blank conditions match all movies. A set that is not in `sets` is
        empty.

        Raises FilterError for an unknown genre.
        """
        wanted = drop_blank_nodes(tree)
        return self.all_movies if wanted is None else self._match_node(wanted, sets)

    @property
    def all_movies(self) -> MovieMask:
        """A mask of all movies."""
        return np.ones(len(self.decades), dtype=bool)

    def _match_node(self, node: FilterNode, sets: MovieSets) -> MovieMask:
        match node:
            case ConditionGroup():
                return self._match_group(node, sets)
            case RangeCondition(field, low, high):
                column = self.ranges[field]
                within: MovieMask = (column >= (-np.inf if low is None else low)) & (
                    column <= (np.inf if high is None else high)
                )
                return within
            case ChoiceCondition():
                return self._match_choice(node)
            case FlagCondition("unseen"):
                return ~self._match_node(FlagCondition("seen"), sets)
        return self._mask_rows([self.rows[i] for i in sets.get(node.field, ()) if i in self.rows])

    def _match_group(self, group: ConditionGroup, sets: MovieSets) -> MovieMask:
        masks = [self._match_node(part, sets) for part in group.parts]
        joined: MovieMask = reduce(np.logical_and if group.kind == "and" else np.logical_or, masks)
        return ~joined if group.kind == "not" else joined

    def _match_choice(self, node: ChoiceCondition) -> MovieMask:
        if node.field == "genre":
            return self.genres[self.find_genre(node.value)]
        if node.field == "decade":
            is_of: MovieMask = self.decades == int(node.value)
            return is_of
        return self._mask_rows(self.tags.get(node.value.strip().lower(), ()))

    def _mask_rows(self, rows: ArrayLike) -> MovieMask:
        mask = np.zeros(len(self.decades), dtype=bool)
        mask[np.asarray(rows, dtype=np.intp)] = True
        return mask

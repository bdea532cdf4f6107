"""Search by title: an index of words, tolerant of typing errors.

Only words are compared letter by letter, of which there are few; the rest is arithmetic on arrays.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from movierec.catalog.catalog import Movie
from movierec.search.titles import ARTICLES, NUMERALS, Chunk, chunks, key, names, without_articles
from movierec.search.vocabulary import LAST, Vocabulary, pairs

Weights = NDArray[np.float32]
Names = NDArray[np.intp]
State = Literal["exact", "similar", "partial"]

WHOLE, NUMERAL, BEGINNING, YEAR, GENRE = 1.0, 0.95, 0.8, 0.7, 0.5  # how well a word is matched by ...
TWO_WORDS, TYPO, TYPO_IN_BEGINNING = 0.7, {1: 0.6, 2: 0.45}, 0.4  # ... and when it is mistyped
OF_NAME, WHOLE_NAME, OF_FAME = 0.6, 2.0, 0.9  # what covering a name, matching all of it, and fame add
BEGINS, IS = 0.3, 0.6  # the name begins with the query as it was typed, is it
FEW = 5  # with fewer movies than this, typing errors are looked for
MOST_MISTYPED = 4  # ... in so many words


class Matches(NamedTuple):
    """`score` by row of the catalogue, 0 where nothing matches; the best first would be relevance.

    `state` is "similar" where typing errors had to be allowed for, "partial" where no movie has all words.
    `meant` is the query with its unknown words replaced, or None.
    """

    score: Weights
    state: State = "exact"
    meant: str | None = None


class Found(NamedTuple):
    """How well a term of the query matches each name: at all, and in its words alone."""

    weight: Weights
    words: Weights


@dataclass(frozen=True)
class TitleIndex:
    """The names of all movies in catalogue order; arrays are by name unless they say otherwise."""

    vocabulary: Vocabulary
    n_movies: int
    rows: Names  # the place in the catalogue
    lengths: Weights  # letters, without articles
    years: NDArray[np.int16]
    fame: Weights  # 0 to 1
    genres: dict[str, NDArray[np.bool_]]
    keys: list[str]  # sorted
    by_key: Names  # the name of each key

    @classmethod
    def of(cls, movies: Sequence[Movie]) -> Self:
        texts = [names(movie.title) for movie in movies]
        counts = np.array([len(each) for each in texts], dtype=np.intp)
        row = np.repeat(np.arange(len(movies)), counts)
        found = [chunks(text) for each in texts for text in each]
        keys = [key(each) for each in found]
        order = sorted(range(len(keys)), key=keys.__getitem__)
        fame = np.log1p([movie.n_ratings for movie in movies])
        return cls(
            Vocabulary(pairs(found)),
            len(movies),
            row,
            np.array([max(len(each.replace(" ", "")), 1) for each in keys], dtype=np.float32),
            np.array([movie.year or 0 for movie in movies], dtype=np.int16)[row],
            (fame / max(float(fame.max(initial=0)), 1.0)).astype(np.float32)[row],
            {
                "".join(chunk.joined for chunk in chunks(genre)): np.array([genre in movie.genres for movie in movies])[
                    row
                ]
                for genre in {genre for movie in movies for genre in movie.genres}
            },
            [keys[i] for i in order],
            np.array(order, dtype=np.intp),
        )

    def search(self, query: str) -> Matches:
        """Every word must begin a word of one and the same name, or be the movie's year or genre.

        Only when few movies match, none of them by its whole name, typing errors are allowed for, and only when
        still none does, movies with some of the words come.
        """
        terms = without_articles(chunks(query))
        if not terms or not len(self.lengths):
            return Matches(np.zeros(self.n_movies, np.float32))
        found = [self._found(term) for term in terms]
        score = self._score(terms, found, all_of(found))
        if np.count_nonzero(score) >= FEW or score.max() > 1 + WHOLE + WHOLE_NAME:
            return Matches(score)
        wider = self._mistyped(terms, found)
        similar = self._score(terms, wider, all_of(wider))
        if score.any():
            return Matches(np.maximum(score, similar))
        if similar.any():
            return Matches(similar, "similar", self.meant(terms))
        some = found if any(each.weight.any() for each in found) else wider
        have = np.sum([each.weight > 0 for each in some], axis=0)
        partial = self._score(terms, some, (have == have.max()) & (have > 0))
        return Matches(partial, "partial" if partial.any() else "exact")

    def alphabet(self) -> Names:
        """The rows of the catalogue by title, articles and accents left out; equals in catalogue order."""
        place = np.empty_like(self.by_key)
        place[self.by_key] = np.arange(len(place))
        whole = np.append(self.rows[1:] != self.rows[:-1], True)  # the last name of a movie is all of its title
        return np.argsort(place[whole[: len(place)]])

    def meant(self, terms: Sequence[Chunk]) -> str | None:
        """The query in words that titles have."""
        words = [self._known(term.joined) for term in terms]
        return " ".join(words) if words != [term.joined for term in terms] else None

    def _known(self, word: str) -> str:
        start, end = self.vocabulary.beginning_with(word)
        nearest = self.vocabulary.similar(word) if start == end else []
        return self.vocabulary.words[nearest[0][1]] if nearest else word

    def _found(self, term: Chunk) -> Found:
        words = self._word(term.joined)
        if len(term.parts) > 1:
            words = np.maximum(words, np.min([self._word(part) for part in term.parts], axis=0))
        weight = words
        if len(term.joined) == 4 and term.joined.isascii() and term.joined.isdigit():
            weight = np.maximum(weight, np.float32(YEAR) * (self.years == int(term.joined)))
        if term.joined in self.genres:
            weight = np.maximum(weight, np.float32(GENRE) * self.genres[term.joined])
        return Found(weight, words)

    def _word(self, word: str) -> Weights:
        """By whole words, numerals of either kind, beginnings."""
        weights = np.zeros(len(self.lengths), np.float32)
        weights[self.vocabulary.span(*self.vocabulary.beginning_with(word))] = BEGINNING
        for spelling, weight in ((NUMERALS.get(word), NUMERAL), (word, WHOLE)):
            if spelling is not None:
                weights[self.vocabulary.holders(spelling)] = weight
        return weights

    def _mistyped(self, terms: Sequence[Chunk], found: Sequence[Found]) -> list[Found]:
        """What was found, and similar words: of unknown terms first, and not of endlessly many."""
        unknown_first = sorted(range(len(terms)), key=lambda i: bool(found[i].weight.any()))
        wider = list(found)
        for i in unknown_first[:MOST_MISTYPED]:
            similar = self._similar(terms[i].joined)
            wider[i] = Found(np.maximum(found[i].weight, similar), np.maximum(found[i].words, similar))
        return wider

    def _similar(self, word: str) -> Weights:
        """By words with a letter wrong or two, and by two words written as one."""
        known, weights = self.vocabulary, np.zeros(len(self.lengths), np.float32)
        for span in known.similar_beginnings(word):
            weights[known.span(*span)] = TYPO_IN_BEGINNING
        for wrong, at in reversed(known.similar(word)):
            if wrong:
                weights[known.span(at, at + 1)] = TYPO[wrong]
        for cut in range(3, len(word) - 2):
            first, second = known.holders(word[:cut]), known.holders(word[cut:])
            if len(first) and len(second):
                weights[np.intersect1d(first, second, assume_unique=True)] = TWO_WORDS
        return weights

    def _score(self, terms: Sequence[Chunk], found: Sequence[Found], matched: NDArray[np.bool_]) -> Weights:
        """By row of the catalogue, of its best name: how well the words match, how much of the name they are, fame."""
        at = np.flatnonzero(matched)
        share, mean = np.zeros(len(at), np.float32), np.zeros(len(at), np.float32)
        for term, each in zip(terms, found, strict=True):
            letters = 0 if term.joined in ARTICLES else len(term.joined)
            share += np.float32(letters) * each.words[at]
            mean += each.weight[at] / np.float32(len(terms))
        share = np.minimum(share / self.lengths[at], 1)
        score = 1 + mean + OF_NAME * share + WHOLE_NAME * (share > 0.999) + OF_FAME * self.fame[at]
        score += self._as_typed(key(terms))[at]
        if len(terms) > 1 and len(terms[-1].joined) == 4 and terms[-1].joined.isdigit():
            score += self._as_typed(key(terms[:-1]))[at]
        best = np.zeros(self.n_movies, np.float32)
        np.maximum.at(best, self.rows[at], score)
        return best

    def _as_typed(self, text: str) -> Weights:
        bonus = np.zeros(len(self.lengths), np.float32)
        start = bisect_left(self.keys, text)
        bonus[self.by_key[start : bisect_left(self.keys, text + LAST)]] = BEGINS
        bonus[self.by_key[start : bisect_right(self.keys, text)]] = IS
        return bonus


def all_of(found: Sequence[Found]) -> NDArray[np.bool_]:
    """The names that each term matches."""
    matched: NDArray[np.bool_] = np.all([each.weight > 0 for each in found], axis=0)
    return matched

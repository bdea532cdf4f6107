"""Search by title: an index of words that tolerates typing errors.

Only words are compared letter by letter, and there are few distinct ones; the rest is array arithmetic.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from movierec.catalog.catalog import Movie
from movierec.search.titles import (
    ARTICLES,
    NUMERALS,
    Token,
    alternative_titles,
    drop_articles,
    title_key,
    tokenize_title,
)
from movierec.search.vocabulary import LAST_CHARACTER, Vocabulary, pair_words_with_names

Float32Array = NDArray[np.float32]
Indices = NDArray[np.intp]
MatchState = Literal["exact", "similar", "partial"]

WHOLE_WORD_MATCH, NUMERAL_MATCH, BEGINNING_MATCH, YEAR_MATCH, GENRE_MATCH = (
    1.0,
    0.95,
    0.8,
    0.7,
    0.5,
)  # how well a word is matched by ...
TWO_WORDS_MATCH, TYPO_MATCH, TYPO_IN_BEGINNING_MATCH = 0.7, {1: 0.6, 2: 0.45}, 0.4  # ... and when it is mistyped
NAME_SHARE_BONUS, WHOLE_NAME_BONUS, FAME_BONUS = 0.6, 2.0, 0.9  # what covering a name, matching all of it, and fame add
BEGINS_AS_TYPED_BONUS, EQUALS_AS_TYPED_BONUS = 0.3, 0.6  # the name begins with the query as it was typed, is it
FEW_MATCHES = 5  # with fewer movies than this, typing errors are looked for
MAX_MISTYPED_TERMS = 4  # ... in so many words


class TitleMatches(NamedTuple):
    """The result of a search: `score` by row of the catalogue, 0 where the title does not match.

    `state` is "exact", "similar" if typing errors had to be allowed, or "partial" if no movie has all words.
    `corrected_query` is the query with unknown words replaced by similar known ones, or None.
    """

    score: Float32Array
    state: MatchState = "exact"
    corrected_query: str | None = None


class TermMatch(NamedTuple):
    """How well a term of the query matches each name: `weight` with year and genre counted, `words` without them."""

    weight: Float32Array
    words: Float32Array


@dataclass(frozen=True)
class TitleIndex:
    """The names of all movies in catalogue order; a movie may have several.

    Arrays are by name unless noted otherwise.
    """

    vocabulary: Vocabulary
    n_movies: int
    rows: Indices  # the place in the catalogue
    lengths: Float32Array  # letters, without articles
    years: NDArray[np.int16]
    fame: Float32Array  # 0 to 1
    genres: dict[str, NDArray[np.bool_]]
    keys: list[str]  # sorted
    by_key: Indices  # the name of each key

    @classmethod
    def from_movies(cls, movies: Sequence[Movie]) -> Self:
        """Indexes the titles of `movies`, which are in catalogue order."""
        texts = [alternative_titles(movie.title) for movie in movies]
        counts = np.array([len(each) for each in texts], dtype=np.intp)
        row = np.repeat(np.arange(len(movies)), counts)
        found = [tokenize_title(text) for each in texts for text in each]
        keys = [title_key(each) for each in found]
        order = sorted(range(len(keys)), key=keys.__getitem__)
        fame = np.log1p([movie.n_ratings for movie in movies])
        return cls(
            Vocabulary(pair_words_with_names(found)),
            len(movies),
            row,
            np.array([max(len(each.replace(" ", "")), 1) for each in keys], dtype=np.float32),
            np.array([movie.year or 0 for movie in movies], dtype=np.int16)[row],
            (fame / max(float(fame.max(initial=0)), 1.0)).astype(np.float32)[row],
            {
                "".join(chunk.joined for chunk in tokenize_title(genre)): np.array(
                    [genre in movie.genres for movie in movies]
                )[row]
                for genre in {genre for movie in movies for genre in movie.genres}
            },
            [keys[i] for i in order],
            np.array(order, dtype=np.intp),
        )

    def search_titles(self, query: str) -> TitleMatches:
        """Scores the movies that match `query`.

        Every word must begin a word of the same name, or be the movie's year or one of its genres. Typing errors are
        allowed only if fewer than FEW_MATCHES movies match and none by its whole name. If still nothing matches, movies
        with some of the words are returned.
        """
        terms = drop_articles(tokenize_title(query))
        if not terms or not len(self.lengths):
            return TitleMatches(np.zeros(self.n_movies, np.float32))
        found = [self._match_term(term) for term in terms]
        score = self._score_movies(terms, found, match_all_terms(found))
        if np.count_nonzero(score) >= FEW_MATCHES or score.max() > 1 + WHOLE_WORD_MATCH + WHOLE_NAME_BONUS:
            return TitleMatches(score)
        wider = self._match_mistyped_terms(terms, found)
        similar = self._score_movies(terms, wider, match_all_terms(wider))
        if score.any():
            return TitleMatches(np.maximum(score, similar))
        if similar.any():
            return TitleMatches(similar, "similar", self.correct_query(terms))
        some = found if any(each.weight.any() for each in found) else wider
        have = np.sum([each.weight > 0 for each in some], axis=0)
        partial = self._score_movies(terms, some, (have == have.max()) & (have > 0))
        return TitleMatches(partial, "partial" if partial.any() else "exact")

    def sort_by_title(self) -> Indices:
        """Rows of the catalogue ordered by title without articles and accents; equal titles in catalogue order."""
        place = np.empty_like(self.by_key)
        place[self.by_key] = np.arange(len(place))
        whole = np.append(self.rows[1:] != self.rows[:-1], True)  # the last name of a movie is all of its title
        return np.argsort(place[whole[: len(place)]])

    def correct_query(self, terms: Sequence[Token]) -> str | None:
        """The query with words that occur in titles, or None if nothing changes."""
        words = [self._correct_word(term.joined) for term in terms]
        return " ".join(words) if words != [term.joined for term in terms] else None

    def _correct_word(self, word: str) -> str:
        start, end = self.vocabulary.find_words_beginning_with(word)
        nearest = self.vocabulary.find_similar_words(word) if start == end else []
        return self.vocabulary.words[nearest[0][1]] if nearest else word

    def _match_term(self, term: Token) -> TermMatch:
        words = self._match_word(term.joined)
        if len(term.parts) > 1:
            words = np.maximum(words, np.min([self._match_word(part) for part in term.parts], axis=0))
        weight = words
        if len(term.joined) == 4 and term.joined.isascii() and term.joined.isdigit():
            weight = np.maximum(weight, np.float32(YEAR_MATCH) * (self.years == int(term.joined)))
        if term.joined in self.genres:
            weight = np.maximum(weight, np.float32(GENRE_MATCH) * self.genres[term.joined])
        return TermMatch(weight, words)

    def _match_word(self, word: str) -> Float32Array:
        """How well the word matches each name: whole word, numeral in the other notation, or beginning of a word."""
        weights = np.zeros(len(self.lengths), np.float32)
        weights[self.vocabulary.find_names_of_words(*self.vocabulary.find_words_beginning_with(word))] = BEGINNING_MATCH
        for spelling, weight in ((NUMERALS.get(word), NUMERAL_MATCH), (word, WHOLE_WORD_MATCH)):
            if spelling is not None:
                weights[self.vocabulary.find_names_of_word(spelling)] = weight
        return weights

    def _match_mistyped_terms(self, terms: Sequence[Token], found: Sequence[TermMatch]) -> list[TermMatch]:
        """`found` with similar words added, for at most MAX_MISTYPED_TERMS terms, those without any match first."""
        unknown_first = sorted(range(len(terms)), key=lambda i: bool(found[i].weight.any()))
        wider = list(found)
        for i in unknown_first[:MAX_MISTYPED_TERMS]:
            similar = self._match_similar_words(terms[i].joined)
            wider[i] = TermMatch(np.maximum(found[i].weight, similar), np.maximum(found[i].words, similar))
        return wider

    def _match_similar_words(self, word: str) -> Float32Array:
        """How well names match the word with one or two letters wrong, or as two words written as one."""
        known, weights = self.vocabulary, np.zeros(len(self.lengths), np.float32)
        for span in known.find_similar_beginnings(word):
            weights[known.find_names_of_words(*span)] = TYPO_IN_BEGINNING_MATCH
        for wrong, at in reversed(known.find_similar_words(word)):
            if wrong:
                weights[known.find_names_of_words(at, at + 1)] = TYPO_MATCH[wrong]
        for cut in range(3, len(word) - 2):
            first, second = known.find_names_of_word(word[:cut]), known.find_names_of_word(word[cut:])
            if len(first) and len(second):
                weights[np.intersect1d(first, second, assume_unique=True)] = TWO_WORDS_MATCH
        return weights

    def _score_movies(
        self, terms: Sequence[Token], found: Sequence[TermMatch], matched: NDArray[np.bool_]
    ) -> Float32Array:
        """By row of the catalogue, for its best name: match of the words, share of the name they cover, fame."""
        at = np.flatnonzero(matched)
        share, mean = np.zeros(len(at), np.float32), np.zeros(len(at), np.float32)
        for term, each in zip(terms, found, strict=True):
            letters = 0 if term.joined in ARTICLES else len(term.joined)
            share += np.float32(letters) * each.words[at]
            mean += each.weight[at] / np.float32(len(terms))
        share = np.minimum(share / self.lengths[at], 1)
        score = 1 + mean + NAME_SHARE_BONUS * share + WHOLE_NAME_BONUS * (share > 0.999) + FAME_BONUS * self.fame[at]
        score += self._score_as_typed(title_key(terms))[at]
        if len(terms) > 1 and len(terms[-1].joined) == 4 and terms[-1].joined.isdigit():
            score += self._score_as_typed(title_key(terms[:-1]))[at]
        best = np.zeros(self.n_movies, np.float32)
        np.maximum.at(best, self.rows[at], score)
        return best

    def _score_as_typed(self, text: str) -> Float32Array:
        """A bonus for names that begin with `text` as it was typed, and a larger one for names equal to it."""
        bonus = np.zeros(len(self.lengths), np.float32)
        start = bisect_left(self.keys, text)
        bonus[self.by_key[start : bisect_left(self.keys, text + LAST_CHARACTER)]] = BEGINS_AS_TYPED_BONUS
        bonus[self.by_key[start : bisect_right(self.keys, text)]] = EQUALS_AS_TYPED_BONUS
        return bonus


def match_all_terms(found: Sequence[TermMatch]) -> NDArray[np.bool_]:
    """The names that every term matches."""
    matched: NDArray[np.bool_] = np.all([each.weight > 0 for each in found], axis=0)
    return matched

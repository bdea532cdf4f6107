"""Which words are nearly a word."""

import numpy as np
import pytest
from rapidfuzz.distance import OSA

from movierec.search.vocabulary import ComparableTexts


@pytest.mark.parametrize("allowed", [0, 1, 2])
def test_near_texts_are_those_within_the_edit_distance(allowed):
    random = np.random.default_rng(3)
    # Five letters, of which "a" and "¡" (161 = 97 + 64) share a bit of the mask.
    texts = sorted({"".join(random.choice(list("abcd¡"), size=random.integers(1, 7))) for _ in range(800)})
    places = list(range(100, 100 + len(texts)))
    for word in texts[::7]:
        distances = [(OSA.distance(word, text), place) for text, place in zip(texts, places, strict=True)]
        expected = [each for each in distances if each[0] <= allowed]
        assert ComparableTexts(places, texts).find_near(word, allowed) == expected


def test_a_swap_of_neighbours_is_one_edit_and_a_text_without_the_letters_is_none():
    texts = ComparableTexts([5, 6, 7], ["matrix", "martix", "rocky"])
    assert texts.find_near("matrix", 1) == [(0, 5), (1, 6)]
    assert texts.find_near("zzz", 2) == []

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from movierec.experiments.ablation import list_feature_groups
from movierec.features.definitions import BASE_DEFINITIONS, TMDB_DEFINITIONS, Group
from movierec.features.names import BASE_FEATURES, FEATURE_WORDS, TMDB_FEATURES
from movierec.recommender.explanations import describe_feature

ROOT = Path(__file__).parents[3]

# A made-up entry for the end of each table.
NEW_ENTRIES = {
    "USER_DEFINITIONS": 'Feature("user_sum", lambda user: user.sum_by_user(user.stars), "user words", Group.USER)',
    "RATED_MOVIE_DEFINITIONS": (
        'RatedMovieFeature("movie_min", pl.col("rating").min(), "rated words", Group.MOVIE, unrated=pl.lit(9))'
    ),
    "LISTED_MOVIE_DEFINITIONS": 'Feature("year_twice", pl.col("year") * 2, "listed words", Group.MOVIE)',
    "TMDB_DEFINITIONS": 'Feature("tmdb_revenue", pl.col("revenue"), "tmdb words", Group.TMDB)',
    "PAIR_DEFINITIONS": (
        'Feature("min_twice", lambda pair: pair.movie["movie_min"] * 2 + pair.user_time * 0, "pair words", Group.CROSS)'
    ),
    "MEASURES": 'Measure("age", lambda movie: movie["movie_age"], "how old it is")',
}
NEW_FEATURES = {
    "user_sum": ("user words", "features of the user"),
    "movie_min": ("rated words", "features of the movie"),
    "year_twice": ("listed words", "features of the movie"),
    "tmdb_revenue": ("tmdb words", None),
    "min_twice": ("pair words", "other user x movie features"),
    "beyond_usual_age": ("how old it is beside what you watch", "differences from the user's usual movies"),
    "beyond_usual_age_lately": (
        "how old it is beside what you watched lately",
        "differences from the user's usual movies",
    ),
}
SCRIPT = """
import json
import numpy as np
import polars as pl
from movierec.experiments.ablation import list_feature_groups
from movierec.features import definitions
from movierec.features.matrix import Features
from movierec.features.names import BASE_FEATURES, TMDB_FEATURES
from movierec.features.tables import add_tmdb_features
from movierec.recommender.explanations import describe_feature
from tests import factories

known = {"movie_id": [3], "runtime": [1], "budget": [1], "original_language": ["en"], "revenue": [70]}
movies = add_tmdb_features(factories.make_movies(4), pl.LazyFrame(known))
features = Features.from_ratings(factories.make_ratings((1, 1, 5.0), (1, 2, 3.0), (2, 3, 4.0)), movies)
rows = features.build_matrix([1], np.array([[3, 4]], np.int32)).tolist()
names = [*BASE_FEATURES, *TMDB_FEATURES]
print(json.dumps({
    "file": definitions.__file__,
    "names": features.feature_names,
    "rows": [dict(zip(features.feature_names, row, strict=True)) for row in rows],
    "words": {name: describe_feature(name) for name in names},
    "groups": {name: [group for group, belongs in list_feature_groups().items() if belongs(name)] for name in names},
}))
"""


@pytest.fixture(scope="module")
def changed(tmp_path_factory):
    """What a copy of the domain says when `definitions.py` alone has been changed, by one more entry in each table."""
    folder = tmp_path_factory.mktemp("changed")
    shutil.copytree(ROOT / "movierec", folder / "movierec", ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / "movierec" / "features" / "definitions.py"
    source = file.read_text()
    for table, entry in NEW_ENTRIES.items():
        source, n_changes = re.subn(
            rf"(?ms)^({table}\b.*?)(?=^\)$)", lambda found, new=entry: f"{found[1]}    {new},\n", source, count=1
        )
        assert n_changes == 1, table
    file.write_text(source)
    printed = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = json.loads(printed)
    assert Path(found["file"]) == file
    return found


def test_new_entries_are_in_the_matrix_and_the_others_keep_their_order(changed):
    assert [name for name in changed["names"] if name not in NEW_FEATURES] == [
        *BASE_FEATURES[:37],
        *TMDB_FEATURES,
        *BASE_FEATURES[37:],
    ]
    assert set(NEW_FEATURES) < set(changed["names"])


def test_new_entries_have_the_values_of_their_formulas(changed):
    rated, unrated = changed["rows"]  # user 1 beside movies 3 (of 1983, one rating of 4 stars) and 4 (of 1984)
    assert (rated["user_sum"], unrated["user_sum"]) == (8, 8)
    assert (rated["movie_min"], unrated["movie_min"]) == (4, 9)
    assert (rated["min_twice"], unrated["min_twice"]) == (8, 18)
    assert (rated["year_twice"], unrated["year_twice"]) == (2 * 1983, 2 * 1984)
    assert (rated["tmdb_revenue"], unrated["tmdb_revenue"]) == (70, pytest.approx(float("nan"), nan_ok=True))
    assert rated["beyond_usual_age"] == rated["beyond_usual_age_lately"] == (1981 + 1982) / 2 - 1983


def test_new_entries_have_words_and_a_group_of_the_ablation(changed):
    for name, (words, group) in NEW_FEATURES.items():
        assert changed["words"][name] == words
        assert changed["groups"][name] == ([group] if group else []), name


def test_names_and_words_are_those_of_the_entries_and_no_name_stands_twice():
    entries = (*BASE_DEFINITIONS, *TMDB_DEFINITIONS)
    assert (*BASE_FEATURES, *TMDB_FEATURES) == tuple(entry.name for entry in entries)
    assert len({entry.name for entry in entries}) == len(entries)
    assert dict(FEATURE_WORDS) == {entry.name: describe_feature(entry.name) for entry in entries}
    assert all(FEATURE_WORDS.values())


def test_the_ablation_leaves_out_every_feature_with_its_group_and_in_their_order():
    measured = [group.value for group in Group if group != Group.TMDB]
    assert list(list_feature_groups())[: len(measured)] == measured
    for entry in BASE_DEFINITIONS:
        assert [name for name in measured if list_feature_groups()[name](entry.name)] == [entry.group]

import pytest

from movierec.bundles.companion import Companion, LiveCompanion
from movierec.bundles.versioned_folders import BundleError, current_version
from tests import factories


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return Companion.open(factories.publish_small_companion(tmp_path_factory.mktemp("made")))


def even(ids):
    return {int(movie) % 2 == 0 for movie in ids}


def test_a_movies_cluster_holds_its_like(made):
    number = made.clusters.find_cluster(2)
    assert even(made.clusters.clusters[number].movie_ids) == {True}
    assert made.clusters.find_cluster(1) == 1 - number
    assert made.clusters.find_cluster(999) is None


def test_movies_of_a_cluster_stand_by_number_of_ratings_then_mean(made):
    ids = made.clusters.clusters[made.clusters.find_cluster(2)].movie_ids.tolist()
    # Twenty people rated 2 to 40, but for the diagonal 19; of these the threes have 4 stars, the others 5.
    assert ids[:3] == [2, 4, 8]
    assert ids[-1] == 42  # nobody rated it


def test_the_favourite_cluster_is_where_most_ratings_are_and_of_equals_the_lowest(made):
    action, comedy = made.clusters.find_cluster(2), made.clusters.find_cluster(1)
    assert made.clusters.find_favourite_cluster([2, 4, 1]) == action
    assert made.clusters.find_favourite_cluster([1, 3, 2]) == comedy
    assert made.clusters.find_favourite_cluster([1, 2]) == 0
    assert made.clusters.find_favourite_cluster([999, 1]) == comedy
    assert made.clusters.find_favourite_cluster([999]) is None
    assert made.clusters.find_favourite_cluster([]) is None


def test_movies_are_spread_over_clusters_the_fullest_first(made):
    action, comedy = made.clusters.find_cluster(2), made.clusters.find_cluster(1)
    assert list(made.clusters.count_by_cluster([2, 1, 3, 999, 5]).items()) == [(comedy, 3), (action, 1)]
    assert list(made.clusters.count_by_cluster([1, 2])) == [0, 1]
    assert made.clusters.count_by_cluster([999]) == {}


def test_a_clusters_words_are_its_tags_and_lead_to_the_movies_that_carry_them(made):
    cluster = made.clusters.clusters[made.clusters.find_cluster(2)]
    assert (cluster.kind, cluster.words) == ("tags", ["space"])
    assert cluster.movie_ids_by_words[:3].tolist() == [2, 4, 8]
    assert even(cluster.movie_ids_by_words) == {True}


def test_without_tags_its_genres_are_its_words(tmp_path):
    found = Companion.open(factories.publish_small_companion(tmp_path, with_tags=False)).clusters
    cluster = found.clusters[found.find_cluster(2)]
    assert (cluster.kind, cluster.words) == ("genres", ["Action", "Sci-Fi"])
    assert even(cluster.movie_ids_by_words) == {True}


def test_content_comes_with_it(made):
    assert even(made.content.find_nearest(2, n=5)[0]) == {True}


def test_it_is_served_by_a_pointer_of_its_own_and_a_broken_one_is_not_published(tmp_path):
    home = tmp_path / "companion" / "full"
    factories.publish_small_companion(tmp_path, "c1")
    assert LiveCompanion(home)().version == "c1"
    (home / "c1" / "content" / "data.npy").write_bytes(b"x")
    with pytest.raises(BundleError, match=r"data.npy.* are not what the manifest says"):
        Companion.open(home / "c1")
    factories.publish_small_companion(tmp_path, "c2")
    assert current_version(home) == home / "c2"


def test_nothing_in_it_is_a_pickle(tmp_path):
    folder = factories.publish_small_companion(tmp_path)
    assert {path.suffix for path in folder.rglob("*") if path.is_file()} == {".json", ".parquet", ".npy"}

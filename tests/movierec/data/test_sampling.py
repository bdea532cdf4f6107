"""Samples: whole users, nested, and the same users forever."""

import polars as pl
import pytest

from movierec.data.sampling import SAMPLES, hash_to_fraction, is_in_sample

USERS = pl.DataFrame({"user_id": range(1, 200_001)}, schema={"user_id": pl.Int32})


def users_of(sample: str) -> set[int]:
    return set(USERS.filter(is_in_sample(sample))["user_id"])


def test_samples_are_nested() -> None:
    assert users_of("1pct") < users_of("10pct") < users_of("full")


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_holds_its_share_of_the_users(sample: str) -> None:
    assert len(users_of(sample)) / USERS.height == pytest.approx(SAMPLES[sample], rel=0.02)


def test_every_user_is_in_the_full_sample() -> None:
    assert len(users_of("full")) == USERS.height


@pytest.mark.parametrize("first", [1, 50_001, 100_001, 150_001])
def test_users_are_picked_evenly_over_their_numbers(first: int) -> None:
    picked = users_of("1pct") & set(range(first, first + 50_000))
    assert len(picked) == pytest.approx(500, abs=4 * 500**0.5)  # four standard deviations of a draw by lot


def test_the_choice_of_users_never_changes() -> None:
    assert sorted(users_of("1pct"))[:5] == [52, 306, 432, 531, 595]
    places = pl.DataFrame({"user_id": [0, 1, 2]}).select(hash_to_fraction(pl.col("user_id"))).to_series()
    # Known values of MurmurHash3's 32-bit finaliser.
    assert places.to_list() == [0.0, 0x514E28B7 / 2**32, 0x30F4C306 / 2**32]


@pytest.mark.parametrize("dtype", [pl.Int32, pl.Int64, pl.UInt32])
def test_the_width_of_the_ids_does_not_matter(dtype: type[pl.DataType]) -> None:
    assert USERS.cast(dtype).filter(is_in_sample("1pct")).height == len(users_of("1pct"))


def test_an_unknown_sample_is_answered_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match="unknown sample 'half'; there are 1pct, 10pct, full"):
        is_in_sample("half")


def test_draws_know_nothing_of_each_other():
    """Of the users of a small sample a fifth is set aside, as of all users."""
    users = pl.DataFrame({"user_id": range(1, 20_001)})
    sampled = users.filter(hash_to_fraction(pl.col("user_id")) < 0.1)
    watched = sampled.select((hash_to_fraction(pl.col("user_id"), draw=2) < 0.2).mean()).item()
    assert watched == pytest.approx(0.2, abs=0.03)

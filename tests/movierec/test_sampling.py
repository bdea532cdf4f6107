"""Samples: whole users, nested, and the same users forever."""

import polars as pl
import pytest

from movierec.sampling import SAMPLES, bucket, in_sample

USERS = pl.DataFrame({"user_id": range(1, 200_001)}, schema={"user_id": pl.Int32})


def users_of(sample: str) -> set[int]:
    return set(USERS.filter(in_sample(sample))["user_id"])


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
    assert len(picked) == pytest.approx(500, rel=0.05)


def test_the_choice_of_users_never_changes() -> None:
    assert sorted(users_of("1pct"))[:5] == [89, 233, 322, 466, 555]
    places = pl.DataFrame({"user_id": [0, 1, 2]}).select(bucket(pl.col("user_id"))).to_series()
    assert places.to_list() == [0.0, 2_654_435_761 / 2**32, (2 * 2_654_435_761 - 2**32) / 2**32]


@pytest.mark.parametrize("dtype", [pl.Int32, pl.Int64, pl.UInt32])
def test_the_width_of_the_ids_does_not_matter(dtype: type[pl.DataType]) -> None:
    assert USERS.cast(dtype).filter(in_sample("1pct")).height == len(users_of("1pct"))


def test_an_unknown_sample_is_answered_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match="unknown sample 'half'; there are 1pct, 10pct, full"):
        in_sample("half")

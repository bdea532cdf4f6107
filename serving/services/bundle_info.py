"""About a bundle: source, run, date of publication, day of the last rating, quality of the recommendations."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple, Self

from movierec.bundles.bundle import Bundle
from movierec.data.interactions import Interactions


class Quality(NamedTuple):
    """nDCG@10 of one model with its confidence interval (`low` to `high`), measured over `n` users."""

    model: str
    value: float
    low: float
    high: float
    n: int

    @classmethod
    def from_metrics(cls, metrics: list[Mapping[str, Any]]) -> Self | None:
        """The row of the two-stage recommender, else of the first model that was measured; None without such a row."""
        rows = sorted(
            (row for row in metrics if row.get("metric") == "ndcg_at_10" and set(cls._fields) <= set(row)),
            key=lambda row: row["model"] != "two_stage",
        )
        return cls(*(rows[0][field] for field in cls._fields)) if rows else None


class BundleInfo(NamedTuple):
    """The manifest as a record, and the day of the last rating (UTC); None for everything that there is not."""

    version: str
    run_id: str | None
    published_at: datetime | None
    source: Mapping[str, Any]
    quality: Quality | None
    last_rated_on: date | None

    @classmethod
    def from_bundle(cls, bundle: Bundle) -> Self:
        """Reads the manifest and the ratings of the bundle."""
        manifest = bundle.manifest
        return cls(
            bundle.version,
            manifest.get("run_id"),
            _parse_timestamp(manifest.get("published_at")),
            manifest.get("source") or {},
            Quality.from_metrics(manifest.get("metrics") or []),
            find_last_rated_on(bundle.recommender.interactions),
        )

    def age_seconds(self, now: datetime) -> int | None:
        """Seconds from publication to `now`; None where the manifest has no date, 0 where it is later than `now`."""
        return max(0, int((now - self.published_at).total_seconds())) if self.published_at else None


def find_last_rated_on(interactions: Interactions) -> date | None:
    """The day of the last rating, None without ratings."""
    days = interactions.rated_on
    return date(1970, 1, 1) + timedelta(days=int(days.max())) if len(days) else None


def _parse_timestamp(text: object) -> datetime | None:
    """Parses an ISO 8601 date and time; UTC where it has no zone, None where it is not one."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

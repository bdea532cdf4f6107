"""What a bundle's manifest says: source, run, date of publication, quality of the recommendations."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, Self

from movierec.bundles.bundle import Bundle


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
    """The manifest as a record; None for everything that it does not contain."""

    version: str
    run_id: str | None
    published_at: datetime | None
    source: Mapping[str, Any]
    quality: Quality | None

    @classmethod
    def from_bundle(cls, bundle: Bundle) -> Self:
        """Reads the manifest of the bundle."""
        manifest = bundle.manifest
        return cls(
            bundle.version,
            manifest.get("run_id"),
            _parse_timestamp(manifest.get("published_at")),
            manifest.get("source") or {},
            Quality.from_metrics(manifest.get("metrics") or []),
        )

    def age_seconds(self, now: datetime) -> int | None:
        """Seconds from publication to `now`; None where the manifest has no date, 0 where it is later than `now`."""
        return max(0, int((now - self.published_at).total_seconds())) if self.published_at else None


def _parse_timestamp(text: object) -> datetime | None:
    """Parses an ISO 8601 date and time; UTC where it has no zone, None where it is not one."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

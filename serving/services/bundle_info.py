"""What a bundle says of itself: its source, its run, its age, how good its recommendations are."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, Self

from movierec.bundles.bundle import Bundle


class Quality(NamedTuple):
    """nDCG@10 with its interval, over `n` users."""

    model: str
    value: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, metrics: list[Mapping[str, Any]]) -> Self | None:
        """Of the two-stage recommender; of the first model measured where that one was not."""
        rows = sorted(
            (row for row in metrics if row.get("metric") == "ndcg_at_10" and set(cls._fields) <= set(row)),
            key=lambda row: row["model"] != "two_stage",
        )
        return cls(*(rows[0][field] for field in cls._fields)) if rows else None


class About(NamedTuple):
    """Anything the manifest does not say is None."""

    version: str
    run_id: str | None
    published_at: datetime | None
    source: Mapping[str, Any]
    quality: Quality | None

    @classmethod
    def of(cls, bundle: Bundle) -> Self:
        manifest = bundle.manifest
        return cls(
            bundle.version,
            manifest.get("run_id"),
            _moment(manifest.get("published_at")),
            manifest.get("source") or {},
            Quality.of(manifest.get("metrics") or []),
        )

    def age_seconds(self, now: datetime) -> int | None:
        return int((now - self.published_at).total_seconds()) if self.published_at else None


def _moment(text: object) -> datetime | None:
    """An ISO date and time; UTC where it names no zone."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

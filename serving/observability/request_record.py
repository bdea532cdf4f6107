"""What is noted about a request while it is answered, for its line in the log and for the metrics."""

from contextvars import ContextVar
from dataclasses import dataclass, field

UNMATCHED = "unmatched"  # in the place of a route, for addresses that belong to none


@dataclass(slots=True)
class RequestRecord:
    """One request. `route` is the template of its address, never the address itself.

    `user_id` is the user of the data set whom the address names, None if it names none. `models` have recommended, in
    order, each once. `bundle` is the version that answered.
    """

    request_id: str
    route: str = UNMATCHED
    user_id: int | None = None
    bundle: str | None = None
    models: list[str] = field(default_factory=list)
    trace_id: str | None = None


# Each request has a context of its own, which its threads share: the variable needs no reset.
CURRENT_RECORD: ContextVar[RequestRecord | None] = ContextVar("current_record", default=None)


def note_bundle(version: str) -> None:
    """Notes the version of the bundle that answers the current request. Does nothing outside a request."""
    if record := CURRENT_RECORD.get():
        record.bundle = version


def note_model(model: str) -> None:
    """Notes a model that recommends in the current request. Does nothing outside a request."""
    record = CURRENT_RECORD.get()
    if record is not None and model not in record.models:
        record.models.append(model)

"""The site's log: lines for people, or JSON with one record a line."""

import json
import logging
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from uvicorn.config import LOGGING_CONFIG

from movierec.settings import LogFormat
from serving.observability.request_record import CURRENT_RECORD

REQUEST_LOG = "serving.requests"


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON: time, level, logger, message, what `extra` has as `fields`, traceback.

    A record that is written while a request is answered has the id of the request.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        content = {
            "time": moment.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        content |= getattr(record, "fields", {})
        if (current := CURRENT_RECORD.get()) is not None:
            content.setdefault("request_id", current.request_id)
        if record.exc_info:
            content["traceback"] = self.formatException(record.exc_info)
        return json.dumps(content, ensure_ascii=False, default=str)


class AccessLineFilter(logging.Filter):
    """Leaves the client's address and the query, which holds what was searched, out of uvicorn's access lines."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Changes the record, and keeps it."""
        if isinstance(record.args, tuple) and len(record.args) == 5:
            _client, method, path, *rest = record.args
            record.args = ("-", method, str(path).partition("?")[0], *rest)
        return True


def build_logging_config(log_format: LogFormat, *, level: str = "INFO") -> dict[str, Any]:
    """The configuration for `logging.config.dictConfig`.

    "text" is what uvicorn writes: access lines on stdout, all else on stderr. "json" writes everything on stdout.
    """
    if log_format == "text":
        config: dict[str, Any] = deepcopy(LOGGING_CONFIG)
        config["filters"] = {"access_line": {"()": AccessLineFilter}}
        config["handlers"]["access"]["filters"] = ["access_line"]
        return config
    to_root = {"level": level.upper(), "propagate": True}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "handlers": {"json": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"}},
        "root": {"handlers": ["json"], "level": "WARNING"},
        "loggers": dict.fromkeys(("uvicorn", "serving", "movierec"), to_root),
    }

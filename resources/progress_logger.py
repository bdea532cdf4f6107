"""A Dagster logger for a terminal: which asset runs, how many are done, how long each took."""

import logging
import sys
import time
from typing import TextIO

import dagster as dg

SKIPPED_STEP_MESSAGES = (
    "Dependencies for step",
    "Skipping step",
)  # Dagster's lines for every step below a failed or skipped one


class ProgressHandler(logging.Handler):
    """Prints one line per step, `[ 7/34] ials_history  2.3 s`, and below it the step's own log messages."""

    def __init__(self, total: int, out: TextIO) -> None:
        super().__init__()  # steps begin and end at DEBUG
        self.total, self.out = total, out
        self._n_started = 0
        self._started = 0.0
        self._on_line = False

    def emit(self, record: logging.LogRecord) -> None:
        """Prints the start, success or failure of a step, and log messages from level INFO."""
        meta = record.dagster_meta  # type: ignore[attr-defined]  # set by Dagster
        event = meta.get("dagster_event")
        if event is None:
            message = meta["orig_message"]
            if record.levelno >= logging.INFO and not message.startswith(SKIPPED_STEP_MESSAGES):
                self._write_message(message)
            return
        step = event.step_key
        if event.is_step_start:
            self._n_started, self._started, self._on_line = self._n_started + 1, time.monotonic(), True
            self._write_text(f"[{self._n_started:>{len(str(self.total))}}/{self.total}] {step:<28}")
        elif event.is_step_success:
            took = f"{time.monotonic() - self._started:6.1f} s\n"
            self._write_text(took if self._on_line else f"{'':8}{'done':<28}{took}")
            self._on_line = False
        elif event.is_step_failure:
            self._write_text("  FAILED\n")
            self._on_line = False

    def _write_message(self, message: str) -> None:
        if self._on_line:
            self._write_text("\n")
            self._on_line = False
        self._write_text(f"{'':8}{time.monotonic() - self._started:6.1f} s  {message}\n")

    def _write_text(self, text: str) -> None:
        self.out.write(text)
        self.out.flush()


@dg.logger({}, description="One line a step, for a terminal.")
def build_progress_logger(context: dg.InitLoggerContext) -> logging.Logger:
    """The logger that run configuration selects by `loggers: {progress: {}}`."""
    logger = logging.Logger("progress")
    logger.addHandler(ProgressHandler(len(context.job_def.nodes) if context.job_def else 0, sys.stdout))
    return logger

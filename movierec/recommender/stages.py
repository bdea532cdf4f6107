"""The stages of a recommendation, so that who asks for one can watch how long each takes."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from typing import Any, Literal

Stage = Literal["retrieval", "ranking", "explanation"]
StageObserver = Callable[[Stage], AbstractContextManager[Any]]


def ignore_stage(_stage: Stage) -> AbstractContextManager[Any]:
    """The observer that does nothing."""
    return nullcontext()


STAGE_OBSERVER: ContextVar[StageObserver] = ContextVar("stage_observer", default=ignore_stage)


def observe_stage(stage: Stage) -> AbstractContextManager[Any]:
    """The context in which a stage runs, as the observer of the current context makes it."""
    return STAGE_OBSERVER.get()(stage)

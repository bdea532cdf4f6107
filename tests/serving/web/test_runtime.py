"""What the server does with itself before the first request."""

import gc
from pathlib import Path
from types import SimpleNamespace

import pytest
from threadpoolctl import threadpool_info

from movierec.bundles.bundle import LiveBundle
from movierec.bundles.companion import LiveCompanion
from serving.web import runtime
from serving.web.runtime import prepare_process
from tests.factories import publish_small_companion
from tests.serving.conftest import wait_until_true


def test_what_is_published_is_open_and_out_of_the_collectors_way_while_serving(home: Path) -> None:
    live = LiveBundle(home / "published" / "full")
    with prepare_process(live):
        assert gc.get_freeze_count() > 0
        assert {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"} == {1}
    assert gc.get_freeze_count() == 0


def test_what_is_published_later_is_too(tmp_path: Path) -> None:
    publish_small_companion(tmp_path, "c1")
    live = LiveCompanion(tmp_path / "companion" / "full")
    with prepare_process(live):
        gc.unfreeze()
        publish_small_companion(tmp_path, "c2")
        assert wait_until_true(lambda: live().version == "c2" and gc.get_freeze_count() > 0)


def test_nothing_published_is_no_reason_not_to_start(tmp_path: Path) -> None:
    with prepare_process(LiveBundle(tmp_path)):
        assert gc.get_freeze_count() == 0


def test_a_c_library_without_arenas_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(runtime.ctypes, "CDLL", lambda _: SimpleNamespace(mallopt=lambda *of: asked.append(of)))
    runtime.limit_malloc_arenas()
    monkeypatch.setattr(runtime.ctypes, "CDLL", lambda _: SimpleNamespace())
    runtime.limit_malloc_arenas()
    assert asked == [(runtime.M_ARENA_MAX, runtime.MAX_ARENAS)]

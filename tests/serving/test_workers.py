"""The site with two worker processes: what they share, and what happens when one of them or their parent is killed."""

import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import psutil
import pytest

from tests.serving.conftest import wait_until_true
from tests.serving.test_server import serve_whole_site


class Workers(NamedTuple):
    """A served site, its supervising process and its log."""

    address: str
    supervisor: psutil.Process
    log: Path

    def get(self, path: str, **options: str) -> httpx.Response:
        """Asks over a connection of its own, which either worker may accept."""
        return httpx.get(self.address + path, timeout=20, **options)  # type: ignore[arg-type]

    def list_pids(self) -> set[int]:
        """The worker processes, without Python's helper that tracks shared resources."""
        living = [each for each in self.supervisor.children() if each.status() != psutil.STATUS_ZOMBIE]
        return {each.pid for each in living if "spawn_main" in " ".join(each.cmdline())}

    def read_count(self, route: str) -> float:
        """How many answers of this route the metrics have, of all workers together."""
        start = f'movierec_responses_total{{method="GET",route="{route}",status="200"}} '
        lines = self.get("/metrics").text.splitlines()
        return sum(float(line.removeprefix(start)) for line in lines if line.startswith(start))


@pytest.fixture(scope="module")
def workers(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    folder = tmp_path_factory.mktemp("workers")
    shutil.copytree(home, folder / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOVIEREC_WORKERS", "2")
        patch.setenv("MOVIEREC_LOG_FORMAT", "json")
        with serve_whole_site(folder / "home", folder / "log") as (port, process):
            found = Workers(f"http://127.0.0.1:{port}", psutil.Process(process.pid), folder / "log")
            assert wait_until_true(lambda: len(found.list_pids()) == 2)
            yield found
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def test_the_metrics_are_those_of_both_workers(workers: Workers) -> None:
    before = workers.read_count("/health/live")
    for _ in range(40):
        workers.get("/health/live")
    assert workers.read_count("/health/live") == before + 40
    bundles = [line for line in workers.get("/metrics").text.splitlines() if line.startswith("movierec_bundle_info{")]
    assert len(bundles) == 1


def test_every_line_of_the_log_is_json_and_has_its_request(workers: Workers) -> None:
    asked = workers.get("/health/live").headers["x-request-id"]
    records = [json.loads(line) for line in workers.log.read_text().splitlines()]
    assert asked in {record.get("request_id") for record in records}
    assert any("Uvicorn running on" in record["message"] for record in records)


def test_a_guest_of_one_worker_is_known_to_the_other(workers: Workers) -> None:
    with httpx.Client(base_url=workers.address, headers={"Connection": "close"}, timeout=20) as client:
        assert client.post("/movies/3/rating", data={"rating": "4.5"}).status_code == 303
        pages = [client.get("/?user_id=me").text for _ in range(12)]
    assert all("based on 1 rating." in page for page in pages)


def test_a_rate_limit_holds_for_all_workers_together(workers: Workers) -> None:
    form = {"name": "somebody", "password": "a wrong password"}
    statuses = [httpx.post(f"{workers.address}/sign-in", data=form, timeout=20).status_code for _ in range(12)]
    assert statuses[10:] == [429, 429]
    assert 429 not in statuses[:10]


def test_a_killed_worker_is_replaced_and_its_counts_stay(workers: Workers) -> None:
    for _ in range(10):
        workers.get("/health/ready")
    before, pids = workers.read_count("/health/ready"), workers.list_pids()
    killed = min(pids)
    psutil.Process(killed).kill()
    assert wait_until_true(lambda: len(workers.list_pids() - {killed}) == 2, 60)
    assert wait_until_true(lambda: workers.get("/health/ready").status_code == 200)
    assert workers.read_count("/health/ready") >= before
    assert psutil.Process(max(pids)).is_running()


def test_workers_end_with_their_parent_however_it_ends(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOVIEREC_WORKERS", "2")
    shutil.copytree(home, tmp_path / "home")
    with serve_whole_site(tmp_path / "home", tmp_path / "log") as (port, process):
        found = Workers(f"http://127.0.0.1:{port}", psutil.Process(process.pid), tmp_path / "log")
        assert wait_until_true(lambda: len(found.list_pids()) == 2)
        children = [psutil.Process(pid) for pid in found.list_pids()]
        process.kill()
        _, alive = psutil.wait_procs(children, timeout=20)
        assert alive == []

"""`make bench`: measures set-up, pipeline and site on this machine and writes docs/benchmarks.md.

Nothing here is asserted: figures depend on the machine, so they stand beside a baseline of the same run.
"""

import argparse
import json
import os
import platform
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import httpx

from movierec.home_layout import HomeLayout
from movierec.settings import ROOT

PAGE_PATH = ROOT / "docs" / "benchmarks.md"
N_REQUESTS = 300
LISTED_PACKAGES = ("dagster", "polars", "implicit", "catboost", "fastapi")

PIPELINE_SCRIPT = """
import json, resource, sys, time
started = time.monotonic()
from assets.commands.pipeline import main
code = main(["--sample", "full", *sys.argv[1:]])
usage = resource.getrusage(resource.RUSAGE_SELF)
print("BENCH " + json.dumps({"code": code, "seconds": time.monotonic() - started,
    "cpu": usage.ru_utime + usage.ru_stime, "gigabytes": usage.ru_maxrss / 2**20}))
"""


class PipelineRun(NamedTuple):
    name: str
    ratings: int
    seconds: float
    cpu_seconds: float
    gigabytes: float


def run_pipeline(source: str, home: Path, *, is_first_start: bool = False) -> PipelineRun:
    """One run of the graph in a process of its own: of everything, or of what `make run` needs at its first start."""
    environment = os.environ | {"MOVIEREC_SOURCE": source, "MOVIEREC_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", PIPELINE_SCRIPT, *(["--if-needed"] if is_first_start else [])],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    (line,) = [each for each in done.stdout.splitlines() if each.startswith("BENCH ")]
    measured = json.loads(line.removeprefix("BENCH "))
    if measured["code"]:
        raise SystemExit(f"the pipeline failed on {source}:\n{done.stdout[-2000:]}")
    import polars as pl

    table = HomeLayout(home).locate_tables("full") / "ratings.parquet"
    ratings = pl.scan_parquet(table).select(pl.len()).collect().item()
    name = f"{Path(source).name}, only what `make run` needs" if is_first_start else Path(source).name
    return PipelineRun(name, ratings, measured["seconds"], measured["cpu"], measured["gigabytes"])


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_answer(address: str, process: subprocess.Popen[bytes], *, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise SystemExit(f"the server ended with {process.returncode} before it answered at {address}")
        try:
            if httpx.get(address).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise SystemExit(f"no answer at {address} within {seconds} s")


@contextmanager
def serve_site(home: Path) -> Iterator[str]:
    port = find_free_port()
    command = [sys.executable, "-m", "serving.server", "--port", str(port)]
    environment = os.environ | {"MOVIEREC_HOME": str(home), "MOVIEREC_SAMPLE": "full"}
    process = subprocess.Popen([*command, "--log-level", "warning"], cwd=ROOT, env=environment)
    try:
        wait_for_answer(f"http://127.0.0.1:{port}/health", process, seconds=60)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def run_benchmark_module(module: str, *arguments: str, home: Path) -> list[str]:
    """Runs a benchmark module and gives the lines that it prints, in Markdown."""
    command = [sys.executable, "-m", module, *arguments]
    environment = os.environ | {"MOVIEREC_HOME": str(home)}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


class Latency(NamedTuple):
    request_name: str
    median_ms: float
    p95_ms: float
    p99_ms: float


def measure_latencies(home: Path) -> list[Latency]:
    """Milliseconds over HTTP on loopback, one request at a time, from a client in another process."""
    with serve_site(home) as address, httpx.Client(base_url=address) as client:
        users = re.findall(r"\?user_id=(\d+)", client.get("/").text)
        htmx = {"HX-Request": "true"}
        asked: dict[str, tuple[str, dict[str, str]]] = {
            "baseline: the style sheet, a static file": ("/static/site.css", {}),
            "`GET /`, the home page": ("/", {}),
            "personal row of a known user (fragment)": (f"/?user_id={users[0]}", htmx),
            "`GET /api/movies/personal`, a known user": (f"/api/movies/personal?user_id={users[-1]}", {}),
            "the same with `explain=true`": (f"/api/movies/personal?user_id={users[-1]}&explain=true", {}),
            "`GET /api/movies/popular`": ("/api/movies/popular", {}),
            "`GET /movies/{id}`": ("/movies/1", {}),
        }
        return [_measure_latency(client, what, *each) for what, each in asked.items()]


def _measure_latency(client: httpx.Client, request_name: str, path: str, headers: dict[str, str]) -> Latency:
    times = []
    for _ in range(N_REQUESTS + 20):
        started = time.perf_counter()
        client.get(path, headers=headers).raise_for_status()
        times.append(1000 * (time.perf_counter() - started))
    times = sorted(times[20:])  # the first ones warm up
    return Latency(request_name, statistics.median(times), times[int(0.95 * N_REQUESTS)], times[int(0.99 * N_REQUESTS)])


class StartTimes(NamedTuple):
    fresh_seconds: float  # seconds from the clone to the first page
    again_seconds: float
    n_processes_left: int  # processes of the clone that outlived SIGTERM


def measure_start() -> StartTimes:
    """Clones HEAD into a new folder and runs `make run` there twice."""
    folder = Path(tempfile.mkdtemp(prefix="movierec-bench-"))
    clone = folder / "movierec"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    try:
        fresh, again = _measure_run_until_served(clone), _measure_run_until_served(clone)
        time.sleep(1)
        left = subprocess.run(["pgrep", "-f", str(clone)], capture_output=True, text=True, check=False)
        return StartTimes(fresh, again, n_processes_left=len(left.stdout.split()))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measure_run_until_served(clone: Path) -> float:
    web, dagster = find_free_port(), find_free_port()
    ports = {"MOVIEREC_WEB_PORT": str(web), "MOVIEREC_DAGSTER_PORT": str(dagster)}
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("MOVIEREC_", "DAGSTER_", "MAKE"))
    }
    started = time.monotonic()
    process = subprocess.Popen(["make", "run"], cwd=clone, env=inherited | ports, stdout=subprocess.DEVNULL)
    try:
        wait_for_answer(f"http://127.0.0.1:{web}/", process, seconds=900)
        served = time.monotonic() - started
        wait_for_answer(f"http://127.0.0.1:{dagster}/server_info", process, seconds=60)
        return served
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def render_page(
    runs: list[PipelineRun], times: list[Latency], start: StartTimes | None, *, search: list[str], api: list[str]
) -> str:
    base = times[0].median_ms
    lines = [
        "# Benchmarks",
        "",
        "`make bench` writes this page. The figures hold only for this machine:",
        "",
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in LISTED_PACKAGES)
        + ".",
        "",
        "## From a fresh clone to the first page",
        "",
    ]
    if start is None:
        lines += ["Not measured in this run (`make bench` without `--no-start` does)."]
    else:
        lines += [
            "| `make run` | seconds to the first page |",
            "|---|---|",
            f"| in a fresh clone; pip downloads the packages or has them in its cache | {start.fresh_seconds:.0f} |",
            f"| a second time | {start.again_seconds:.1f} |",
            "",
            f"Processes left after SIGTERM: {start.n_processes_left}.",
        ]
    lines += [
        "",
        "## The graph, sample `full`, one process",
        "",
        "| source | ratings | seconds | CPU seconds | peak memory, GB | ratings a second |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {run.name} | {run.ratings:,} | {run.seconds:.0f} | {run.cpu_seconds:.0f} | {run.gigabytes:.2f} "
        f"| {run.ratings / run.seconds:,.0f} |"
        for run in runs
    ]
    lines += [
        "",
        f"## The site with the bundle of {runs[-1].name}",
        "",
        f"Milliseconds over HTTP on loopback, {N_REQUESTS} requests one after another, one worker; the ratio is the "
        "median divided by the baseline's.",
        "",
        "| request | median | p95 | p99 | ratio |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {t.request_name} | {t.median_ms:.1f} | {t.p95_ms:.1f} | {t.p99_ms:.1f} | {t.median_ms / base:.1f} |"
        for t in times
    ]
    lines += ["", "## Search and filters in a large catalogue", "", *search]
    lines += ["", f"## The JSON API with the bundle of {runs[-1].name}, 100 requests a second, one worker", "", *api]
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--no-start", action="store_true", help="leave out the fresh clone, which takes minutes")
    parser.add_argument("sources", nargs="*", default=["demo"], help="demo, a GroupLens name or a folder")
    given = parser.parse_args()
    start = None if given.no_start else measure_start()
    with tempfile.TemporaryDirectory(prefix="movierec-bench-") as folder:
        served = run_pipeline(given.sources[0], Path(folder, "served"), is_first_start=True)
        homes = [Path(folder, str(i)) for i, _ in enumerate(given.sources)]
        runs = [served, *(run_pipeline(source, home) for source, home in zip(given.sources, homes, strict=True))]
        times = measure_latencies(homes[-1])
        search = run_benchmark_module("tests.benchmarks.search", home=homes[-1])
        api = run_benchmark_module("tests.benchmarks.api", home=homes[-1])
    PAGE_PATH.write_text(render_page(runs, times, start, search=search, api=api))
    sys.stdout.write(f"{PAGE_PATH.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()

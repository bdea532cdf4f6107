"""`python -m tests.rehearse_image` takes the steps of the Dockerfile without a container engine, packages included.

What it cannot show: that the base image has what the packages need, and that the engine accepts Dockerfile and compose.
"""

import fnmatch
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assets.commands.bench import find_free_port
from assets.commands.fetch_htmx import HTMX_FILE, fetch_htmx

ROOT = Path(__file__).parents[1]


def read_ignore_rules() -> list[str]:
    """The patterns of .dockerignore, in their order."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def is_ignored(path: str, rules: list[str]) -> bool:
    """Whether a file stays out of the image. The last rule that matches it, or a folder above it, decides."""
    parts = path.split("/")
    heads = ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]
    ignored = False
    for rule in rules:
        pattern = rule.removeprefix("!")
        if any(matches_rule(head, pattern) for head in heads):
            ignored = not rule.startswith("!")
    return ignored


def matches_rule(path: str, pattern: str) -> bool:
    """Whether the rule names this path: `**/` stands for folders at any depth, `*` for anything within a name."""
    if pattern.startswith("**/"):
        return fnmatch.fnmatchcase(path.rpartition("/")[2], pattern.removeprefix("**/"))
    return path.count("/") == pattern.count("/") and fnmatch.fnmatchcase(path, pattern)


def copy_context(target: Path) -> None:
    """Copies what a builder would get, adds the page's script, and takes the rights to write."""
    rules = read_ignore_rules()
    for folder, folders, files in os.walk(ROOT):
        place = Path(folder).relative_to(ROOT)
        if place == Path():
            folders[:] = [name for name in folders if not is_ignored(name, rules)]
        for name in files:
            path = place / name
            if not is_ignored(path.as_posix(), rules):
                (target / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / path, target / path)
    own_script = target / HTMX_FILE.relative_to(ROOT)
    if HTMX_FILE.is_file():
        own_script.parent.mkdir()
        shutil.copyfile(HTMX_FILE, own_script)
    fetch_htmx(own_script)  # as the Dockerfile does; checks the pinned hash, and downloads what is not there
    for path in [target, *target.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)


# Another user, who may read everything (the interpreter may be in root's home) and write nowhere but in the home.
AS_NOBODY = [
    "setpriv",
    "--reuid=nobody",
    "--regid=nogroup",
    "--clear-groups",
    "--no-new-privs",
    "--inh-caps=+dac_read_search",
    "--ambient-caps=+dac_read_search",
]


def can_leave_root() -> bool:
    """Whether we are not root, or root that may become somebody else."""
    if os.geteuid() != 0:
        return True
    return bool(shutil.which("setpriv")) and not subprocess.run([*AS_NOBODY, "true"], check=False).returncode


def build_command(python: str, *arguments: str) -> list[str]:
    """The command as it is run by a user without rights."""
    return [*(AS_NOBODY if os.geteuid() == 0 else []), python, *arguments]


def build_environment(home: Path, port: int) -> dict[str, str]:
    """The variables of the image and no others: no HOME, no PYTHONPATH."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "MOVIEREC_HOME": str(home),
        "MOVIEREC_LISTEN_HOST": "0.0.0.0",  # noqa: S104  as in a container
        "MOVIEREC_WEB_PORT": str(port),
        "DAGSTER_HOME": str(home / "dagster"),
    }


@contextmanager
def make_folders() -> Iterator[tuple[Path, Path]]:
    """A read-only copy of the code, and an empty home that belongs to the user that serves."""
    base = Path(tempfile.mkdtemp(prefix="image-", dir="/tmp"))  # others cannot enter pytest's folders
    base.chmod(0o755)
    try:
        code, home = base / "app", base / "data"
        code.mkdir()
        home.mkdir(mode=0o750)
        copy_context(code)
        if os.geteuid() == 0:
            shutil.chown(home, "nobody")
        yield code, home
    finally:
        for folder in (path for path in base.rglob("*") if path.is_dir() and not path.is_symlink()):
            folder.chmod(0o755)
        shutil.rmtree(base)


def probe(python: str, code: Path, environment: dict[str, str], path: str = "/health/live") -> int:
    """The exit code of the image's health check."""
    command = build_command(python, "-m", "assets.commands.health_probe", environment["MOVIEREC_WEB_PORT"], path)
    done = subprocess.run(command, cwd=code, env=environment, capture_output=True, check=False)
    return done.returncode


@contextmanager
def serve_site(python: str, code: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """The site in a process of its own, once the health check succeeds; killed at the end if it still lives."""
    command = build_command(python, "-m", "serving.server")
    with subprocess.Popen(
        command,
        cwd=code,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            end = time.monotonic() + 120
            while probe(python, code, environment):
                assert process.poll() is None, process.communicate()[0]
                assert time.monotonic() < end, "the health check did not succeed within two minutes"
                time.sleep(0.5)
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def stop_in_time(process: subprocess.Popen[str], seconds: float) -> tuple[str, float]:
    """Sends SIGTERM as `docker stop` does; what the site has printed, and how many seconds it took to end."""
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    printed, _ = process.communicate(timeout=seconds)
    return printed, time.monotonic() - started


def main() -> int:
    """Installs the packages of the lock into a new environment, takes every step, and prints what was seen."""
    with make_folders() as (code, home):
        venv = home.parent / "venv"
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        options = [
            "--no-cache-dir",
            "--disable-pip-version-check",
            "--only-binary=:all:",
            "--require-hashes",
            "--no-deps",
        ]
        command = [str(venv / "bin" / "pip"), "install", "--quiet", *options, "-r", "requirements.lock"]
        subprocess.run(command, cwd=code, check=True)
        python = str(venv / "bin" / "python")
        environment = build_environment(home, find_free_port())
        with serve_site(python, code, environment) as process:
            printed, seconds = stop_in_time(process, 30)
    sys.stdout.write(f"{printed}installed, served, healthy; ended {seconds:.1f} s after SIGTERM\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

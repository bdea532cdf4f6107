"""The script from the wheel: pinned, checked, written whole or not at all."""

import hashlib
import subprocess
import zipfile
from pathlib import Path

import pytest

from assets.commands import fetch_htmx
from assets.commands.fetch_htmx import VendorError
from movierec.settings import ROOT

SCRIPT = b"/* htmx */"
PATH_IN_WHEEL = "django_htmx/static/django_htmx/htmx-2.min.js"


class Pip:
    """Plays `pip download`: puts a wheel into the folder asked for."""

    def __init__(self, files: dict[str, bytes], *, says: str = "") -> None:
        self.files, self.says = files, says
        self.calls: list[list[str]] = []
        self.requirements = ""

    def __call__(self, arguments: list[str]) -> subprocess.CompletedProcess[str]:
        self.calls.append(arguments)
        self.requirements = Path(arguments[arguments.index("-r") + 1]).read_text()
        if self.says:
            return subprocess.CompletedProcess(arguments, 1, "", self.says)
        with zipfile.ZipFile(Path(arguments[arguments.index("-d") + 1]) / "x.whl", "w") as wheel:
            for name, content in self.files.items():
                wheel.writestr(name, content)
        return subprocess.CompletedProcess(arguments, 0, "", "")


@pytest.fixture(autouse=True)
def pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch_htmx, "SCRIPT_SHA256", hashlib.sha256(SCRIPT).hexdigest())


def test_the_script_is_taken_from_the_wheel(tmp_path: Path) -> None:
    target = tmp_path / "static" / "htmx.min.js"
    assert fetch_htmx.fetch_htmx(
        target, Pip({PATH_IN_WHEEL: SCRIPT, "django_htmx/static/django_htmx/htmx-4.min.js": b"4"})
    )
    assert target.read_bytes() == SCRIPT
    assert list(target.parent.iterdir()) == [target]


def test_pip_checks_the_hash_of_the_wheel(tmp_path: Path) -> None:
    pip = Pip({PATH_IN_WHEEL: SCRIPT})
    fetch_htmx.fetch_htmx(tmp_path / "htmx.min.js", pip)
    assert pip.requirements == f"{fetch_htmx.WHEEL} --hash=sha256:{fetch_htmx.WHEEL_SHA256}\n"
    assert {"--require-hashes", "--no-deps", "--only-binary=:all:"} <= set(pip.calls[0])


def test_a_script_that_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    target = tmp_path / "htmx.min.js"
    target.write_bytes(SCRIPT)
    pip = Pip({})
    assert not fetch_htmx.fetch_htmx(target, pip)
    assert pip.calls == []


def test_a_script_that_was_changed_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "htmx.min.js"
    target.write_bytes(b"half a scr")
    assert fetch_htmx.fetch_htmx(target, Pip({PATH_IN_WHEEL: SCRIPT}))
    assert target.read_bytes() == SCRIPT


@pytest.mark.parametrize(
    ("pip", "message"),
    [
        (Pip({}, says="Retrying\nERROR: No matching distribution found"), "No matching distribution.*\n.*make setup"),
        (Pip({PATH_IN_WHEEL: b"another"}), "has sha256"),
        (Pip({"django_htmx/other.js": SCRIPT}), "has no htmx-2.min.js"),
    ],
    ids=["no registry", "another script", "no script"],
)
def test_what_cannot_be_had_is_said_and_nothing_is_written(tmp_path: Path, pip: Pip, message: str) -> None:
    target = tmp_path / "htmx.min.js"
    with pytest.raises(VendorError, match=message):
        fetch_htmx.fetch_htmx(target, pip)
    assert not target.exists()


def test_the_script_is_written_where_the_site_and_the_makefile_look_for_it():
    from serving.app import HTMX_FILE

    assert fetch_htmx.HTMX_FILE == HTMX_FILE
    makefile = (ROOT / "Makefile").read_text()
    assert f"HTMX := {HTMX_FILE.relative_to(ROOT).as_posix()}\n" in makefile

"""Fetches the page's one third-party script, htmx, from a pinned wheel: `python -m assets.commands.fetch_htmx`."""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

WHEEL = "django-htmx==1.29.0"
WHEEL_SHA256 = "0ec5be1645ed71e6787bd75e0250624f00274ac3bb1730f07b6629a95688929b"
SCRIPT = "htmx-2.min.js"
SCRIPT_SHA256 = "71ea67185bfa8c98c39d31717c6fce5d852370fcdfd129db4543774d3145c0de"
TARGET = Path(__file__).parents[1] / "static" / "vendor" / "htmx.min.js"

Run = Callable[[list[str]], subprocess.CompletedProcess[str]]


class VendorError(RuntimeError):
    """The script could not be had, or is not the one that was pinned."""


def run_pip(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """pip of this interpreter, with the index it is configured for."""
    return subprocess.run([sys.executable, "-m", "pip", *arguments], capture_output=True, text=True, check=False)


def vendor(target: Path = TARGET, run: Run = run_pip) -> bool:
    """Puts the pinned script at `target`; False where it stands there already."""
    if target.is_file() and _sha256(target.read_bytes()) == SCRIPT_SHA256:
        return False
    with tempfile.TemporaryDirectory() as folder:
        script = script_of(download(Path(folder), run))
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    part.write_bytes(script)
    part.replace(target)
    return True


def download(folder: Path, run: Run) -> Path:
    """The wheel, its hash checked by pip."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{WHEEL} --hash=sha256:{WHEEL_SHA256}\n")
    options = ["--quiet", "--no-input", "--disable-pip-version-check", "--only-binary=:all:", "--no-deps"]
    done = run(["download", *options, "--require-hashes", "-r", str(requirements), "-d", str(folder)])
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        said = (done.stderr or done.stdout or "pip said nothing").strip().splitlines()[-1]
        raise VendorError(
            f"cannot download {WHEEL}: {said}\n"
            "Check the network and the index that pip is configured for, then run `make setup` again."
        )
    return wheels[0]


def script_of(wheel: Path) -> bytes:
    """The pinned script out of the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.endswith(f"/{SCRIPT}")]
        if len(names) != 1:
            raise VendorError(f"{wheel.name} has {names or 'no'} {SCRIPT}, wanted one: check the pin in {__file__}")
        script = archive.read(names[0])
    if _sha256(script) != SCRIPT_SHA256:
        raise VendorError(f"{SCRIPT} of {wheel.name} has sha256 {_sha256(script)}, pinned is {SCRIPT_SHA256}")
    return script


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    try:
        written = vendor()
    except VendorError as error:
        sys.exit(str(error))
    sys.stdout.write(f"{TARGET.name}: {'fetched' if written else 'up to date'}\n")

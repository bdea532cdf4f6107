"""Installs htmx, the only third-party script of the pages, from a pinned wheel."""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from movierec.bundles.atomic_write import atomic_write
from movierec.settings import ROOT

WHEEL = "django-htmx==1.29.0"
WHEEL_SHA256 = "0ec5be1645ed71e6787bd75e0250624f00274ac3bb1730f07b6629a95688929b"
SCRIPT_NAME = "htmx-2.min.js"
SCRIPT_SHA256 = "71ea67185bfa8c98c39d31717c6fce5d852370fcdfd129db4543774d3145c0de"
HTMX_FILE = ROOT / "serving" / "static" / "vendor" / "htmx.min.js"

RunPip = Callable[[list[str]], subprocess.CompletedProcess[str]]


class VendorError(RuntimeError):
    """The script could not be downloaded, or differs from the pinned one."""


def run_pip(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """Runs pip of this interpreter with its configured index."""
    return subprocess.run([sys.executable, "-m", "pip", *arguments], capture_output=True, text=True, check=False)


def fetch_htmx(target: Path = HTMX_FILE, run_pip_command: RunPip = run_pip) -> bool:
    """Writes the pinned script to `target`; False if it is there already. Raises VendorError."""
    if target.is_file() and _sha256(target.read_bytes()) == SCRIPT_SHA256:
        return False
    with tempfile.TemporaryDirectory() as folder:
        script = extract_script(download_wheel(Path(folder), run_pip_command))
    with atomic_write(target) as part:
        part.write_bytes(script)
    return True


def download_wheel(folder: Path, run_pip_command: RunPip) -> Path:
    """Downloads the wheel; pip checks its hash. Raises VendorError."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{WHEEL} --hash=sha256:{WHEEL_SHA256}\n")
    options = ["--quiet", "--no-input", "--disable-pip-version-check", "--only-binary=:all:", "--no-deps"]
    done = run_pip_command(["download", *options, "--require-hashes", "-r", str(requirements), "-d", str(folder)])
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        said = (done.stderr or done.stdout or "pip said nothing").strip().splitlines()[-1]
        raise VendorError(
            f"cannot download {WHEEL}: {said}\n"
            "Check the network and the index that pip is configured for, then run `make setup` again."
        )
    return wheels[0]


def extract_script(wheel: Path) -> bytes:
    """The pinned script from the wheel. Raises VendorError if it is missing or its hash differs."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.endswith(f"/{SCRIPT_NAME}")]
        if len(names) != 1:
            raise VendorError(
                f"{wheel.name} has {names or 'no'} {SCRIPT_NAME}, wanted one: check the pin in {__file__}"
            )
        script = archive.read(names[0])
    if _sha256(script) != SCRIPT_SHA256:
        raise VendorError(f"{SCRIPT_NAME} of {wheel.name} has sha256 {_sha256(script)}, pinned is {SCRIPT_SHA256}")
    return script


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    try:
        written = fetch_htmx()
    except VendorError as error:
        sys.exit(str(error))
    sys.stdout.write(f"{HTMX_FILE.name}: {'fetched' if written else 'up to date'}\n")

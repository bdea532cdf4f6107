"""What the commands over a sample have in common: the argument --sample, and the settings."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from movierec.data.sampling import SAMPLES
from movierec.settings import Settings


def parse_arguments(parser: ArgumentParser, arguments: Sequence[str] | None) -> tuple[Settings, Namespace]:
    """The settings and the arguments. A wrong setting ends the process with exit code 2, as a wrong argument does."""
    parser.add_argument("--sample", choices=SAMPLES, default="full")
    given = parser.parse_args(arguments)
    return Settings.from_environment_or_exit(), given

"""What is stored in place of a model that could not be fitted."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

_FILE = "unfitted.json"


@dataclass(frozen=True)
class UnfittedModel:
    """The name of a model that is missing, and the reason. Only models that the site does not serve may be missing."""

    name: str
    reason: str

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _FILE).write_text(json.dumps(asdict(self)))

    @classmethod
    def is_stored_in(cls, folder: Path) -> bool:
        return (folder / _FILE).is_file()

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(**json.loads((folder / _FILE).read_text()))

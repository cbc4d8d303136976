"""A PostgreSQL for one benchmark: made new, migrated, and gone afterwards."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.conditions import ROOT
from db.embedded import EmbeddedPostgres, default_data_dir
from db.embedded_binaries import make_folders
from db.migrate import migrate

# The server's user, who may be another, has to get through to its data.
FOLDER_MODE = 0o755


@contextmanager
def bench_database() -> Iterator[tuple[str, Path]]:
    """Yield the owner's URL of an empty, migrated database, and a folder that goes with it."""
    with bench_folder() as folder, EmbeddedPostgres(folder / "database") as owner_url:
        migrate(owner_url)
        yield owner_url, folder


@contextmanager
def bench_folder() -> Iterator[Path]:
    """Yield an empty folder that a database may be made in; it goes when the block ends."""
    parent = default_data_dir(ROOT)
    make_folders(parent)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=parent) as name:
        folder = Path(name)
        folder.chmod(FOLDER_MODE)
        yield folder


def load_test_catalogue(folder: Path, *, all_default: bool = False) -> Path:
    """Write the load-test catalogue (500 goals, 100 or all given by default) into `folder`."""
    path = folder / "challenges.json"
    flags = ["--all-default"] if all_default else []
    with path.open("wb") as file:
        subprocess.run(
            [sys.executable, "-m", "app", "catalogue", "generate", *flags],
            cwd=ROOT,
            stdout=file,
            check=True,
        )
    return path

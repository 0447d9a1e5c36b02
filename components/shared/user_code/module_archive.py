"""A user's module in one file: a zip archive of its closure, named by its content.

    <folder>/<16 digits of the fingerprint>/<module>.zip

The name changes exactly when the module, or any code or file of the user's that it needs, does:
so a step's key, KFP's on a cluster too, sees every change. The archive's comment is the name under
which the module is imported.
"""

import argparse
import json
import sys
import zipfile
from pathlib import Path

from kanaria.components.shared.errors import KanariaError, UserCodeError, shown
from kanaria.components.shared.storage import atomic
from kanaria.components.shared.user_code import module_closure
from kanaria.components.shared.user_code.module_closure import Closure

ENDING = ".zip"
DIGITS = 16
OLDEST = (1980, 1, 1, 0, 0, 0)
"""The first time that a zip archive knows; equal contents give equal archives."""


def relative_name(closure: Closure) -> str:
    """Return where a closure's archive lies below the folder of published files."""
    return f"{closure.fingerprint[:DIGITS]}/{closure.entry.rpartition('.')[2]}{ENDING}"


def write(closure: Closure, target: Path) -> None:
    """Write the archive of a closure, whole or not at all."""
    with atomic.published(target) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        archive.comment = closure.entry.encode()
        for name, content in sorted(closure.files.items()):
            archive.writestr(zipfile.ZipInfo(name, OLDEST), content)


def extract(path: Path, folder: Path) -> str:
    """Extract an archive into `folder`; return the name to import with that folder on the path.

    Raises:
        UserCodeError: it is no such archive.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
            return archive.comment.decode()
    except zipfile.BadZipFile as error:
        raise UserCodeError(
            f"module_file={shown(str(path))}: no archive of a module; publish it again"
        ) from error


def main() -> None:
    """Publish a module as this interpreter sees it; print its fingerprint and where it lies.

    The local runner calls this in a step's own runtime, which knows what is installed there.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("module")
    parser.add_argument("--folder", default="")
    options = parser.parse_args()
    try:
        closure = (
            module_closure.of_file(Path(options.module), whole=True)
            if options.module.endswith(".py")
            else module_closure.of_name(options.module, whole=True)
        )
        target = Path(options.folder) / relative_name(closure) if options.folder else None
        if target and not closure.is_installed:
            write(closure, target)  # Also over one that is there: it may be damaged.
    except KanariaError as error:
        sys.exit(str(error))
    published = "" if closure.is_installed or not target else str(target.resolve())
    sys.stdout.write(json.dumps({"fingerprint": closure.fingerprint, "archive": published}))


if __name__ == "__main__":
    main()

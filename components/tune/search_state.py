"""What of a search has ended, as one file that is whole or is not there.

KerasTuner writes its own files in place, so a kill may leave half of one, and a tuner made with
`overwrite=True` begins by removing all. So after every trial their content goes into
`<folder>/search.json`, with the key of the search. A search of the same key begins with them.

    <folder>/trials/       fn_args.working_dir: KerasTuner's project, and the user's logs
    <folder>/previous/     the one of a search that was killed, until what has ended is taken over
    <folder>/search.json
"""

import json
import logging
import shutil
from pathlib import Path
from typing import Any

from kanaria.components.shared.artifacts.document_format import DocumentFormat, NewerFormatError
from kanaria.components.shared.errors import DataError
from kanaria.components.shared.storage import atomic

logger = logging.getLogger(__name__)
FILE = "search.json"
TRIALS = "trials"
PREVIOUS = "previous"
FORMAT = DocumentFormat()
"""Of search.json."""


class SearchState:
    """The state of one search in its folder."""

    def __init__(self, folder: Path, key: str) -> None:
        """Take the folder, and what names all that decides how the search ends."""
        self._folder, self._key = folder, key

    @property
    def working(self) -> Path:
        """What `fn_args.working_dir` is."""
        return self._folder / TRIALS

    def begin(self) -> bool:
        """Make the working folder, empty; return whether an equal search left trials to take over.

        Raises:
            NewerFormatError: a newer Kanaria wrote the file.
        """
        previous = self._folder / PREVIOUS
        is_equal = bool(self._files())
        if not is_equal:
            atomic.remove(previous)
            atomic.remove(self._folder / FILE)
            atomic.remove(self.working)
        elif previous.exists():  # A kill came before all was taken over.
            atomic.remove(self.working)
        elif self.working.exists():
            self.working.rename(previous)
        self.working.mkdir(parents=True)
        return is_equal

    def _files(self) -> dict[str, str]:
        """Return path below a project -> content of KerasTuner's files; none of another search."""
        path = self._folder / FILE
        if not path.is_file():
            return {}
        try:
            document = FORMAT.current(json.loads(path.read_text(encoding="utf-8")), str(path))
            files: dict[str, str] = document["files"]
            key = document["key"]
        except NewerFormatError:
            raise
        except (DataError, ValueError, KeyError) as error:
            logger.warning("%s is damaged (%s): the search begins anew.", path, error)
            return {}
        if key != self._key:
            logger.warning("%s: of other data, code or parameters: the search begins anew.", path)
            return {}
        return files

    def take_over(self, tuner: Any) -> None:
        """Let the tuner go on from the trials that had ended; `begin` returned True."""
        project, files = Path(tuner.project_dir), self._files()
        previous = self._folder / PREVIOUS
        if previous.exists():
            atomic.remove(project)
            shutil.copytree(previous, self.working, dirs_exist_ok=True)
        started = {Path(name).parts[0] for name in files}
        for path in project.glob("*"):
            if path.name not in started:
                atomic.remove(path)
        for name, content in files.items():
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            (project / name).write_text(content, encoding="utf-8")
        tuner.reload()
        discarded = self._folder / f"{PREVIOUS}.discarded"
        atomic.remove(discarded)
        if previous.exists():
            previous.rename(discarded)
        atomic.remove(discarded)

    def write(self, tuner: Any) -> None:
        """Keep what has ended by now."""
        tuner.save()
        project = Path(tuner.project_dir)
        paths = sorted([*project.glob("*.json"), *project.glob("trial_*/trial.json")])
        files = {str(path.relative_to(project)): path.read_text("utf-8") for path in paths}
        text = json.dumps(FORMAT.numbered({"key": self._key, "files": files}))
        atomic.write_text(self._folder / FILE, text)

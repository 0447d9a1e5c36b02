"""A module's code is what it imports of the user's own, found as Python would find it."""

import subprocess
import sys
from pathlib import Path

import pytest

from kanaria.components.shared.errors import UserCodeError
from kanaria.components.shared.user_code import module_closure, user_module


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working folder holds nothing, unless a test says so."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")


def written(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def names(path: Path, *, whole: bool = False) -> set[str]:
    return set(module_closure.of_file(path, whole=whole).files)


SHAPES = {
    "a helper of a helper": (
        "m.py",
        {"m.py": "import one", "one.py": "import two", "two.py": "X = 1"},
        {"m.py", "one.py", "two.py"},
        "two.py",
    ),
    "a module of a package, with the packages around it": (
        "m.py",
        {"m.py": "from pkg.sub import x", "pkg/__init__.py": "", "pkg/sub/__init__.py": ""}
        | {"pkg/sub/x.py": "X = 1", "pkg/other.py": "X = 1"},
        {"m.py", "pkg/__init__.py", "pkg/sub/__init__.py", "pkg/sub/x.py"},
        "pkg/sub/x.py",
    ),
    "relative imports": (
        "pkg/deep/m.py",
        {"pkg/deep/m.py": "from . import a\nfrom ..b import B", "pkg/deep/a.py": ""}
        | {"pkg/b.py": "B = 1", "pkg/__init__.py": "import pkg.c", "pkg/c.py": ""}
        | {"pkg/deep/__init__.py": ""},
        {"pkg/__init__.py", "pkg/b.py", "pkg/c.py"}
        | {"pkg/deep/__init__.py", "pkg/deep/m.py", "pkg/deep/a.py"},
        "pkg/c.py",
    ),
    "relative imports without __init__.py": (
        "pkg/m.py",
        {"pkg/m.py": "from .a import A", "pkg/a.py": "A = 1"},
        {"pkg/m.py", "pkg/a.py"},
        "pkg/a.py",
    ),
    "namespace packages": (
        "m.py",
        {"m.py": "import space.a\nfrom space.deep import b", "space/a.py": "X = 1"}
        | {"space/deep/b.py": "X = 1"},
        {"m.py", "space/a.py", "space/deep/b.py"},
        "space/deep/b.py",
    ),
    "the folder that the module itself lies in, by its name": (
        "models/m.py",
        {"models/m.py": "from models.a import A", "models/a.py": "A = 1"},
        {"m.py", "models/a.py"},
        "models/a.py",
    ),
    "a circle": (
        "m.py",
        {"m.py": "A = 1\nimport one\n", "one.py": "from m import A"},
        {"m.py", "one.py"},
        "one.py",
    ),
    "an import in a function, and one by a constant name": (
        "m.py",
        {"m.py": "import importlib\ndef f():\n    import a\n    importlib.import_module('b')\n"}
        | {"a.py": "X = 1", "b.py": "X = 1", "c.py": ""},
        {"m.py", "a.py", "b.py"},
        "b.py",
    ),
    "a package that imports all that lies in its folder": (
        "m.py",
        {"m.py": "import pkg", "pkg/a.py": "X = 1", "pkg/deep/b.py": "import c", "c.py": ""}
        | {"pkg/__init__.py": "import pkgutil\nN = list(pkgutil.walk_packages(__path__))"}
        | {"pkg/words.txt": "", "pkg/.hidden": "", "other.py": ""},
        {"m.py", "c.py", "pkg/__init__.py", "pkg/a.py", "pkg/deep/b.py", "pkg/words.txt"},
        "pkg/a.py",
    ),
    "a package whose modules another one lists": (
        "m.py",
        {"m.py": "import pkgutil, pkg\nN = list(pkgutil.iter_modules(pkg.__path__))"}
        | {"pkg/__init__.py": "", "pkg/a.py": "X = 1"},
        {"m.py", "pkg/__init__.py", "pkg/a.py"},
        "pkg/a.py",
    ),
    "files found by a pattern": (
        "m.py",
        {
            "m.py": "from pathlib import Path\nHERE = Path(__file__).parent\nQ = HERE / 'sql'\n"
            "def f():\n    return sorted(Q.glob('*.sql'))"
        }
        | {"sql/a.sql": "", "sql/b/c.sql": "", "sibling.py": "", "away/d.sql": ""},
        {"m.py", "sibling.py", "sql/a.sql", "sql/b/c.sql"},
        "sql/b/c.sql",
    ),
    "files found by a pattern elsewhere": (
        "m.py",
        {"m.py": "import glob\nHERE = __file__\nfor name in glob.glob('/data/*'): pass"}
        | {"sibling.py": ""},
        {"m.py"},
        "m.py",
    ),
    "a copy of one of TFX's examples, in a checkout of TFX": (
        "tfx/examples/penguin/m.py",
        {"tfx/__init__.py": "import absent", "tfx/examples/__init__.py": "import absent"}
        | {"tfx/examples/penguin/__init__.py": "", "tfx/examples/penguin/base.py": "X = 1"}
        | {"tfx/examples/penguin/m.py": "def f():\n    from tfx.examples.penguin import base"},
        {"m.py", "base.py"},
        "tfx/examples/penguin/base.py",
    ),
    "files that the source names": (
        "m.py",
        {"m.py": "import one", "one.py": "P = ('words.txt', 'data', 'more.csv', 'data/x.csv')"}
        | {"words.txt": "a", "data/more.csv": "1", "data/x.csv": "2", "data/other.csv": "3"},
        {"m.py", "one.py", "words.txt", "data/more.csv", "data/x.csv"},
        "data/more.csv",
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_what_a_module_imports_is_its_code_and_is_loaded_from_anywhere(tmp_path: Path, shape: str):
    entry, files, expected, changed = SHAPES[shape]
    written(tmp_path / "code", files)
    path = tmp_path / "code" / entry
    assert names(path, whole=True) == expected
    before = module_closure.of_file(path).fingerprint
    assert user_module.load(str(path)).__name__.rpartition(".")[2] == "m"
    (tmp_path / "code" / changed).write_text("X = A = B = 2\n")
    assert module_closure.of_file(path).fingerprint != before


def test_equal_code_elsewhere_is_the_same_and_what_is_not_imported_does_not_count(tmp_path: Path):
    for folder in ("a", "b"):
        written(tmp_path / folder, {"m.py": "import one", "one.py": "", f"{folder}.py": ""})
    prints = [module_closure.of_file(tmp_path / folder / "m.py").fingerprint for folder in "ab"]
    assert prints[0] == prints[1]


def test_a_module_that_a_helper_imports_by_its_package_is_one_module(tmp_path: Path):
    written(
        tmp_path,
        {"pkg/__init__.py": "", "pkg/m.py": "import pkg.one\ndef f(): return pkg.one.m is me()"}
        | {"pkg/one.py": "from pkg import m"},
    )
    with (tmp_path / "pkg/m.py").open("a") as file:
        file.write("\nimport sys\ndef me(): return sys.modules[__name__]\n")
    assert user_module.function(str(tmp_path / "pkg/m.py"), "f")()


def test_a_link_stands_for_its_target_and_finds_what_is_beside_either(tmp_path: Path):
    written(tmp_path, {"real/m.py": "import a, b", "real/a.py": "", "links/b.py": ""})
    (tmp_path / "links/m.py").symlink_to(tmp_path / "real/m.py")
    assert names(tmp_path / "links/m.py", whole=True) == {"m.py", "a.py", "b.py"}


def test_a_module_named_like_an_installed_one_hides_none(tmp_path: Path):
    written(tmp_path, {"statistics.py": "import statistics\ndef f(): return statistics.mean([4])"})
    assert user_module.function(str(tmp_path / "statistics.py"), "f")() == 4


@pytest.mark.parametrize("name", ["statistics", "yaml"])
def test_a_helper_named_like_a_standard_or_an_installed_module_is_refused(
    tmp_path: Path, name: str
):
    written(tmp_path, {"m.py": f"import os\nimport {name}", f"{name}.py": ""})
    with pytest.raises(UserCodeError, match=rf"m\.py:2: .*{name}\.py has the name .* rename it"):
        names(tmp_path / "m.py")


FAULTS = {
    "import absent": r"m\.py:1: there is no module absent; put it beside the module, or name",
    "import one": r"one\.py:1: there is no module absent",
    "import broken": r"broken\.py:1: invalid syntax in 'def f\(:'",
    "from .absent import x": r"m\.py:1: there is no module .*\.absent",
    "from two import x\nimport two.x": r"m\.py:2: there is no module two\.x",
    "x = (": r"m\.py:1: '\(' was never closed",
    "return": r"m\.py:1: 'return' outside function",
    "\0": "null bytes",
}


@pytest.mark.parametrize("text", FAULTS)
def test_what_cannot_be_imported_is_found_without_importing(tmp_path: Path, text: str):
    helpers = {"one.py": "import absent", "broken.py": "def f(:", "two.py": "x = 1"}
    written(tmp_path, {"m.py": text, **helpers})
    with pytest.raises(UserCodeError, match=FAULTS[text]):
        names(tmp_path / "m.py", whole=True)


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    import absent\nexcept ImportError:\n    absent = None",
        "def f():\n    import absent",
        "import sys\nif sys.platform == 'win32':\n    import absent",
        "from one import anything",
        "import sys\nsys.path.insert(0, '/there')\nimport absent",
        "try:\n    import needy\nexcept ImportError:\n    pass",
        "from __future__ import annotations\nimport os.path, xml.etree.ElementTree as tree",
        "import yaml, six.moves, google.protobuf.text_format",
        "from tfx import v1 as tfx\nfrom tfx.components.trainer.fn_args_utils import FnArgs",
        "# -*- coding: latin-1 -*-\nx = '\xe9'",
    ],
)
def test_what_may_work_is_not_refused(tmp_path: Path, text: str):
    written(tmp_path, {"one.py": "", "needy.py": "import absent"})
    (tmp_path / "m.py").write_text(text, encoding="latin-1")
    # As the runner asks: in a process of its own, where TFX's names may be put in place.
    command = [sys.executable, "-P", "-m", "kanaria.components.shared.user_code.module_archive"]
    done = subprocess.run([*command, tmp_path / "m.py"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_folder_with_much_data_that_is_listed_is_refused(tmp_path: Path):
    written(tmp_path, {"m.py": "import os\nN = os.listdir(os.path.dirname(__file__))"})
    with (tmp_path / "data.csv").open("wb") as file:
        file.truncate(65 << 20)
    with pytest.raises(UserCodeError, match=r"code lists this folder, and its 65 MiB would go"):
        names(tmp_path / "m.py")


def test_code_of_the_user_on_pythonpath_counts_and_installed_code_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    written(tmp_path, {"lib/team/__init__.py": "", "lib/team/a.py": "from team import b"})
    written(tmp_path, {"lib/team/b.py": "", "m.py": "import team.a, yaml"})
    monkeypatch.syspath_prepend(tmp_path / "lib")
    team = {"team/__init__.py", "team/a.py", "team/b.py"}
    assert names(tmp_path / "m.py") == {"m.py", *team}
    by_name = module_closure.of_name("team.a")
    assert set(by_name.files) == team
    assert not by_name.is_installed


def test_of_an_installed_module_its_own_package_counts():
    closure = module_closure.of_name("yaml.loader")
    assert closure.is_installed
    assert {"yaml/__init__.py", "yaml/loader.py", "yaml/scanner.py"} <= set(closure.files)


def test_a_module_in_the_working_folder_is_found_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    written(tmp_path, {"src/m.py": "import common, yaml", "common.py": "", "yaml.py": ""})
    monkeypatch.chdir(tmp_path)
    assert names(tmp_path / "src/m.py") == {"m.py", "common.py"}

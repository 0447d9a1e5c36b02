"""A module that is put off is imported at its first use, and is then the one module of its name."""

import importlib
import pickle
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest

from kanaria.components.shared.imports import lazy

SOURCES = {
    "heavy/__init__.py": "from heavy.base import Base\nLIMIT = 7\nclass Frame: pass\n",
    "heavy/base.py": "class Base:\n    kind = 'real'\n",
    "heavy/fine.py": "VALUE = 3\n",
    "heavy_io.py": "__all__ = ['Reader']\nclass Reader: pass\nhidden = 1\n",
    "registered.py": "",
    "light/__init__.py": "from heavy_io import *\n",
    "light/plain.py": (
        "import heavy\nimport heavy.fine\nfrom heavy import Frame\n"
        "def frame(of: Frame | None = None) -> heavy.Frame: return heavy.Frame()\n"
        "def is_frame(value): return isinstance(value, (int, Frame))\n"
    ),
    "light/deriving.py": "from heavy import Base\nclass Mine(Base): pass\n",
    "light/counting.py": "import heavy\nclass Sized: size = heavy.LIMIT\n",
    "light/absent.py": "try:\n    import nowhere\nexcept ImportError:\n    nowhere = None\n",
    "light/companion.py": "import sys\nsys.companions = getattr(sys, 'companions', 0) + 1\n",
}
PLAN = lazy.Plan(
    modules=("heavy", "heavy_io", "nowhere"),
    names={"heavy": ("Frame", "Base")},
    constants={"heavy": {"LIMIT": 7}},
    exported={"heavy_io": "light"},
    followers={"heavy": "light.companion"},
)


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable]:
    """Import modules with those of the plan put off."""
    for name, text in SOURCES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    finders, modules_before = list(sys.meta_path), set(sys.modules)

    def load(*names: str) -> list:
        with lazy.deferred(PLAN):
            return [importlib.import_module(name) for name in names]

    yield load
    sys.meta_path[:] = finders
    for name in set(sys.modules) - modules_before:
        del sys.modules[name]
    if hasattr(sys, "companions"):
        del sys.companions


def test_a_module_that_is_only_named_is_not_imported(imported):
    imported("light.plain")
    assert not [name for name in sys.modules if name.startswith("heavy")]


def test_the_first_use_imports_it_and_all_see_one_module(imported):
    (plain,) = imported("light.plain")
    made = plain.frame()
    import heavy

    assert isinstance(made, heavy.Frame)
    assert type(heavy) is type(sys)
    assert plain.heavy.fine.VALUE == 3
    assert dir(plain.heavy) == dir(heavy)


def test_a_name_that_was_put_off_is_asked_as_the_class_it_stands_for(imported):
    (plain,) = imported("light.plain")
    assert not plain.is_frame("text")
    assert plain.is_frame(plain.frame())
    assert plain.is_frame(plain.Frame())


def test_a_class_derives_from_the_real_one(imported):
    (deriving,) = imported("light.deriving")
    assert deriving.Mine.kind == "real"
    assert sys.modules["heavy"].Base in deriving.Mine.__mro__


def test_a_constant_is_taken_without_the_module(imported):
    (counting,) = imported("light.counting")
    assert counting.Sized.size == 7
    assert "heavy" not in sys.modules


def test_a_package_finds_exported_names_when_they_are_asked(imported):
    (light,) = imported("light")
    assert "heavy_io" not in sys.modules
    assert light.Reader is sys.modules["heavy_io"].Reader
    with pytest.raises(AttributeError, match="light"):
        light.hidden  # noqa: B018


def test_what_is_not_installed_is_missed_as_ever(imported):
    (absent,) = imported("light.absent")
    assert absent.nowhere is None


@pytest.mark.parametrize("before", [True, False])
def test_a_follower_comes_after_its_module(imported, before: bool):
    if before:
        import heavy
    imported("light")
    assert before == hasattr(sys, "companions")
    import heavy  # noqa: F401

    assert sys.companions == 1


def test_who_looks_through_all_modules_imports_none(imported):
    (plain,) = imported("light.plain")
    assert not hasattr(plain.heavy, "__warningregistry__")
    assert "heavy" not in sys.modules


def test_both_stand_ins_travel_as_what_they_stand_for(imported):
    (plain,) = imported("light.plain")
    module, frame = pickle.loads(pickle.dumps((plain.heavy, plain.Frame)))
    assert module is sys.modules["heavy"]
    assert frame is module.Frame


def test_what_was_there_before_is_not_put_off(imported):
    import heavy

    (plain,) = imported("light.plain")
    assert plain.heavy is heavy


def test_what_is_set_or_deleted_is_so_on_the_module(imported):
    (plain,) = imported("light.plain")
    with mock.patch.object(plain.heavy, "LIMIT", 8):
        assert sys.modules["heavy"].LIMIT == 8
    assert sys.modules["heavy"].LIMIT == 7

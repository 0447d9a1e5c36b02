"""One contract for every component folder."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from kanaria import components
from kanaria.components.shared.step_images import CONTROL_IMAGE, FEAST_IMAGE, TRAINING_IMAGE

ROOT = Path(__file__).parents[2]
IMAGES = {"training": TRAINING_IMAGE, "control": CONTROL_IMAGE, "feast": FEAST_IMAGE}

every_component = pytest.mark.parametrize("name", components.FOLDERS)


def folder_of(name: str) -> Path:
    return ROOT / "components" / components.FOLDERS[name]


def metadata_of(name: str) -> dict[str, object]:
    loaded = yaml.safe_load((folder_of(name) / "metadata.yaml").read_text())
    entries = loaded if isinstance(loaded, list) else [loaded]
    return next(entry for entry in entries if entry["name"] == name)


def compiled_source(name: str) -> ast.FunctionDef:
    tree = ast.parse((folder_of(name) / "component.py").read_text())
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name]
    return functions[0]


def test_every_folder_is_reached_by_a_component_name():
    folders = {path.parent.name for path in (ROOT / "components").glob("*/component.py")}
    assert folders == set(components.FOLDERS.values())


@every_component
def test_folder_holds_the_agreed_files(name: str):
    for file in ("__init__.py", "component.py", "metadata.yaml", "README.md", "tests"):
        assert (folder_of(name) / file).exists(), file


@every_component
def test_metadata_names_the_fields_and_the_image_agrees(name: str):
    metadata = metadata_of(name)
    assert set(metadata) == {"name", "stability", "runtime", "tags", "description"}
    container = getattr(components, name).component_spec.implementation.container
    assert container.image == IMAGES[str(metadata["runtime"])]


@every_component
def test_no_package_is_installed_at_run_time(name: str):
    container = getattr(components, name).component_spec.implementation.container
    assert "pip install" not in " ".join([*container.command, *container.args])


@every_component
def test_every_input_and_output_is_described(name: str):
    spec = getattr(components, name).component_spec
    for io_name, io_spec in {**(spec.inputs or {}), **(spec.outputs or {})}.items():
        if io_name != "Output":
            assert io_spec.description, f"{name}.{io_name} has no description"
    assert spec.description


@every_component
def test_body_is_a_thin_adapter(name: str):
    body = compiled_source(name).body[1:]  # The docstring comes first.
    assert sum(isinstance(node, ast.stmt) for part in body for node in ast.walk(part)) <= 10


def described(source: ast.FunctionDef) -> set[str]:
    """Return the artifacts whose metadata a component's body writes."""
    names = set()
    for node in ast.walk(source):
        if isinstance(node, ast.Attribute) and node.attr == "metadata":
            names |= {name.id for name in ast.walk(node.value) if isinstance(name, ast.Name)}
        if isinstance(node, ast.Call):
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
            if called in ("tell", "describe"):
                names |= {part.id for part in arguments if isinstance(part, ast.Name)}
    return names


@every_component
def test_every_artifact_gets_metadata_and_so_a_name_in_kfps_lists(name: str):
    outputs = getattr(components, name).component_spec.outputs or {}
    artifacts = {key for key, value in outputs.items() if str(value.type).startswith("system.")}
    assert artifacts - described(compiled_source(name)) == set()


@every_component
def test_component_module_imports_only_what_its_interface_needs(name: str):
    tree = ast.parse((folder_of(name) / "component.py").read_text())
    imported = {
        node.module for node in tree.body if isinstance(node, ast.ImportFrom) and node.module
    }
    # A component of several output values names them by a NamedTuple.
    assert imported <= {"kfp", "typing", "kanaria.components.shared.step_images"}


@every_component
def test_folder_init_is_only_a_docstring(name: str):
    # A step imports its folder while kfp has no decorators; code here would break it.
    tree = ast.parse((folder_of(name) / "__init__.py").read_text())
    assert len(tree.body) == 1
    assert ast.get_docstring(tree)


def test_importing_the_shared_layer_loads_no_kfp():
    code = "import sys, kanaria.components.shared.artifacts.outcome; sys.exit('kfp' in sys.modules)"
    assert subprocess.run([sys.executable, "-I", "-c", code]).returncode == 0


def test_readme_tables_are_up_to_date():
    script = ROOT / ".github/scripts/readme_tables.py"
    subprocess.run([sys.executable, script, "--check"], check=True)

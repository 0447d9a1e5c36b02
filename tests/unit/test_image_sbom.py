"""Bills of materials: of what is installed, and in the form that tools read."""

import json
import re
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / ".github/scripts"
UV = ROOT / ".venv/uv/bin/uv"
BILL = ("--format", "cyclonedx1.5", "--preview-features", "sbom-export")
DEBIAN = "libc6 2.36-9+deb12u9 amd64\nlibstdc++6 12.2.0-14 amd64\nadduser 1:3.134 all\n"


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def exported(*options: str) -> dict[str, Any]:
    command = [UV, "export", "--quiet", "--frozen", "--project", ROOT, *options, *BILL]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


def packages(bill: dict[str, Any]) -> set[tuple[str, str]]:
    return {(normal(one["name"]), one["version"]) for one in bill["components"]}


def bill_of(runtime: str, folder: Path) -> dict[str, Any]:
    """The bill of an image, made as the Dockerfile makes it."""
    python, debian, target = (folder / name for name in ("python.json", "debian.txt", "sbom.json"))
    debian.write_text(DEBIAN)
    export = ["sh", SCRIPTS / "runtime_packages.sh", UV, ROOT, runtime, *BILL]
    subprocess.run([*export, "--output-file", python], check=True, capture_output=True)
    made = [sys.executable, SCRIPTS / "image_sbom.py", runtime, "0.1.0", python, target, debian]
    subprocess.run(made, check=True)
    return json.loads(target.read_text())


def test_a_bill_names_what_the_environment_holds_and_no_more():
    line = re.search(r"call sync,serving,(.*?),(.*?),", (ROOT / "Makefile").read_text())
    assert line
    extras = [word for extra in line[1].split() for word in ("--extra", extra)]
    groups = [word for group in line[2].split() for word in ("--group", group)]
    cpu = ["--group", "serving-cpu", "--no-emit-package", "tensorflow"]
    bill = exported(*extras, *groups, *cpu)
    installed = {
        (normal(one.metadata["Name"]), one.version)
        for one in distributions(path=[sys.prefix + "/lib/python3.11/site-packages"])
    }
    # Kanaria and pip are not of the lock; tensorflow stands for tensorflow-cpu.
    locked = {one for one in installed if one[0] not in ("kanaria", "pip", "tensorflow")}
    assert packages(bill) <= locked
    # `make docs` adds what builds the site, and changes nothing.
    assert locked <= packages(exported(*extras, *groups, "--group", "docs", *cpu))


@pytest.mark.parametrize("runtime", ["training", "training-spark", "control"])
def test_an_images_bill_is_of_the_list_that_it_is_installed_from(runtime: str, tmp_path: Path):
    command = ["sh", SCRIPTS / "runtime_packages.sh", UV, ROOT, runtime]
    options = ["--no-emit-project", "--no-header", "--no-annotate", "--no-hashes"]
    text = subprocess.run([*command, *options], capture_output=True, text=True, check=True).stdout
    listed = {
        (normal(name), version)
        for name, version in re.findall(
            r"^([A-Za-z0-9._-]+)(?:\[.*?\])?==(\S+)", text, re.MULTILINE
        )
    }
    bill = bill_of(runtime, tmp_path)
    python = [one for one in bill["components"] if one["purl"].startswith("pkg:pypi/")]
    assert packages({"components": python}) == listed
    assert ("tensorflow", "2.16.2") not in listed
    assert ("pandas" in dict(listed)) == (runtime != "control")


def test_the_packages_of_the_base_have_package_urls_of_debian(tmp_path: Path):
    bill = bill_of("control", tmp_path)
    debian = [one["purl"] for one in bill["components"] if one["purl"].startswith("pkg:deb/")]
    assert debian == [
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u9?arch=amd64",
        "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14?arch=amd64",
        "pkg:deb/debian/adduser@1%3A3.134?arch=all",
    ]


def test_a_bill_is_of_the_form_that_tools_read_and_the_same_again(tmp_path: Path):
    bill = bill_of("control", tmp_path)
    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.5", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", bill["serialNumber"])
    assert bill["metadata"]["component"]["name"] == "kanaria-control"
    references = [one["bom-ref"] for one in bill["components"]]
    references.append(bill["metadata"]["component"]["bom-ref"])
    assert len(set(references)) == len(references)
    related = [(one["ref"], one.get("dependsOn", [])) for one in bill["dependencies"]]
    assert {ref for ref, _ in related} <= set(references)
    assert {ref for _, others in related for ref in others} <= set(references)
    assert len({ref for ref, _ in related}) == len(related)
    assert None not in [value for one in bill["components"] for value in one.values()]
    text = (tmp_path / "sbom.json").read_bytes()
    assert bill_of("control", tmp_path) == bill and (tmp_path / "sbom.json").read_bytes() == text

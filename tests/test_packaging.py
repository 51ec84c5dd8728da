"""What is shipped: a wheel that is complete, lock files that pin everything, licences."""

import email
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from governance import __version__

HOUSE = Path(__file__).parents[1]
PROJECT = tomllib.loads((HOUSE / "pyproject.toml").read_text())
DATA = ("policies", "report_templates")
NOT_OURS = {".openai-2", ".git", ".venv", "node_modules", "__pycache__", "data", "dist"}
REGISTRIES = re.compile(
    r"pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|deb\.debian\.org"
    r"|--(?:extra-)?index-url|--find[-]links|--trusted[-]host"
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without isolation: the build needs nothing from a network."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=HOUSE, check=True, capture_output=True)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """A folder with the wheel installed, without what it depends on."""
    target = wheel.parent / "installed"
    install = [sys.executable, "-m", "pip", "install", "-qq", "--no-index", "--no-deps"]
    subprocess.run([*install, "--target", str(target), str(wheel)], check=True)
    return target


def run(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed package from a folder that knows nothing of this checkout."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GOVERNANCE")}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=installed.parent,
        env={**kept, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )


def shipped(folder: Path) -> set[str]:
    """The files of a folder of this checkout that belong into a wheel."""
    return {
        path.relative_to(HOUSE).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


# The wheel


def test_the_wheel_holds_the_package_and_the_folders_that_people_edit(wheel: Path) -> None:
    data = {f"governance/_data/{name}" for folder in DATA for name in shipped(HOUSE / folder)}
    package = shipped(HOUSE / "governance")
    for part in ("evidence/schemas", "web/static", "web/templates"):
        assert any(name.startswith(f"governance/{part}/") for name in package)
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == data | package


def test_the_wheel_names_its_licence_its_command_and_its_version(wheel: Path) -> None:
    about = f"governance-{__version__}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        described = email.message_from_bytes(archive.read(f"{about}/METADATA"))
        commands = archive.read(f"{about}/entry_points.txt").decode()
        licence = archive.read(f"{about}/licenses/LICENSE")
    assert (described["Name"], described["Version"]) == ("governance", __version__)
    assert described["License-Expression"] == "Apache-2.0"
    assert licence == (HOUSE / "LICENSE").read_bytes()
    assert "governance = governance.cli:main" in commands


def test_the_installed_package_runs_away_from_the_checkout(installed: Path) -> None:
    version = run(installed, "-m", "governance", "--version")
    assert (version.returncode, version.stdout) == (0, f"governance {__version__}\n")
    policies = run(installed, "-m", "governance", "policies", "check")
    assert (policies.returncode, policies.stdout, policies.stderr) == (
        0,
        "policies: no faults\n",
        "",
    )


def test_the_installed_package_finds_its_own_data(installed: Path) -> None:
    program = """
from governance.kernel import settings
chosen = settings.load()
print(chosen.policies_dir, chosen.report_templates_dir, sep="\\n")
"""
    found = run(installed, "-c", program).stdout.splitlines()
    assert found == [str(installed / "governance" / "_data" / name) for name in DATA]


# Lock files


def requirements(name: str) -> list[str]:
    """The requirements of a lock file, each with its hashes, on one line."""
    text = (HOUSE / name).read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]


def locked(name: str) -> dict[str, str]:
    """Package by package, the version that a lock file pins; names without extras."""
    pinned = [re.split(r"==|\s", requirement, maxsplit=2) for requirement in requirements(name)]
    return {bare(package): version for package, version, _ in pinned}


def bare(name: str) -> str:
    """A package's name without extras."""
    return name.partition("[")[0]


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-test.lock"])
def test_every_locked_package_has_a_version_and_hashes(name: str) -> None:
    hashed = re.compile(r"[a-z0-9.-]+(\[[a-z,]+])?==\S+( ;.+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*")
    assert len(requirements(name)) > 40
    assert [entry for entry in requirements(name) if not hashed.fullmatch(entry)] == []


def test_tests_run_with_the_versions_that_the_service_runs_with() -> None:
    assert locked("requirements.lock").items() <= locked("requirements-test.lock").items()


def test_every_dependency_is_locked() -> None:
    asked = PROJECT["project"]
    assert {bare(name) for name in asked["dependencies"]} <= locked("requirements.lock").keys()
    tools = asked["optional-dependencies"]["test"]
    assert {bare(name) for name in tools} <= locked("requirements-test.lock").keys()


def test_the_build_uses_the_locked_builder() -> None:
    (builder,) = PROJECT["build-system"]["requires"]
    assert builder == f"hatchling=={locked('requirements-test.lock')['hatchling']}"


# The checkout


def test_no_file_names_a_package_registry() -> None:
    """Where packages come from is for the machine's own configuration to say."""
    named = [
        path.relative_to(HOUSE).as_posix()
        for path in ours()
        if REGISTRIES.search(path.read_bytes().decode("utf-8", "replace"))
    ]
    assert named == []


def test_every_font_comes_with_its_licence() -> None:
    folders = {path.parent for path in ours() if path.suffix in (".woff2", ".ttf", ".otf")}
    assert folders
    for folder in folders:
        licences = [path.read_text() for path in folder.glob("OFL*.txt")]
        assert licences
        assert all("SIL OPEN FONT LICENSE Version 1.1" in licence for licence in licences)


def ours() -> Iterator[Path]:
    """Every file of the checkout that is not made by a tool."""
    for folder, folders, names in os.walk(HOUSE):
        folders[:] = [n for n in folders if n not in NOT_OURS and not n.endswith("_cache")]
        folders[:] = [n for n in folders if n != ".hypothesis"]
        yield from (Path(folder, name) for name in names)

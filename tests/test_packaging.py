"""The wheel as a user gets it: built, installed outside the tree, and running a study with its packaged files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]
DATA = ("studies/*.toml", "scales/*.toml", "protocols/*.toml", "models/weights/**/*", "report/templates/*")
STUDY = """
question = "Does the wheel work?"
[labels]
votes = { teacher = "baseline", K = 2 }
[conditions]
baseline = { train = ["gold"] }
noisy-student = { train = ["gold", "labels.votes"] }
[primary]
noisy-helps = { a = "noisy-student", b = "baseline" }
[evaluation]
sampled_questions = 8
stop_questions = 8
"""
SIZES = ("data.labeled=40", "data.unlabeled=24", "data.test=24")  # by --set, since the lab's own win over a study's

pytestmark = pytest.mark.slow


def call(*command: str | Path, cwd: Path) -> str:
    """The output of a command that must succeed; its complaints are part of the failure."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, env=clean, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    pip = (sys.executable, "-m", "pip", "--quiet", "wheel", "--no-deps", "--no-build-isolation", "--no-index")
    call(*pip, "--wheel-dir", folder, ROOT, cwd=folder)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a fresh environment that holds the wheel."""
    home = tmp_path_factory.mktemp("home") / "venv"
    venv.create(home, with_pip=False, symlinks=True)
    bin_folder = home / "bin"
    pip = (sys.executable, "-m", "pip", "--quiet", "--python", bin_folder / "python")
    call(*pip, "install", "--no-deps", "--no-index", wheel, cwd=home)
    # The dependencies are those of the test environment, borrowed: torch alone would be downloaded and unpacked
    # a second time for minutes, and that they install is what `make test` has just shown. A .pth inside a borrowed
    # folder is not read, so the editable package stays out of sight.
    site = Path(sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)}))
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return bin_folder


def test_the_wheel_holds_the_package_with_its_data_and_nothing_else(wheel: Path) -> None:
    names = set(ZipFile(wheel).namelist())
    package = ROOT / "src" / "noisy_student"
    expected = {path for pattern in (*DATA, "**/*.py", "py.typed") for path in package.glob(pattern) if path.is_file()}
    assert {f"noisy_student/{path.relative_to(package)}" for path in expected} <= names
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"noisy_student"}
    assert [name for name in names if "__pycache__" in name] == []


def test_each_kind_of_packaged_file_exists() -> None:
    assert [pattern for pattern in DATA if not any((ROOT / "src" / "noisy_student").glob(pattern))] == []


def test_the_wheel_runs_a_study_away_from_the_tree(installed: Path, tmp_path: Path) -> None:
    where = call(installed / "python", "-c", "import noisy_student; print(noisy_student.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(installed.parent)
    (tmp_path / "small.toml").write_text(STUDY)
    sizes = [part for size in SIZES for part in ("--set", size)]
    results = json.loads(call(installed / "noisy-student", "run", "./small.toml", "--json", *sizes, cwd=tmp_path))
    assert results["status"] == "done"
    assert {row["name"]: row["status"] for row in results["conditions"]} == {
        "baseline": "done",
        "noisy-student": "done",
    }
    assert "v1-5" in call(installed / "noisy-student", "studies", cwd=tmp_path)
    page = tmp_path / results["run_dir"] / "report.html"
    assert "<table" in page.read_text(encoding="utf-8")

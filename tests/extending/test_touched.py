"""The table of files touched in docs/extending.md: counted, complete, and within the limits."""

from __future__ import annotations

import re
from configparser import ConfigParser
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
LIMITS = {
    "selection rule": 2, "reward": 2, "engine": 3, "training method": 8, "stage": 4, "report section": 3,
}  # fmt: skip
TABLE = {
    kind: cells
    for kind, *cells in re.findall(
        r"^\| ([\w ]+) \| (\d: .+?) \| (\d: .+?) \|$", (ROOT / "docs" / "extending.md").read_text(), re.MULTILINE
    )
}
ENTRY = {
    "selection rule": ["selections"], "reward": ["rewards"], "engine": ["engines"], "training method": ["methods"],
    "stage": ["stages"], "report section": ["sections"],
}  # fmt: skip


def test_the_table_has_every_kind() -> None:
    assert list(TABLE) == list(LIMITS)


@pytest.mark.parametrize("kind", LIMITS)
def test_each_number_is_that_of_its_files_and_within_the_limit(kind: str) -> None:
    for cell in TABLE[kind]:
        files = re.findall(r"`([^`]+)`", cell)
        assert int(cell[0]) == len(set(files)) == len(files) <= LIMITS[kind]


@pytest.mark.parametrize("kind", LIMITS)
def test_the_files_in_this_repository_exist_or_are_new_in_a_folder_that_does(kind: str) -> None:
    for name in re.findall(r"`([^`]+)`", TABLE[kind][1]):
        path = (ROOT if name.startswith("tests/") else ROOT / "src" / "noisy_student") / name
        folder = path.parents[1] if path.parent.name == "<name>" else path.parent
        assert folder.is_dir() if "<name>" in name else path.is_file(), path


def test_the_files_from_outside_are_all_that_the_toy_package_has() -> None:
    listed = {name for outside, _ in TABLE.values() for name in re.findall(r"`([^`]+)`", outside)}
    package = {path.name for path in (HERE / "toy_package").rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert listed == package - {"__init__.py", "METADATA"}


@pytest.mark.parametrize("kind", LIMITS)
def test_every_kind_has_an_entry_point_whose_module_is_in_its_row(kind: str) -> None:
    points = ConfigParser()
    points.read(HERE / "toy_package" / "toy_plugin-0.1.dist-info" / "entry_points.txt")
    for group in ENTRY[kind]:
        for module in points[f"noisy_student.{group}"].values():
            assert f"`{module.partition('.')[2]}.py`" in TABLE[kind][0]

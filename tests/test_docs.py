"""What the pages show is what is there: the filled blocks, and the paths that they name."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILL = runpy.run_path(str(ROOT / "docs" / "fill.py"))
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
GUIDES = (
    "architecture",
    "controls",
    "engines",
    "footguns",
    "forecast",
    "foreign",
    "grpo",
    "lab",
    "lora",
    "preflight",
    "reliability",
    "rounds",
    "student-noise",
    "tutorial",
    "votes",
)
PAGES += [ROOT / "docs" / f"{name}.md" for name in GUIDES]


@pytest.mark.parametrize("page", FILL["PAGES"], ids=lambda page: page.name)
def test_the_filled_blocks_are_up_to_date(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert FILL["BLOCK"].search(text)
    assert FILL["filled"](text) == text, "run: python docs/fill.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:[\w.-]+/)+[\w-]+\.(?:py|toml|md|json))`", text))
    named |= set(re.findall(r"\]\(([^)#:]+)\)", text))
    named |= set(re.findall(r"`((?:results|docs|tests|benchmarks|examples)/[\w./-]*)`", text))
    places = (ROOT, page.parent, ROOT / "src" / "noisy_student")
    missing = sorted(name for name in named if not any((place / name).exists() for place in places))
    assert missing == []

"""Filled blocks are up to date, every path and link that a page names exists, every command that it shows is one."""

from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path

import pytest

from noisy_student.cli.main import VERBS
from noisy_student.study.settings.files import questions

ROOT = Path(__file__).parent.parent
FILL = runpy.run_path(str(ROOT / "docs" / "fill.py"))
GUIDES = sorted((ROOT / "docs").glob("*.md"))
PAGES = [*(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY")), ROOT / "results" / "README.md"]
PAGES += GUIDES
GENERATED = {"docs/errors.md"}
MOST_GUIDES, MOST_README = 12, 10_000


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", FILL["PAGES"], ids=name_of)
def test_the_filled_blocks_are_up_to_date(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert FILL["BLOCK"].search(text)
    assert FILL["filled"](text) == text, "run: python docs/fill.py"


def test_every_block_is_on_a_page() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in FILL["PAGES"])
    wanted = {found["name"] for found in FILL["BLOCK"].finditer(text)}
    assert wanted >= {name for name in FILL["BLOCKS"] if not name.startswith("findings-")}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:[\w-]+/)+[\w-]+\.(?:py|toml|md|json))`", text))
    named |= set(re.findall(r"\]\(([^)#:]+)\)", text))
    named |= set(re.findall(r"`((?:results|docs|tests|benchmarks|examples)/[\w./-]*)`", text))
    named |= set(re.findall(r"`((?:[\w-]+/){2,})`", text))
    places = (ROOT, page.parent, ROOT / "src" / "noisy_student", ROOT / "tests" / "faults", ROOT / "tests" / "attacks")
    missing = sorted(name for name in named - GENERATED if not any((place / name).exists() for place in places))
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_that_a_page_shows_has_a_verb_and_a_study(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    fenced = "".join(re.findall(r"^```(?:sh|console)\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    shown = re.findall(r"^noisy-student ([^\n#]+)", fenced, re.MULTILINE) + re.findall(
        r"`noisy-student ([^`\n]+)`", text
    )
    for words in map(shlex.split, shown):
        assert words[0] in VERBS, words
        if words[0] in ("run", "plan", "show") and len(words) > 1 and re.fullmatch(r"[a-z][a-z0-9-]*", words[1]):
            assert words[1] in questions(), words


def test_the_readme_and_the_number_of_pages_stay_small() -> None:
    assert (ROOT / "README.md").stat().st_size <= MOST_README
    assert len(GUIDES) <= MOST_GUIDES

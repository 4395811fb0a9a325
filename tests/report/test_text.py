"""Terminal output at the end of a run."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from noisy_student.report.text import show
from noisy_student.report.wording import headline

RESULTS = json.loads(Path(__file__).with_name("results.json").read_text())


def printed(results, width=80, terminal=False):
    file = io.StringIO()
    show(
        results, Console(file=file, width=width, force_terminal=terminal, color_system="standard" if terminal else None)
    )
    return file.getvalue()


@pytest.mark.parametrize("width", [80, 120])
def test_fits_the_width_and_holds_the_numbers(width):
    text = printed(RESULTS, width)
    assert max(map(len, text.splitlines())) <= width
    assert "\x1b" not in text
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    for word in ("+1.2", "[-0.8, +3.2]", "adjusted", "31.4 %", "31.2 32.4 30.5", "undecided", "4 % of the prompts"):
        assert word in text
    # The unadjusted p decides nothing, so it goes where there is no room.
    assert ("<0.0001" in text) == (width >= 100)
    assert text.index("+1.2 points") < text.index("Findings") < text.index("Conditions") < text.index("Labels")


def test_a_wide_terminal_shows_more():
    assert "Sampled" in printed(RESULTS, 120)
    assert "Sampled" not in printed(RESULTS, 80)


def test_a_hostile_name_is_text():
    hostile = "[red]x[/red]\x1b]0;owned\x07[link=https://evil.example]y[/link]"
    condition = {"name": hostile, "status": "done", "seed": 1, "accuracy": 0.5}
    text = printed({"conditions": [condition], "notes": ["{{7*7}}\rHF_TOKEN=hf_" + "a" * 34]}, 200, terminal=True)
    assert r"[red]x[/red]\x1b]0;owned\x07[link=https://evil.example]y[/link]" in text
    assert "\x1b]" not in text
    assert "\x07" not in text
    assert "{{7*7}}\\x0dHF_TOKEN=[hidden]" in text


def test_a_paused_run_says_so():
    assert "This run is paused" in printed(RESULTS | {"status": "paused"})


def test_nothing_at_all_still_prints():
    assert headline({}) in printed({})


def test_the_ladder_and_what_is_unhealthy_are_said_and_no_markup_is_read():
    criterion = {"name": "kl slope", "value": 0.5, "held": True}
    rung = {"name": "[red]rung", "status": "held", "steps": 30, "criteria": [criterion] * 3, "metrics": {"kl": 0.25}}
    ladder = {"seed": 1, "rungs": [rung], "before": rung["name"], "after": None, "held": rung["name"]}
    found = {"step": 30, "name": "collapse", "evidence": "[b]Dev fell.", "cause": "So.", "remedy": "Halve it.\x1b[2J"}
    health = {"looks": [30], "found": [found], "misleading": []}
    condition = {"name": "grpo", "seed": 1, "status": "done", "health": health}
    results = {"ladder": [{**ladder, "recommended": ["--set grpo.beta=0.04"]}], "conditions": [condition]}
    text = printed(results, 200, terminal=True)
    said = ("[red]rung met its criteria", "--set grpo.beta=0.04", "[b]Dev fell.", "Halve it.\\x1b[2J")
    places = [text.index(words) for words in (*said, "Probes", "Before and after")]
    assert places == sorted(places)
    assert "\x1b[2J" not in text
    plain = printed(RESULTS, 200)
    assert not [word for word in ("met its criteria", "Unhealthy", "Probes", "Before and after") if word in plain]

"""The ordered registry of report sections, read by the page, the terminal and the template alike.

A section is one row: the function that makes its tables, figures or sentences from a results document, and where they
stand. The order of ``SECTIONS`` is the order on the terminal and, within each chapter, on the page. Other packages add
a section by one registration, for example in a module named by an entry point of ``noisy_student.sections``::

    SECTIONS.register("entropy", Section(entropy_table, after="findings"))
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from noisy_student.errors import require_known
from noisy_student.identity import PACKAGE
from noisy_student.registry import Registry
from noisy_student.report import figures
from noisy_student.report.table import Table
from noisy_student.report.tables import expectations, findings, labels, preflight, probes, rounds, training
from noisy_student.report.wording import Row, rows

Part = Table | figures.Drawing | str
Content = Part | Iterable[Part] | None
Terminal = Literal["top", "body", "end"]

CHAPTERS = {
    "preflight": "Pre-flight",
    "probes": "Probes",
    "findings": "Findings",
    "rounds": "Rounds",
    "gains": "Sharpened or learned",
    "conditions": "Conditions",
    "labels": "Labels",
    "training": "Training",
    "further": "Further results",
    "run": "How it was run",
}
"""Headings of the page by chapter, in the order of reading. A chapter without content is left out."""


@dataclass(frozen=True, slots=True)
class Section:
    """One entry of the report.

    ``content`` takes the cleaned results document; its ``curves`` are the training curves, on the page only.
    """

    content: Callable[[Row], Content]
    chapter: str | None = ""
    """Chapter of the page; "" means that of ``after``, else "further"; None means terminal only."""
    terminal: Terminal | None = "body"
    """Under the answer, among the tables or behind them; None means page only."""
    after: str = ""
    """Section that this one follows; by default it comes last."""
    title: str = ""
    """Heading over sentences and figures; a table brings its own."""
    folded: bool = False
    """Tables and sentences are collapsed on the page."""
    style: str = ""
    """Rich style of sentences on the terminal."""
    empty: str = ""
    """Sentence of the page in place of missing content."""

    def __post_init__(self) -> None:
        what = f'There is no chapter "{self.chapter}" on the page.'
        require_known(self.chapter or "", ("", *CHAPTERS), what, code="unknown-chapter")

    def parts(self, results: Row) -> list[Part]:
        """Return the tables with lines, the figures and the sentences of this section.

        A section of another package that fails is a sentence about its fault, so that the report has the others.
        """
        try:
            made = self.content(results)
            found: Sequence[Part] = [made] if isinstance(made, Part) else list(made or ())
        except Exception as error:
            module = self.content.__module__
            if module.partition(".")[0] == PACKAGE:
                raise
            return [f"A section of {module} cannot be shown: {type(error).__name__}: {error}."]
        return [part for part in found if not isinstance(part, Table) or part.lines]


SECTIONS: Registry[Section] = Registry("section", Section, group="noisy_student.sections")


def ordered() -> list[Section]:
    """Return all sections in order.

    A section whose ``after`` names no section or forms a circle comes last, with a sentence about this fault.
    """
    return list(_ordered().values())


def on_terminal(place: Terminal) -> list[Section]:
    """Return the sections of one place of the terminal, in order."""
    return [section for section in ordered() if section.terminal == place]


def on_page(chapter: str) -> list[Section]:
    """Return the sections of one chapter of the page, in order."""
    sections = _ordered()
    return [section for section in sections.values() if _chapter(section, sections) == chapter]


def _ordered() -> dict[str, Section]:
    sections = {name: SECTIONS.get(name) for name in SECTIONS}
    for name, fault in [(name, _fault(name, sections)) for name in sections]:
        if fault:
            sections[name] = _with_sentence(sections.pop(name), fault)
    followers: dict[str, list[str]] = {}
    for name, section in sections.items():
        followers.setdefault(section.after, []).append(name)
    return {name: sections[name] for name in _behind("", followers)}


def _fault(name: str, sections: Mapping[str, Section]) -> str | None:
    """A sentence about a section that has no place in the order; None for others, those behind such a one included."""
    after = sections[name].after
    if after and after not in sections:
        return f'The section "{name}" comes last: it follows "{after}", which is no section.'
    seen: set[str] = set()
    while after in sections and after not in seen:
        seen.add(after)
        after = sections[after].after
    return f'The section "{name}" comes last: it follows itself ({", ".join(sorted(seen))}).' if name in seen else None


def _with_sentence(section: Section, sentence: str) -> Section:
    @functools.wraps(section.content)
    def content(results: Row) -> Content:
        return [sentence, *section.parts(results)]

    return replace(section, content=content, after="")


def _behind(name: str, followers: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for follower in followers.get(name, ()):
        yield follower
        yield from _behind(follower, followers)


def _chapter(section: Section, sections: Mapping[str, Section]) -> str | None:
    if section.chapter != "":
        return section.chapter
    return _chapter(sections[section.after], sections) if section.after else "further"


def _selections_beside_predictions(results: Row) -> Table | None:
    return labels.selections_table(results) if rows(results, "predictions") else None


for _name, _section in {
    "preflight-count": Section(preflight.counted, "preflight", "top"),
    "preflight": Section(preflight.preflight_table, "preflight"),
    "findings": Section(findings.findings_table, "findings", empty="This run has no comparisons."),
    "forest": Section(figures.forest, "findings", terminal=None),
    "methods": Section(findings.methods_table, "findings", folded=True, terminal=None),
    "criteria": Section(expectations.criteria_table, "findings"),
    "next-step": Section(expectations.next_step, "findings", "top", title="Decision"),
    "decision": Section(expectations.decision_table, "findings", terminal=None),
    "recommendations": Section(probes.recommendations, "probes", "top", style="bold"),
    "probes": Section(probes.rungs_table, "probes"),
    "before-after": Section(probes.before_after_table, "probes"),
    "rounds": Section(rounds.rounds_table, "rounds"),
    "conditions": Section(findings.conditions_table, "conditions", empty="No condition was run."),
    "accuracy": Section(figures.accuracy, "conditions", terminal=None),
    "runs": Section(findings.runs_table, "conditions", folded=True, terminal=None),
    "labels": Section(findings.labels_table, "labels"),
    "gains": Section(rounds.gains_table, "gains"),
    "passes": Section(rounds.passes_table, "gains"),
    "predictions": Section(expectations.predictions_table, "findings"),
    "selections-beside-predictions": Section(_selections_beside_predictions, None),
    "selections": Section(labels.selections_table, "labels", terminal=None),
    "more-samples": Section(labels.curves_table, "labels", terminal=None),
    "vote-curve": Section(figures.vote_curve, "labels", terminal=None),
    "agreement": Section(figures.agreement, "labels", title="Agreement", folded=True, terminal=None),
    "gap": Section(findings.gap_table, "findings"),
    "health-findings": Section(training.health_lines, None, "top", style="yellow"),
    "health": Section(training.health_table, "training", terminal=None),
    "misleading": Section(
        training.misleading, "training", title="Log values that are expected", folded=True, terminal=None
    ),
    "capacity": Section(training.capacity_table, "training"),
    "groups": Section(training.groups_table, "training", terminal=None),
    "rollouts": Section(figures.rollouts, "training", terminal=None),
    "losses": Section(figures.losses, "training", terminal=None),
    "cost": Section(labels.cost_words, None, "end"),
    "costs": Section(labels.costs_table, "run", folded=True, terminal=None),
    "forecast-words": Section(labels.forecast_words, None, "end"),
    "forecast": Section(labels.forecast_table, "run", folded=True, terminal=None),
}.items():
    SECTIONS.register(_name, _section)

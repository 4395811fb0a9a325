"""Render ``report.html`` from a results document and training curves: one page without scripts, requests or links.

The page carries its own content security policy, and everything that came from files or models passes ``clean`` and
the template's autoescape. Only our own figures are markup.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from noisy_student.report.clean import clean
from noisy_student.report.figures import Drawing
from noisy_student.report.numbers import DASH, count, duration, minus
from noisy_student.report.sections import CHAPTERS, Section, on_page
from noisy_student.report.table import Table
from noisy_student.report.tables.probes import answer
from noisy_student.report.wording import Row, heading, primary_findings, rows, sentence

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Block:
    """One element of a chapter: sentences, a table or a figure; the heading of folded sentences is their summary."""

    heading: str
    folded: bool
    sentences: tuple[str, ...] = ()
    table: Table | None = None
    drawing: Drawing | None = None


def render(results: Row, curves: Mapping[str, Sequence[Row]]) -> str:
    """Return the whole page as text; equal input gives equal text."""
    results = clean(dict(results) | {"curves": {name: list(curve) for name, curve in curves.items() if curve}})
    conditions = rows(results, "conditions")
    primary = primary_findings(results)
    chapters = [(name, title, _chapter(name, title, results)) for name, title in CHAPTERS.items()]
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            results=results,
            title=results.get("question") or (f"Study {results['study']}" if results.get("study") else "A run"),
            facts=_facts(results),
            headline=answer(results),
            verdict=str((primary[0] if primary else {}).get("verdict") or "none"),
            others=[(sentence(finding, conditions), finding.get("verdict") or "none") for finding in primary[1:]],
            chapters=[chapter for chapter in chapters if chapter[2] or chapter[0] == "run"],
            protocol=_protocol(results),
            versions=sorted((results.get("versions") or {}).items()),
            notes=rows(results, "notes"),
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["minus"] = minus
    # Markup is safe for figures alone: svg.embed serialised them from a tree, so every text in them is escaped.
    environment.filters["svg"] = Markup
    return environment


def _chapter(name: str, title: str, results: Row) -> list[Block]:
    """Return the blocks of all sections of a chapter, without headings that repeat the one above."""
    blocks: list[Block] = []
    last = title
    for block in (block for section in on_page(name) for block in _blocks(section, results)):
        blocks.append(replace(block, heading="") if block.heading in {title, last} else block)
        last = block.heading or last
    return blocks


def _blocks(section: Section, results: Row) -> Iterator[Block]:
    """Yield the sentences of a section, without the answer above, then its tables and figures."""
    parts = section.parts(results) or [section.empty]
    said = answer(results)
    sentences = tuple(part for part in parts if isinstance(part, str) and part not in {"", said})
    if sentences:
        yield Block(section.title, section.folded, sentences)
    for part in parts:
        if isinstance(part, Table):
            yield Block(section.title if section.folded else part.title, section.folded, table=part)
        elif isinstance(part, Drawing):
            yield Block(section.title, section.folded, drawing=part)


def _facts(results: Row) -> list[str]:
    """Return the words of the line above the title: model, questions, scale, K, study, protocol, seeds."""
    seeds = rows(results, "seeds")
    words = [heading(results), results.get("study"), results.get("protocol") and f"{results['protocol']} protocol"]
    words.append(f"{len(seeds)} seed{'s' if len(seeds) > 1 else ''}" if seeds else None)
    return [str(word) for word in words if word]


def _protocol(results: Row) -> list[tuple[str, str]]:
    """Return pairs of name and value that say how the study was run."""
    sizes = {int(row["n"]) for row in rows(results, "conditions") if row.get("n") is not None}
    data = results.get("data")
    if isinstance(data, dict):
        # The sizes stand in the heading.
        data = {name: value for name, value in data.items() if value is not None and name != "sizes"}
    values: dict[str, Any] = {
        "Study": results.get("study"),
        "Scale": results.get("scale"),
        "Protocol": results.get("protocol"),
        "Model": results.get("model"),
        "Data": data,
        "Test questions": ", ".join(count(size) for size in sorted(sizes)) or None,
        "Seeds": ", ".join(str(seed) for seed in rows(results, "seeds")) or None,
        "Time": None if results.get("seconds") is None else duration(results["seconds"]),
        "Folder": results.get("run_dir"),
    }
    return [(name, DASH if value is None else _plain(value)) for name, value in values.items()]


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(item)}" for name, item in value.items())
    return value if isinstance(value, str) else count(value) if isinstance(value, int) else json.dumps(value)

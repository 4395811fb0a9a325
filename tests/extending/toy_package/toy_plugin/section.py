"""The report section ``word-count``: a table of the measurement of that name, behind the conditions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from noisy_student.report.sections import SECTIONS, Section
from noisy_student.report.table import Column, Line, Table


def word_count_table(results: Mapping[str, Any]) -> Table:
    """Return the mean words of each condition's answers to test questions."""
    found = [(row, (row["measures"] or {}).get("word-count")) for row in results["conditions"]]
    lines = tuple(
        Line((row["name"], str(counted["samples"]), f"{counted['words'] / counted['samples']:.2f}"))
        for row, counted in found
        if counted
    )
    columns = (Column("condition", align="left"), Column("answers"), Column("words an answer"))
    return Table("Words", "Words are what spaces separate.", columns, lines)


SECTIONS.register("word-count", Section(word_count_table, after="conditions"))

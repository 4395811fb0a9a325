"""``compare TABLE --claims FILE``: which statements about a table of published numbers hold."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from rich.text import Text

from noisy_student.cli.console import emit, output, table
from noisy_student.cli.published import read_claims, read_table
from noisy_student.evaluation.claims import MARGIN, judge_claims
from noisy_student.report.numbers import count, p_value, percent, points, points_interval, size

COLUMNS = ("Claim", "Family", "Points", "95 %", "p", "p (Holm)", "p (BH)", "Power", "n for 80 %", "Answer")

WIDE, NARROW = 130, (0, 1, 2, 5, 9)
"""Characters of a console that has room for every column, and the columns that others show; JSON has all."""


def claims_of_table(path: Path, claims: Path, *, margin: float | None, json: bool) -> None:
    """Judge the claims and print them, or emit them as JSON."""
    within = MARGIN if margin is None else margin
    rows = read_table(path)
    judged = judge_claims(read_claims(claims), {row.name: (row.correct, row.n) for row in rows}, margin=within)
    if json:
        emit({"schema": 1, "margin": within, "claims": [asdict(each) for each in judged]})
        return
    lines = [
        [
            f"{each.claim.a} {'like' if each.claim.says == 'alike' else each.claim.says + ' than'} {each.claim.b}",
            f"{each.claim.family} ({each.size})",
            points(each.comparison.difference),
            points_interval(each.comparison.interval),
            p_value(each.comparison.p_value),
            p_value(each.p_holm),
            p_value(each.p_bh),
            percent(each.power),
            count(each.comparison.n_needed),
            each.held,
        ]
        for each in judged
    ]
    console = output()
    shown = range(len(COLUMNS)) if console.width >= WIDE else NARROW
    columns = [COLUMNS[place] for place in shown]
    table(console, columns, [[line[place] for place in shown] for line in lines], right=columns[2:-1])
    told = (
        "In points; unpaired. Better and worse hold where p by Holm over the claims of their family is at most .05, "
        f"alike (within {size(within)}) where the 90 % interval lies within the margin. Power: for a true difference "
        "as large as the one observed. n for 80 %: questions a side that would show it."
    )
    console.print(Text(told, "dim"))

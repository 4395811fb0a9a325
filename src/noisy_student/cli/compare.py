"""``compare``: two counts, two grades files, or every pair of a table of published numbers."""

from __future__ import annotations

import itertools
import re
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from noisy_student.cli import options
from noisy_student.cli.claims import claims_of_table
from noisy_student.cli.console import emit, output, table
from noisy_student.cli.published import read_table
from noisy_student.errors import UserError
from noisy_student.evaluation.compare import Comparison, Join, compare_counts, compare_grades
from noisy_student.evaluation.grade import read_grades
from noisy_student.records import Grade
from noisy_student.report.numbers import count, p_value, points, points_interval, size
from noisy_student.statistics.multiple import holm

_COUNT = re.compile(r"(\d{1,12})\s*/\s*(\d{1,12})")


def command(
    a: Annotated[str, typer.Argument(metavar="A", help="163/500, a grades.jsonl, or a table (.csv, .jsonl).")],
    b: Annotated[str | None, typer.Argument(metavar="B", help="The same for the other side; none for a table.")] = None,
    margin: Annotated[
        float | None, typer.Option("--margin", metavar="X", help="The difference that would matter, such as 0.02.")
    ] = None,
    inner: Annotated[bool, typer.Option("--inner", help="Compare only the questions that both files hold.")] = False,
    claims: Annotated[
        Path | None, typer.Option("--claims", metavar="FILE", help="What a table is said to show: a, b, says, family.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Compare two results: counts, grades files, or a table of published numbers. The difference is A - B.

    Counts are of different questions (unpaired); grades files are joined on the question (paired). A table has the
    columns name, correct and n; claims about it have a, b, says (better, worse, alike), and may have family and source.
    """
    if margin is not None and not 0 < margin < 1:
        raise UserError(f"--margin is {margin}.", why="It is a fraction of 1.", do="Write two points as 0.02.")
    if claims is not None and b is not None:
        raise UserError("--claims goes with one table.", do="Leave B out.")
    if claims is not None:
        claims_of_table(Path(a), claims, margin=margin, json=json)
        return
    if b is None:
        _compare_table(Path(a), margin=margin, json=json)
        return
    one, other = _COUNT.fullmatch(a.strip()), _COUNT.fullmatch(b.strip())
    if one and other:
        made = compare_counts(*_pair(one), *_pair(other), margin=margin)
    elif one or other:
        raise UserError(f"{a} and {b} are a count and a file.", do="Give two counts, or two grades files.")
    else:
        join: Join = "inner" if inner else "exact"
        made = compare_grades(_grades(Path(a)), _grades(Path(b)), margin=margin, join=join)
    if json:
        emit(asdict(made))
    else:
        _show(made, output())


def _compare_table(path: Path, *, margin: float | None, json: bool) -> None:
    pairs = list(itertools.combinations(read_table(path), 2))
    made = [compare_counts(a.correct, a.n, b.correct, b.n, margin=margin) for a, b in pairs]
    adjusted = holm([1.0 if item.p_value is None else item.p_value for item in made])
    if json:
        rows = [
            {"a": a.name, "b": b.name, **asdict(item), "p_adjusted": p}
            for (a, b), item, p in zip(pairs, made, adjusted, strict=True)
        ]
        emit({"schema": 1, "comparisons": rows})
        return
    console, columns = output(), ["A - B", "Difference", "95 %", "p", "p (Holm)", "Smallest seen", "Verdict"]
    lines = [
        [
            f"{a.name} - {b.name}",
            points(item.difference),
            points_interval(item.interval),
            p_value(item.p_value),
            p_value(p),
            size(item.mde),
            str(item.verdict),
        ]
        for (a, b), item, p in zip(pairs, made, adjusted, strict=True)
    ]
    table(console, columns, lines, right=columns[1:-1])
    console.print(Text("In points; unpaired. Verdicts are by p without adjustment; Holm is over all pairs.", "dim"))


def _show(made: Comparison, console: Console) -> None:
    tests = {"Fisher": made.p_fisher, "exact": made.p_exact}
    beside = "".join(f", {name} {p_value(p)}" for name, p in tests.items() if p is not None)
    kind = f"{'paired' if made.paired else 'unpaired'}, {count(made.n)} questions"
    kind += "" if made.paired else " on the smaller side"
    needed = "" if made.n_needed is None else f"; to show this one: {count(made.n_needed)} questions"
    arms = "" if made.paired or made.n_needed is None else " per side"
    lines = (
        f"A - B: {points(made.difference)} points, 95 % {points_interval(made.interval)}, {made.verdict}",
        f"p = {p_value(made.p_value)} ({made.method}){beside}",
        f"{kind}; smallest difference seen with 80 % power: {size(made.mde)} points{needed}{arms}",
    )
    for line in lines:
        console.print(Text(line), soft_wrap=True)


def _pair(found: re.Match[str]) -> tuple[int, int]:
    return int(found[1]), int(found[2])


def _grades(path: Path) -> list[Grade]:
    try:
        return list(read_grades(path))
    except TypeError as error:
        fields = ", ".join(Grade.__dataclass_fields__)
        raise UserError(f"{path} holds no grades.", why=f"A grade has {fields}.", do="Give a grades.jsonl.") from error

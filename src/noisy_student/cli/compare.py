"""``compare``: two runs, two counts, two grades files, or a table of published numbers and claims about it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from noisy_student.cli import options
from noisy_student.cli.compare_runs import compare_runs
from noisy_student.cli.console import emit, note, output, say, table
from noisy_student.cli.runs import find_run, run_named
from noisy_student.data.formats import source_rows
from noisy_student.errors import UserError, nearest
from noisy_student.evaluation.compare import (
    MARGIN,
    SAYS,
    Claim,
    Comparison,
    Join,
    compare_counts,
    compare_grades,
    judge_claims,
)
from noisy_student.evaluation.grade import read_grades
from noisy_student.records import Grade, Verdict
from noisy_student.report.numbers import count, p_value, percent, points, points_interval, size
from noisy_student.statistics.multiple import holm
from noisy_student.statistics.power import ALPHA

_COUNT = re.compile(r"(\d{1,12})\s*/\s*(\d{1,12})")
COLUMNS = ("Claim", "Family", "Points", "95 %", "p", "p (Holm)", "p (BH)", "Power", "n for 80 %", "Answer")

WIDE, NARROW = 130, (0, 1, 2, 5, 9)
"""Console width for every column, and the columns of narrower consoles; JSON has all."""


def command(
    a: Annotated[str, typer.Argument(metavar="A", help="A run, 163/500, a grades.jsonl, or a table (.csv, .jsonl).")],
    b: Annotated[
        str | None, typer.Argument(metavar="B", help="The same for the other side; omit it for a table.")
    ] = None,
    margin: Annotated[
        float | None, typer.Option("--margin", metavar="X", help="The difference that would matter, such as 0.02.")
    ] = None,
    inner: Annotated[bool, typer.Option("--inner", help="Compare only questions in both files.")] = False,
    claims: Annotated[
        Path | None, typer.Option("--claims", metavar="FILE", help="Claims about a table: columns a, b, says, family.")
    ] = None,
    runs: options.RunsFolder = options.RUNS,
    json: options.Json = False,
) -> None:
    """Compare two results: runs, counts, grades files, or a table of published numbers. The difference is A - B.

    Runs (folders, or names under --runs) are paired by question, beside the settings in which they differ. Counts are
    of different questions (unpaired); grades files are joined on the question (paired). A table has the columns name,
    correct and n; claims about it have a, b, says (better, worse, alike), and may have family and source.
    """
    options.require_fraction("--margin", margin)
    if claims is not None and b is not None:
        raise UserError(f'--claims needs one table, but B is "{b}".', do="Leave B out.", code="claims-need-one-table")
    if claims is not None:
        _judge(Path(a), claims, margin=MARGIN if margin is None else margin, json=json)
    elif b is not None and (sides := [run_named(side, runs) for side in (a, b)]) != [None, None]:
        folders = [find_run(side, runs) if found is None else found for side, found in zip((a, b), sides, strict=True)]
        compare_runs(folders[0], folders[1], margin=margin, json=json)
    elif b is None:
        _compare_table(Path(a), margin=margin, json=json)
    else:
        made = _compared(a, b, margin=margin, join="inner" if inner else "exact")
        if json:
            emit(asdict(made))
        else:
            _show(made)


def _compared(a: str, b: str, *, margin: float | None, join: Join) -> Comparison:
    one, other = _COUNT.fullmatch(a.strip()), _COUNT.fullmatch(b.strip())
    if one and other:
        k1, n1, k2, n2 = map(int, (*one.groups(), *other.groups()))
        return compare_counts(k1, n1, k2, n2, margin=margin)
    if one or other:
        raise UserError(f"{a} and {b} differ in kind.", do="Give two counts, or two files.", code="compare-mixed-sides")
    return compare_grades(_grades(Path(a)), _grades(Path(b)), margin=margin, join=join)


def _compare_table(path: Path, *, margin: float | None, json: bool) -> None:
    pairs = list(itertools.combinations(_table(path), 2))
    made = [compare_counts(*a, *b, margin=margin) for (_, a), (_, b) in pairs]
    adjusted = holm([1.0 if item.p_value is None else item.p_value for item in made])
    rows = [
        {"a": a, "b": b, **asdict(item), "p_adjusted": p, "verdict": _adjusted(item, p)}
        for ((a, _), (b, _)), item, p in zip(pairs, made, adjusted, strict=True)
    ]
    if json:
        emit({"schema": 1, "comparisons": rows})
        return
    columns = ["A - B", "Difference", "95 %", "p", "p (Holm)", "MDE", "Verdict"]
    lines = [
        [
            f"{row['a']} - {row['b']}",
            points(row["difference"]),
            points_interval(row["interval"]),
            p_value(row["p_value"]),
            p_value(row["p_adjusted"]),
            size(row["mde"]),
            row["verdict"],
        ]
        for row in rows
    ]
    table(columns, lines, right=columns[1:-1])
    note("In points; unpaired. Verdicts use Holm's p over all pairs. MDE: with 80 % power.")


def _adjusted(made: Comparison, p_holm: float) -> Verdict:
    """Return the verdict of one of many pairs: a difference must hold by the adjusted p."""
    return "undecided" if made.verdict in ("helps", "hurts") and p_holm > ALPHA else made.verdict


def _show(made: Comparison) -> None:
    tests = {"Fisher": made.p_fisher, "exact": made.p_exact}
    beside = "".join(f", {name} {p_value(p)}" for name, p in tests.items() if p is not None)
    kind = f"{'paired' if made.paired else 'unpaired'}, {count(made.n)} questions"
    kind += "" if made.paired else " on the smaller side"
    needed = "" if made.n_needed is None else f"; to detect this one: {count(made.n_needed)} questions"
    arms = "" if made.paired or made.n_needed is None else " per side"
    say(
        f"A - B: {points(made.difference)} points, 95 % {points_interval(made.interval)}, {made.verdict}",
        f"p = {p_value(made.p_value)} ({made.method}){beside}",
        f"{kind}; minimum detectable effect with 80 % power: {size(made.mde)} points{needed}{arms}",
    )


def _grades(path: Path) -> list[Grade]:
    try:
        return list(read_grades(path))
    except TypeError as error:
        why = f"A grade has {', '.join(Grade.__dataclass_fields__)}."
        raise UserError(
            f"{path} holds no grades.", why=why, do="Give a grades.jsonl.", code="grades-malformed"
        ) from error


def _judge(path: Path, claims: Path, *, margin: float, json: bool) -> None:
    judged = judge_claims(_claims(claims), dict(_table(path)), margin=margin)
    if json:
        emit({"schema": 1, "margin": margin, "claims": [asdict(each) for each in judged]})
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
    shown = range(len(COLUMNS)) if output().width >= WIDE else NARROW
    columns = [COLUMNS[place] for place in shown]
    table(columns, [[line[place] for place in shown] for line in lines], right=columns[2:-1])
    note(
        "In points; unpaired. Better and worse hold where Holm's p over the claims of their family is at most .05, "
        f"alike where the 90 % interval lies within the margin of {size(margin)}. Power: for a true difference as "
        "large as the observed one. n for 80 %: questions per side that would show it."
    )


def _table(path: Path) -> list[tuple[str, tuple[int, int]]]:
    """Return each row's name and its numbers of right answers and of questions."""
    rows = list(_rows(path, "name", "correct", "n"))
    if len(rows) < 2:
        raise UserError(
            f"{path} has {len(rows)} rows; a comparison needs two.",
            do="Add rows of name,correct,n.",
            code="table-too-short",
        )
    return [
        (str(row["name"]), (_whole(row["correct"], f"{place}, correct"), _whole(row["n"], f"{place}, n")))
        for place, row in rows
    ]


def _claims(path: Path) -> list[Claim]:
    found = []
    for place, row in _rows(path, "a", "b", "says"):
        says = next((word for word in SAYS if word == row["says"]), None)
        if says is None:
            raise UserError(
                f'{place} says "{row["says"]}".', do=nearest(str(row["says"]), SAYS), code="unknown-claim-word"
            )
        family, source = row.get("family") or "claims", row.get("source") or ""
        found.append(Claim(str(row["a"]), str(row["b"]), says, str(family), str(source)))
    if not found:
        raise UserError(f"{path} holds no claims.", do="Add rows of a,b,says.", code="no-claims")
    return found


def _rows(path: Path, *needed: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the place of each row, and the row; raises UserError for one without the needed columns."""
    for read in source_rows(path):
        missing = [name for name in needed if read.values.get(name) in (None, "")]
        if missing:
            columns = " and no ".join(missing)
            raise UserError(
                f"{read.place} has no {columns}.",
                why=f"Its columns are {', '.join(read.values)}.",
                do=f"Give every row {', '.join(needed)}.",
                code="column-missing",
            )
        yield read.place, dict(read.values)


def _whole(value: Any, place: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        return int(value)
    raise UserError(
        f"{place} is {value!r}, which is no integer.",
        do="Give the numbers of right answers and of questions.",
        code="count-invalid",
    )

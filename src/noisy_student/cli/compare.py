"""``compare``: two counts, two grades files, or a table of published numbers and claims about it.

Tables and claims are CSV or JSONL files.
"""

from __future__ import annotations

import csv
import itertools
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from noisy_student import files
from noisy_student.cli import options
from noisy_student.cli.console import emit, output, say, table
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
from noisy_student.records import Grade
from noisy_student.report.numbers import count, p_value, percent, points, points_interval, size
from noisy_student.statistics.multiple import holm

_COUNT = re.compile(r"(\d{1,12})\s*/\s*(\d{1,12})")
COLUMNS = ("Claim", "Family", "Points", "95 %", "p", "p (Holm)", "p (BH)", "Power", "n for 80 %", "Answer")

WIDE, NARROW = 130, (0, 1, 2, 5, 9)
"""Console width for every column, and the columns of narrower consoles; JSON has all."""


@dataclass(frozen=True, slots=True)
class Published:
    """One line of a table of published numbers."""

    name: str
    correct: int
    n: int


def command(
    a: Annotated[str, typer.Argument(metavar="A", help="163/500, a grades.jsonl, or a table (.csv, .jsonl).")],
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
    json: options.Json = False,
) -> None:
    """Compare two results: counts, grades files, or a table of published numbers. The difference is A - B.

    Counts are of different questions (unpaired); grades files are joined on the question (paired). A table has the
    columns name, correct and n; claims about it have a, b, says (better, worse, alike), and may have family and source.
    """
    if margin is not None and not 0 < margin < 1:
        raise UserError(
            f"--margin is {margin}.",
            why="A margin is a fraction between 0 and 1.",
            do="Write two points as 0.02.",
            code="fraction-invalid",
        )
    if claims is not None and b is not None:
        raise UserError(f'--claims needs one table, but B is "{b}".', do="Leave B out.", code="claims-need-one-table")
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
        raise UserError(
            f"{a} and {b} are a count and a file.",
            do="Give two counts, or two grades files.",
            code="compare-mixed-sides",
        )
    else:
        join: Join = "inner" if inner else "exact"
        made = compare_grades(_grades(Path(a)), _grades(Path(b)), margin=margin, join=join)
    if json:
        emit(asdict(made))
    else:
        _show(made)


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
    console, columns = output(), ["A - B", "Difference", "95 %", "p", "p (Holm)", "MDE", "Verdict"]
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
    console.print(
        Text("In points; unpaired. Verdicts use the unadjusted p; Holm is over all pairs. MDE: with 80 % power.", "dim")
    )


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


def _pair(found: re.Match[str]) -> tuple[int, int]:
    return int(found[1]), int(found[2])


def _grades(path: Path) -> list[Grade]:
    try:
        return list(read_grades(path))
    except TypeError as error:
        fields = ", ".join(Grade.__dataclass_fields__)
        raise UserError(
            f"{path} holds no grades.", why=f"A grade has {fields}.", do="Give a grades.jsonl.", code="grades-malformed"
        ) from error


def claims_of_table(path: Path, claims: Path, *, margin: float | None, json: bool) -> None:
    """Judge claims about a table and print the verdicts, as a table or as JSON."""
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
        "In points; unpaired. Better and worse hold where Holm's p over the claims of their family is at most .05, "
        f"alike where the 90 % interval lies within the margin of {size(within)}. Power: for a true difference as "
        "large as the observed one. n for 80 %: questions per side that would show it."
    )
    console.print(Text(told, "dim"))


def read_table(path: Path) -> list[Published]:
    """Return the rows of a CSV or JSONL table; raises UserError with file and row for a malformed one."""
    rows = _rows(path)
    if len(rows) < 2:
        raise UserError(
            f"{path} has {len(rows)} rows.",
            why="A comparison needs two.",
            do="Add rows of name,correct,n.",
            code="table-too-short",
        )
    return [_published(row, f"{path}, row {number}") for number, row in enumerate(rows, start=1)]


def read_claims(path: Path) -> list[Claim]:
    """Return the claims of a CSV or JSONL file; raises UserError with file and row for a malformed one."""
    found = [_claim(row, f"{path}, row {number}") for number, row in enumerate(_rows(path), start=1)]
    if not found:
        raise UserError(f"{path} holds no claims.", do="Add rows of a,b,says.", code="no-claims")
    return found


def _claim(row: dict[str, Any], place: str) -> Claim:
    missing = [name for name in ("a", "b", "says") if not row.get(name)]
    if missing:
        raise UserError(
            f"{place} has no {' and no '.join(missing)}.", do="Give every row a, b and says.", code="column-missing"
        )
    says = next((word for word in SAYS if word == row["says"]), None)
    if says is None:
        raise UserError(f'{place} says "{row["says"]}".', do=nearest(str(row["says"]), SAYS), code="unknown-claim-word")
    return Claim(str(row["a"]), str(row["b"]), says, str(row.get("family") or "claims"), str(row.get("source") or ""))


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        return list(files.read_jsonl(path)) if path.suffix == ".jsonl" else _csv(path)
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror}.", do="Check the path.", code="file-unreadable"
        ) from error


def _csv(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, skipinitialspace=True))


def _published(row: dict[str, Any], place: str) -> Published:
    missing = [name for name in ("name", "correct", "n") if row.get(name) is None]
    if missing:
        raise UserError(
            f"{place} has no {' and no '.join(missing)}.",
            do="Give every row name, correct and n.",
            code="column-missing",
        )
    return Published(str(row["name"]), *(_whole(row[name], f"{place}, {name}") for name in ("correct", "n")))


def _whole(value: Any, place: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        return int(value)
    raise UserError(
        f"{place} is {value!r}.",
        why="Counts are integers.",
        do="Give the numbers of right answers and of questions.",
        code="count-invalid",
    )

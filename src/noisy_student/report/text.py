"""The end of a run in the terminal: the answer in one sentence, then findings, conditions and labels.

A results document and a rich console come in; rich leaves colours out where the console is no terminal. Cells are
``Text``, never markup, so a condition named ``[red]`` stays what it is.
"""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from noisy_student.report.clean import clean
from noisy_student.report.table import Table
from noisy_student.report.tables.expectations import criteria_table, next_step, predictions_table
from noisy_student.report.tables.findings import conditions_table, findings_table, gap_table, labels_table
from noisy_student.report.tables.labels import cost_words, forecast_words, selections_table
from noisy_student.report.tables.preflight import counted, preflight_table
from noisy_student.report.tables.probes import answer, before_after_table, recommendations, rungs_table
from noisy_student.report.tables.rounds import gains_table, passes_table, rounds_table
from noisy_student.report.tables.training import capacity_table, health_lines
from noisy_student.report.wording import Row, primary_findings, rows, sentence

WIDE = 100
LONG = 18
WIDEST_NAME = 30


def show(results: Row, console: Console) -> None:
    """Print the results of a run to ``console``, fitted to its width."""
    results = clean(dict(results))
    if results.get("question"):
        console.print(Text(str(results["question"]), "italic"))
    said = answer(results)
    console.print(Text(said, "bold"))
    for finding in primary_findings(results)[1:]:
        console.print(Text(sentence(finding, rows(results, "conditions"))))
    if (checked := counted(results)) not in {None, said}:
        console.print(Text(str(checked)))
    if results.get("status") not in {None, "done"}:
        console.print(Text(f"This run is {results['status']}: the same command goes on with it.", "yellow"))
    if (following := next_step(results)) is not None:
        console.print(Text(following))
    for line in recommendations(results):
        if line != said:
            console.print(Text(line, "bold"))
    for line in health_lines(results):
        console.print(Text(line, "yellow"))
    _show(preflight_table(results), console)
    for table in (findings_table, criteria_table, rungs_table, before_after_table, rounds_table):
        _show(table(results), console)
    for table in (conditions_table, labels_table, gains_table, passes_table):
        _show(table(results), console)
    if rows(results, "predictions"):
        _show(predictions_table(results), console)
        _show(selections_table(results), console)
    _show(gap_table(results), console)
    _show(capacity_table(results), console)
    if (cost := cost_words(results)) is not None:
        console.print()
        console.print(Text(cost))
    if (forecast := forecast_words(results)) is not None:
        console.print(Text(forecast))
    if rows(results, "notes"):
        console.print()
    for note in rows(results, "notes"):
        console.print(Text(f"Note: {note}"))


def _show(table: Table, console: Console) -> None:
    if not table.lines:
        return
    fitted = table.within("wide" if console.width >= WIDE else "narrow")
    console.print()
    console.print(Text(fitted.title, "bold"))
    drawn = RichTable(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    split = console.width < WIDE and any(len(line.cells[0]) > LONG for line in fitted.lines)
    for index, column in enumerate(fitted.columns):
        width = max(len(line.cells[index]) for line in fitted.lines)
        # Numbers stay on one line, so a long head over short numbers is broken instead.
        head = "\n".join(column.name.rsplit(" ", 1)) if width < len(column.name) else column.name
        # Other words are broken before a condition's name is.
        least = max((len(part) for line in fitted.lines for part in _parts(line.cells[0], split)), default=0)
        drawn.add_column(
            Text(head),
            justify=column.align,
            no_wrap=column.align == "right",
            overflow="fold",
            min_width=min(least, WIDEST_NAME) if index == 0 else None,
        )
    for line in fitted.lines:
        first, *others = line.cells
        first = "\n".join(_parts(first, split))
        drawn.add_row(Text(first), *map(Text, others), style="dim" if line.faint else None)
    console.print(drawn)
    for remark in fitted.remarks:
        console.print(Text(remark))
    console.print(Text(fitted.caption, "dim"))


def _parts(name: str, split: bool) -> list[str]:
    """A long comparison breaks before its second condition, as sums on paper do."""
    return name.replace(" - ", "\n- ").split("\n") if split else [name]

"""Print a results document to the terminal: the answer in one sentence, then the sections of ``sections.SECTIONS``.

Rich omits colours if the console is no terminal. Cells are ``Text``, never markup, so a condition named ``[red]`` is
printed as such.
"""

from __future__ import annotations

from typing import get_args

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from noisy_student.report.clean import clean
from noisy_student.report.sections import Terminal, on_terminal
from noisy_student.report.table import Table
from noisy_student.report.tables.probes import answer
from noisy_student.report.wording import Row, heading, primary_findings, rows, sentence

WIDE = 100
LONG = 18
WIDEST_NAME = 30


def show(results: Row, console: Console) -> None:
    """Print the results of a run to ``console``, fitted to its width."""
    results = clean(dict(results))
    if line := heading(results):
        console.print(Text(line, "dim"))
    if results.get("question"):
        console.print(Text(str(results["question"]), "italic"))
    said = answer(results)
    console.print(Text(said, "bold"))
    for finding in primary_findings(results)[1:]:
        console.print(Text(sentence(finding, rows(results, "conditions"))))
    if results.get("status") not in {None, "done"}:
        console.print(Text(f"This run is {results['status']}; the same command continues it.", "yellow"))
    for place in get_args(Terminal):
        _sections(place, results, console, said=said)
    if rows(results, "notes"):
        console.print()
    for note in rows(results, "notes"):
        console.print(Text(f"Note: {note}"))


def _sections(place: Terminal, results: Row, console: Console, *, said: str) -> None:
    """Print the tables and sentences of all sections of one place, without the answer that was printed."""
    # Sentences at the top and at the end stand together.
    spaced = place != "top"
    for section in on_terminal(place):
        for part in section.parts(results):
            if isinstance(part, Table):
                _show(part, console)
                spaced = True
            elif isinstance(part, str) and part != said:
                if spaced:
                    console.print()
                console.print(Text(part, section.style))
                spaced = place == "body"


def _show(table: Table, console: Console) -> None:
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
    """Return the lines of a name: a long comparison breaks before its second condition."""
    return name.replace(" - ", "\n- ").split("\n") if split else [name]

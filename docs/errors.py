"""Write ``docs/errors.md``: every error code with its messages and what to do, read from the source.

Run ``python docs/errors.py`` after a change of messages; ``tests/test_errors.py`` compares the page with the source.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "noisy_student"
PAGE = Path(__file__).with_name("errors.md")
ERRORS = ("UserError", "NotTrainable", "require_known")
NEAREST = 'Did you mean "{nearest}"?'
HEAD = """# Error codes

Every error that you can fix has a code: it is the last line of the message, and with `--json` standard output holds
`{"error": {"code", "what", "why", "do"}}`. Codes are stable, messages may be reworded. The exit code is 1; 75 means
paused at the deadline, 130 interrupted. In a message `{name}` stands for a value. This page is written by
`python docs/errors.py`.

"""


@dataclass(frozen=True)
class Site:
    """One place that raises an error; ``code`` is None where it has no literal code."""

    file: str
    line: int
    code: str | None
    what: str
    do: str


def sites() -> list[Site]:
    """Return every place of the package that makes a UserError, but for those that pass on another one's code."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for call in calls(tree):
            site = read(call, str(path.relative_to(SOURCE)), texts_above(tree, call.lineno))
            found += [] if site is None else [site]
    return found


def texts_above(tree: ast.AST, line: int) -> dict[str, str]:
    """Return the strings assigned to a name above a line, each name with its last one."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Assign) and node.lineno < line]
    texts: dict[str, str] = {}
    for node in sorted(found, key=lambda node: node.lineno):
        if isinstance(node.targets[0], ast.Name) and (text := _string(node.value, texts)) is not None:
            texts[node.targets[0].id] = text
    return texts


def _string(node: ast.expr, named: Mapping[str, str]) -> str | None:
    plain = isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
    return _text(node, named) if plain else None


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls of ``ERRORS`` in a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ERRORS:
            yield node


def read(call: ast.Call, file: str, named: Mapping[str, str]) -> Site | None:
    """Return the code and the messages of a call; None where it passes on the code of another error."""
    values = {word.arg: word.value for word in call.keywords}
    code = values.get("code")
    if code is not None and ast.unparse(code).rpartition(".")[2] == "code":
        return None
    literal = _text(code, named) if isinstance(code, ast.Constant | ast.JoinedStr) else None
    if ast.unparse(call.func).endswith("require_known"):
        return Site(file, call.lineno, literal, _text(call.args[2], named), NEAREST)
    what = _text(call.args[0], named) if call.args else "{…}"
    return Site(file, call.lineno, literal, what, _text(values.get("do"), named))


def _text(node: ast.expr | None, named: Mapping[str, str]) -> str:
    """Return a message with ``{name}`` for its values: the words of an f-string, of a sum, or of both branches."""
    match node:
        case None:
            return ""
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_text(part, named) for part in parts)
        case ast.FormattedValue(value=value) | ast.Call(func=ast.Name(id="count" | "str" | "sorted"), args=[value, *_]):
            return _text(value, named)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _text(left, named) + _text(right, named)
        case ast.IfExp(body=body, orelse=other):
            return " / ".join(filter(None, (_text(body, named), _text(other, named))))
        case ast.BoolOp(values=[*_, last]):
            return _text(last, named)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return named.get(name, f"{{{name}}}")
        case ast.Call(func=ast.Name(id="nearest")):
            return NEAREST
        case _:
            return "{…}"


def page() -> str:
    """Return the text of ``docs/errors.md``."""
    known = [site for site in sites() if site.code is not None]
    rows = ["| Code | Message | What to do | Raised in |", "| --- | --- | --- | --- |"]
    for code in sorted({str(site.code) for site in known}):
        same = {(site.what, site.do, site.file) for site in known if site.code == code}
        for place, (what, do, file) in enumerate(sorted(same)):
            rows.append(f"| {'' if place else f'`{code}`'} | {_cell(what)} | {_cell(do)} | `{file}` |")
    return HEAD + "\n".join(rows) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

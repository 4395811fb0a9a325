"""Errors for users: each has a literal, stable code, which docs/errors.md lists and which survives a worker process."""

from __future__ import annotations

import ast
import pickle
import re
import runpy
from pathlib import Path

import pytest

from noisy_student.errors import NotTrainable, UserError

DOCS = runpy.run_path(str(Path(__file__).parents[1] / "docs" / "errors.py"))
KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9{}…]+)*")


def test_every_error_has_a_literal_code() -> None:
    found = DOCS["sites"]()
    assert len(found) > 200
    assert [f"{site.file}:{site.line}" for site in found if site.code is None] == []
    assert [site.code for site in found if not KEBAB.fullmatch(site.code)] == []


def test_an_error_without_a_code_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="code"):
        UserError("What.")  # type: ignore[call-arg]


def test_the_page_of_codes_is_up_to_date() -> None:
    assert DOCS["PAGE"].read_text(encoding="utf-8") == DOCS["page"](), "run: python docs/errors.py"


@pytest.mark.parametrize("kind", [UserError, NotTrainable])
def test_a_code_survives_a_worker_process(kind: type[UserError]) -> None:
    error = kind("What.", why="Why.", do="Do.", code="some-code")
    copy = pickle.loads(pickle.dumps(error))  # noqa: TID251 - bytes of this process, as the worker pool sends them
    assert type(copy) is kind
    assert (copy.what, copy.why, copy.do, copy.code) == ("What.", "Why.", "Do.", "some-code")


@pytest.mark.parametrize(
    ("source", "code", "what"),
    [
        ('UserError("A.", code="a-b")', "a-b", "A."),
        ('errors.NotTrainable(f"{x.y} is {z:.2f}.", code="a")', "a", "{y} is {z}."),
        ('UserError(f"{f(x)}" + "b", code=f"unknown-{kind}")', "unknown-{kind}", "{…}b"),
        ('require_known(x, known, f"No {x}.", code="unknown-x")', "unknown-x", "No {x}."),
        ('UserError("A.")', None, "A."),
        ('UserError("A.", code=name)', None, "A."),
    ],
)
def test_a_code_is_read_from_the_source(source: str, code: str | None, what: str) -> None:
    (call,) = DOCS["calls"](ast.parse(source))
    site = DOCS["read"](call, "x.py", {})
    assert (site.code, site.what) == (code, what)


@pytest.mark.parametrize("code", ["error.code", "code"])
def test_an_error_that_passes_on_a_code_is_not_listed(code: str) -> None:
    (call,) = DOCS["calls"](ast.parse(f"UserError(error.what, code={code})"))
    assert DOCS["read"](call, "x.py", {}) is None


def test_a_message_may_have_a_name() -> None:
    tree = ast.parse('def f():\n    what = f"No {x}."\n    raise UserError(what, code="a")\nwhat = "Below."')
    (call,) = DOCS["calls"](tree)
    assert DOCS["read"](call, "x.py", DOCS["texts_above"](tree, call.lineno)).what == "No {x}."

"""Options that several verbs share: a dataclass of flags becomes one option per field."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

import pytest

from noisy_student.cli import options
from noisy_student.cli.options import flattened


@dataclass(frozen=True)
class Group:
    """Two flags."""

    seed: options.Seed = 1
    model: options.Model = None


def test_fields_become_parameters_and_arrive_as_the_group() -> None:
    got: list[object] = []

    def verb(group: Group, file: options.File, json: options.Json = False) -> None:
        """Do it."""
        got.append((group, file, json))

    made = flattened(verb)
    assert made.__doc__ == "Do it."
    shown = inspect.signature(made).parameters
    assert list(shown) == ["seed", "model", "file", "json"]
    assert shown["seed"].annotation is options.Seed
    assert (shown["seed"].default, shown["file"].default) == (1, inspect.Parameter.empty)
    made(seed=3, model="x", file="-", json=True)
    assert got == [(Group(3, "x"), "-", True)]
    with pytest.raises(KeyError):
        made(seed=3, file="-", json=True)

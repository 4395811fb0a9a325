"""Tables of named rows that other packages can extend: one registry for each kind of thing that varies.

A row is registered once, by ``REGISTRY.register(name, row)``. Packages outside of this one do it when they are
imported; an installed package names the module to import as an entry point in the registry's group, such as::

    [project.entry-points."noisy_student.engines"]
    my-engine = "my_package.engine"

Entry points are imported at the first look-up of a name that is not built in, or when all rows are listed; a plug-in
that cannot be loaded is an error of those look-ups only, so every command that does not need it goes on.
"""

from __future__ import annotations

import importlib.metadata
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from noisy_student import identity
from noisy_student.errors import UserError, nearest

Row = TypeVar("Row")
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class Registry(Generic[Row]):
    """Rows of one kind by name, in the order of their registration."""

    def __init__(
        self,
        kind: str,
        row: type[Row],
        *,
        group: str,
        check: Callable[[str, Row, Mapping[str, Row]], None] | None = None,
    ) -> None:
        """``kind`` is the word of messages ("engine"), ``group`` the group of entry points.

        ``check`` takes a new name, its row and the rows so far, and raises UserError for a row that cannot join them.
        """
        self.kind, self.group = kind, group
        self._type, self._check = row, check
        self._rows: dict[str, Row] = {}
        self._origins: dict[str, str] = {}
        self._failures: dict[str, UserError] = {}
        self._loaded = False
        _REGISTRIES.append(self)

    def register(self, name: str, row: Row) -> None:
        """Add a row; raises UserError for a name that is taken or malformed, and for a row of another type."""
        caller = sys._getframe(1).f_globals.get("__name__", "?")
        if not NAME.fullmatch(name):
            raise UserError(
                f'"{caller}" registers the {self.kind} "{name}".',
                why="A name has lower-case letters, digits, dots, dashes and underscores, at most 64.",
                do="Rename it.",
                code="plugin-name-invalid",
            )
        if name in self._rows:
            raise UserError(
                f'"{caller}" registers the {self.kind} "{name}", which "{self._origins[name]}" has registered.',
                why="A study could not say which of the two it means.",
                do="Rename one of them.",
                code="plugin-name-taken",
            )
        if not isinstance(row, self._type):
            raise UserError(
                f'"{caller}" registers a {type(row).__name__} as the {self.kind} "{name}".',
                why=f"This registry holds {self._type.__name__} rows.",
                do=f"Build a {self._type.__name__} with its fields (docs/extending.md).",
                code="plugin-row-invalid",
            )
        if self._check is not None:
            self._check(name, row, self._rows)
        self._rows[name] = row
        self._origins[name] = caller

    def get(self, name: str, field: str = "") -> Row:
        """Return the row of this name; raises UserError that names the nearest one, or the plug-in that failed.

        ``field`` is the setting that holds the name, for the message.
        """
        if not self._is_built_in(name):
            self._load()
            if name in self._failures:
                raise self._failures[name]
        if name in self._rows:
            return self._rows[name]
        raise UserError(
            f'{f"{field}: there" if field else "There"} is no {self.kind} "{name}".',
            do=nearest(name, self._rows),
            code=f"unknown-{self.kind.replace(' ', '-')}",
        )

    def names(self) -> tuple[str, ...]:
        """Return all names that ``get`` knows, those of plug-ins that load included."""
        self._load()
        return tuple(name for name in self._rows if self._is_built_in(name) or name not in self._failures)

    def __contains__(self, name: object) -> bool:
        return self._is_built_in(name) or name in self.names()

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    @property
    def failures(self) -> dict[str, UserError]:
        """Plug-ins that could not be loaded, by the name they register; ``noisy-student doctor`` prints them."""
        self._load()
        return dict(self._failures)

    def identity(self, name: str) -> dict[str, Any]:
        """Return what a stored key must hold of a row from outside: its module and the digest of its code.

        Empty for rows of this package, whose code is in the digest of the stage that uses them.
        """
        self.get(name)
        if self._is_built_in(name):
            return {}
        module = self._origins[name]
        code = identity.outside_code(module)
        return {"module": module, "source": identity.digest(code) if code else None}

    def _is_built_in(self, name: object) -> bool:
        return name in self._rows and _package(self._origins.get(str(name), "")) == identity.PACKAGE

    def _load(self) -> None:
        """Import every entry point of the group once; remember which failed, and why."""
        if self._loaded:
            return
        self._loaded = True
        points = importlib.metadata.entry_points(group=self.group)
        count = Counter(point.name for point in points)
        for point in points:
            if count[point.name] == 1:
                self._load_point(point)
            else:
                alike = [f"{_distribution(each)} ({each.value})" for each in points if each.name == point.name]
                self._failures[point.name] = UserError(
                    f'The {self.kind} "{point.name}" is an entry point of {" and of ".join(sorted(alike))}.',
                    why="A study could not say which of them it means.",
                    do="Uninstall all but one of these packages.",
                    code="plugin-name-taken",
                )

    def _load_point(self, point: importlib.metadata.EntryPoint) -> None:
        before = {registry: set(registry._rows) for registry in _REGISTRIES}
        place = f'The entry point "{point.name} = {point.value}" ({self.group}) of {_distribution(point)}'
        try:
            point.load()
        except UserError as error:
            failure = UserError(f"{place} was refused: {error.what}", why=error.why, do=error.do, code=error.code)
        except (Exception, SystemExit) as error:
            failure = UserError(
                f"{place} cannot be loaded: {type(error).__name__}: {error}",
                why="What it registers is therefore not available; everything else is.",
                do=f"Fix or uninstall {_distribution(point)}.",
                code="plugin-broken",
            )
        else:
            if point.name not in self._rows:
                self._failures[point.name] = UserError(
                    f"{place} registered no {self.kind} of that name.",
                    why="The entry point's name is the name that studies use.",
                    do=f'Call register("{point.name}", ...) in {point.value}.',
                    code="plugin-registers-nothing",
                )
            return
        self._failures[point.name] = failure
        # Rows that a plug-in registers before it fails, in any table, may need what it did not reach.
        for registry in _REGISTRIES:
            for name in set(registry._rows) - before.get(registry, set()):
                if _package(registry._origins.get(name, "")) == _package(point.value):
                    del registry._rows[name], registry._origins[name]
                    registry._failures[name] = failure


_REGISTRIES: list[Registry[Any]] = []
"""Every registry: a module may register rows in several."""


def _package(module: str) -> str:
    return module.partition(":")[0].partition(".")[0]


def _distribution(point: importlib.metadata.EntryPoint) -> str:
    return point.dist.name if point.dist else "an unnamed package"

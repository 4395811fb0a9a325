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
import inspect
import re
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from noisy_student import identity
from noisy_student.errors import UserError, nearest

Row = TypeVar("Row")
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class Registry(Generic[Row]):
    """Rows of one kind by name, in the order of their registration."""

    def __init__(self, kind: str, row: type[Row], *, group: str) -> None:
        """``kind`` is the word of messages ("engine"), ``group`` the group of entry points."""
        self.kind, self.group = kind, group
        self._type = row
        self._rows: dict[str, Row] = {}
        self._origins: dict[str, str] = {}
        self._failures: dict[str, UserError] = {}
        self._loaded = False

    def register(self, name: str, row: Row) -> None:
        """Add a row; raises UserError for a name that is taken or malformed, and for a row of another type."""
        caller = inspect.stack()[1].frame.f_globals.get("__name__", "?")
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
        self._rows[name] = row
        self._origins[name] = caller

    def get(self, name: str, field: str = "") -> Row:
        """Return the row of this name; raises UserError that names the nearest one, or the plug-in that failed.

        ``field`` is the setting that holds the name, for the message.
        """
        if name not in self._rows:
            self._load()
        if name in self._rows:
            return self._rows[name]
        if name in self._failures:
            raise self._failures[name]
        what = f'{f"{field}: there" if field else "There"} is no {self.kind} "{name}".'
        raise UserError(what, do=nearest(name, self._rows), code=f"unknown-{self.kind.replace(' ', '-')}")

    def names(self) -> tuple[str, ...]:
        """Return all names, those of plug-ins that load included."""
        self._load()
        return tuple(self._rows)

    def __contains__(self, name: object) -> bool:
        return name in self._rows or name in self.names()

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    @property
    def failures(self) -> dict[str, UserError]:
        """Plug-ins that could not be loaded, by entry point; ``noisy-student doctor`` prints them."""
        self._load()
        return dict(self._failures)

    def identity(self, name: str) -> dict[str, Any]:
        """Return what a stored key must hold of a row from outside: its module and the digest of its code.

        Empty for rows of this package, whose code is in the digest of the stage that uses them.
        """
        self.get(name)
        module = self._origins[name]
        if module.partition(".")[0] == identity.PACKAGE:
            return {}
        code = identity.outside_code(module)
        return {"module": module, "source": identity.digest(code) if code else None}

    def _load(self) -> None:
        """Import every entry point of the group once; remember which failed, and why."""
        if self._loaded:
            return
        self._loaded = True
        for point in importlib.metadata.entry_points(group=self.group):
            package = point.dist.name if point.dist else "an unnamed package"
            # Rows that a plug-in registers before it fails may need what it did not reach.
            before = dict(self._rows)
            place = f'The entry point "{point.name} = {point.value}" ({self.group}) of {package}'
            try:
                point.load()
            except UserError as error:
                self._rows = before
                self._failures[point.name] = UserError(
                    f"{place} was refused: {error.what}", why=error.why, do=error.do, code=error.code
                )
            except (Exception, SystemExit) as error:
                self._rows = before
                self._failures[point.name] = UserError(
                    f"{place} cannot be loaded: {type(error).__name__}: {error}",
                    why=f"Its {self.kind} is therefore not available; everything else is.",
                    do=f"Fix or uninstall {package}.",
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

"""The number of examples of a property: all where slow tests run too, a third in the fast set."""

from __future__ import annotations

from hypothesis import settings

ALL = 60
"""Examples of a property without a number of its own; ``conftest.py`` loads a profile of a third in the fast set."""


def examples(count: int) -> settings:
    """Return settings for ``count`` examples, scaled as the loaded profile scales ``ALL``."""
    return settings(max_examples=max(1, count * settings.default.max_examples // ALL))

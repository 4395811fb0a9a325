"""Exit codes of a command (design section 3)."""

from __future__ import annotations

DONE, USER_ERROR, PAUSED, INTERRUPTED = 0, 1, 75, 130
"""75 is EX_TEMPFAIL of sysexits.h: run again; 130 is 128 + SIGINT."""

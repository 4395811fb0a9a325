"""The command line: a verb's module is named in ``main.VERBS``; its exit codes are these (design section 3)."""

USER_ERROR, PAUSED, INTERRUPTED = 1, 75, 130
"""75 is EX_TEMPFAIL of sysexits.h: run again; 130 is 128 + SIGINT."""

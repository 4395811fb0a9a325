"""``python -m noisy_student``, the same as the command ``noisy-student``."""

from __future__ import annotations

import sys

from noisy_student.cli.main import main

if __name__ == "__main__":
    sys.exit(main())

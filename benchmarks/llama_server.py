"""llama.cpp's own server for ``benchmarks/sampling.py``: a process on a free port of the loopback, always ended.

    pip install --target /tmp/llama_lib --no-deps xllamacpp==2026.10.11549

gets it ready-made (the wheel holds llama.cpp and its HTTP server, nothing is compiled). As a program this file is the
server's process: it says where it listens and goes on until its standard input is closed.
"""

from __future__ import annotations

import http.client
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

INSTALL = "pip install --target /tmp/llama_lib --no-deps xllamacpp==2026.10.11549"
START_SECONDS = 120
SPARE_SLOTS = 16
"""Slots of a sequence beyond prompt and cap."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How many samples the server draws at once, and whether the samples of a question share one request."""

    parallel: int
    shared: bool

    def __str__(self) -> str:
        """As it stands in the table."""
        return f"{self.parallel} at once, {'a request a question' if self.shared else 'a request a sample'}"


SETTINGS = (Setting(16, False), Setting(32, False), Setting(32, True), Setting(64, False), Setting(64, True))


def unsupported_reason(folder: Path, model: str) -> str | None:
    """Why there is no server for this model; None if there can be one."""
    if not model.endswith(".gguf"):
        return "the model is no GGUF file"
    if not (folder / "xllamacpp").is_dir():
        return f"there is no xllamacpp in {folder} ({INSTALL})"
    return None


class LlamaServer:
    """A server of one model; a context manager, since it is a process."""

    def __init__(self, folder: Path, model: str, setting: Setting, *, room: int, threads: int) -> None:
        """``room`` is how many tokens a prompt and what follows it may have."""
        self._setting = setting
        numbers = [str(number) for number in (setting.parallel, room + SPARE_SLOTS, threads)]
        self._command = [sys.executable, str(Path(__file__).resolve()), str(folder), model, *numbers]
        self._process: subprocess.Popen[str] | None = None
        self._host = ""
        self.build = ""

    def __enter__(self) -> LlamaServer:
        # Threads of the server wait in its own way: what is set for torch would make it slower.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")}
        with tempfile.TemporaryFile("w+") as errors:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=environment,
            )
            try:
                said = self._first_word(self._process)
            except BaseException:
                self._kill()
                errors.seek(0)
                print(errors.read()[-2000:], file=sys.stderr)
                raise
        self._host, self.build = said["address"].removeprefix("http://"), said["build"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kill()

    def draw(
        self, prompts: Sequence[Sequence[int]], wanted: dict[str, Any], *, k: int, first_seed: int = 0
    ) -> list[tuple[int, bool]]:
        """K samples of each prompt: tokens, the one that ends it among them, and whether it ended before the cap."""
        copies = k if self._setting.shared else 1
        bodies = [
            {**wanted, "prompt": list(prompt), "n_cmpl": copies, "seed": first_seed + number * k + start}
            for number, prompt in enumerate(prompts)
            for start in range(0, k, copies)
        ]
        clients = max(1, self._setting.parallel // copies)
        connections: queue.SimpleQueue[http.client.HTTPConnection] = queue.SimpleQueue()
        for _ in range(clients):
            connections.put(http.client.HTTPConnection(self._host))

        def ask(body: dict[str, Any]) -> list[dict[str, Any]]:
            connection = connections.get()
            try:
                return _post(connection, body)
            finally:
                connections.put(connection)

        with ThreadPoolExecutor(clients) as pool:
            found = [one for answer in pool.map(ask, bodies) for one in answer]
        assert len(found) == k * len(prompts)
        return [(int(one["tokens_predicted"]), one["stop_type"] != "limit") for one in found]

    def _first_word(self, process: subprocess.Popen[str]) -> dict[str, str]:
        """What the process says once it listens; the library may write lines of its own before."""
        timer = threading.Timer(START_SECONDS, process.kill)
        timer.start()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith('{"address"'):
                    return dict(json.loads(line))
        finally:
            timer.cancel()
        raise RuntimeError("llama.cpp's server did not start")

    def _kill(self) -> None:
        if self._process is not None:
            with self._process:  # closes its pipes and waits for its end
                self._process.kill()


def request(*, temperature: float, cap: int) -> dict[str, Any]:
    """The fields that say how tokens are chosen: temperature and nothing else."""
    return {
        "n_predict": cap,
        "temperature": temperature,
        "top_k": 0,
        "top_p": 1.0,
        "min_p": 0.0,
        "samplers": ["temperature"],
        "cache_prompt": True,
    }


def _post(connection: http.client.HTTPConnection, body: dict[str, Any]) -> list[dict[str, Any]]:
    connection.request("POST", "/completion", json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    found = json.loads(answer.read())
    if answer.status != 200:
        raise RuntimeError(f"llama.cpp's server: {found}")
    return found if isinstance(found, list) else [found]


def serve(folder: str, model: str, parallel: int, room: int, threads: int) -> None:
    """Listen until standard input is closed, then leave at once."""
    sys.path.insert(0, folder)
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = model
    params.n_parallel = parallel
    params.n_ctx = parallel * room
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    # One thread a client: with fewer, requests wait for a thread while the server has room for them.
    params.n_threads_http = parallel + 4
    params.verbosity = 0
    params.ui = False
    server = xllamacpp.Server(params)
    build = f"xllamacpp {xllamacpp.__version__}, {xllamacpp.get_system_info()}"
    print(json.dumps({"address": server.listening_address, "build": build}), flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6]))

"""A hub on loopback: the part of its protocol that fetching a data set needs, served from a folder."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"
DATASET = "someone/sums"


@contextmanager
def serve(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """The address of a hub that has ``folder`` as the data set ``someone/sums``, and the list of what was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, *, body: bool) -> None:
            path = self.path.split("?")[0]
            asked.append(f"{self.command} {path}")
            path = path.replace("/resolve/main/", f"/resolve/{COMMIT}/")
            start = f"/datasets/{DATASET}/resolve/{COMMIT}/"
            if path in (f"/api/datasets/{DATASET}", f"/api/datasets/{DATASET}/revision/main"):
                names = sorted(item.relative_to(folder).as_posix() for item in folder.rglob("*") if item.is_file())
                info = {"id": DATASET, "sha": COMMIT, "siblings": [{"rfilename": name} for name in names]}
                self._send(200, json.dumps(info).encode(), body=body)
            elif path.startswith(start) and (folder / path.removeprefix(start)).is_file():
                self._send(200, (folder / path.removeprefix(start)).read_bytes(), body=body)
            else:
                self._send(404, b"{}", body=body)

        def _send(self, status: int, content: bytes, *, body: bool) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            if status == 404:
                self.send_header("X-Error-Code", "RepoNotFound")
            self.end_headers()
            if body:
                self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()

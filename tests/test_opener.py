"""Opening what others wrote: regular files only, by their first bytes, within limits."""

from __future__ import annotations

import gzip
import io
import os
import socket
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refused

from noisy_student import files, opener

TEXT = '{"question": "é?"}\nzwei\n'


def lines(path: Path) -> list[str]:
    with opener.opened(path) as found:
        return list(found.lines())


def zipped(content: bytes) -> bytes:
    """The same bytes each time, since two test processes must collect the same names."""
    return gzip.compress(content, mtime=0)


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
        TEXT.encode("utf-32"),
        "\ufeff".join(["", *TEXT.splitlines(keepends=True)]).encode(),
        zipped(TEXT.encode()),
        zipped(TEXT.encode("utf-16")),
        zipped(TEXT[:5].encode()) + zipped(TEXT[5:].encode()),
    ],
)
def test_text_in_any_encoding(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(content)
    assert "".join(lines(tmp_path / "a")) == TEXT


@pytest.mark.parametrize("make", ["fifo", "socket", "folder", "device"])
def test_what_may_never_end_is_refused_at_once(make: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    if make == "fifo":
        os.mkfifo(path)
    elif make == "socket":
        bound = socket.socket(socket.AF_UNIX)
        bound.bind(str(path))
    elif make == "folder":
        path.mkdir()
    else:
        path = Path("/dev/zero")
    link = tmp_path / "link"
    link.symlink_to(path)
    found: list[str] = []

    def read() -> None:
        for action in (opener.require_regular, opener.read_text, files.read_json, files.sha256_file):
            for place in (path, link):
                with refused("not-a-regular-file", str(place)):
                    action(place)
                found.append(place.name)

    # A thread that hangs must not keep the test from ending.
    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(20)
    assert len(found) == 8


def test_a_link_to_a_file_is_the_file_and_one_to_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "link").symlink_to("a")
    assert lines(tmp_path / "link") == ["x"]
    (tmp_path / "broken").symlink_to("/nowhere")
    with refused("file-unreadable", "a symbolic link to /nowhere"):
        lines(tmp_path / "broken")
    with refused("file-unreadable", "No such file"):
        lines(tmp_path / "none")
    with refused("file-unreadable"):
        opener.require_regular(Path("a\0b"))


def test_the_pipe_of_a_shell_is_read(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, TEXT.encode())
    os.close(writing)
    assert "".join(lines(Path(f"/dev/fd/{reading}"))) == TEXT
    os.close(reading)


@pytest.mark.parametrize(
    ("content", "code", "value"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n", "lfs-pointer", "git lfs pull"),
        (b"PK\x03\x04train.jsonl", "format-not-read", "unzip"),
        (b"PK\x03\x04[Content_Types].xml", "format-not-read", "save it as CSV"),
        (b"\x28\xb5\x2f\xfd...", "format-not-read", "zstd -d"),
        (b"BZh91AY", "format-not-read", "bunzip2"),
        (b"\n <!DOCTYPE html>", "format-not-read", "a web page"),
        (b"\xef\xbb\xbf<html>", "format-not-read", "a web page"),
        (b"404: Not Found", "format-not-read", "Download the file again"),
        (b"\0" * 257 + b"ustar", "format-not-read", "tar -xf"),
        (b"\x80\x04\x95", "format-not-read", "pickle"),
        (zipped(b"PAR1"), "format-not-read", "parquet inside gzip"),
        (zipped(zipped(b"x")), "format-not-read", "gzip inside gzip"),
        (zipped(b"x" * 999)[:-9], "gzip-damaged", "damaged gzip"),
        (b"\x1f\x8b\x08 no gzip", "gzip-damaged", "damaged gzip"),
    ],
)
def test_other_formats_are_named_with_a_remedy(content: bytes, code: str, value: str, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(content)
    with refused(code, "a.jsonl", value):
        lines(tmp_path / "a.jsonl")


def test_limits_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opener, "LARGEST_LINE", 1000)
    monkeypatch.setattr(opener, "LARGEST_DOCUMENT", 3000)
    monkeypatch.setattr(opener, "LARGEST_UNPACKED", 5000)
    path = tmp_path / "a"
    for content in ("x" * 1001, "\n" + "x" * 1001 + "\n"):
        for encoding in ("utf-8", "utf-16"):
            path.write_bytes(content.encode(encoding))
            with refused("file-too-large", f"{path}:{1 + content.count(chr(10)) // 2}", "1,000 bytes"):
                lines(path)
    path.write_text("x" * 999 + "\n")
    assert lines(path) == ["x" * 999 + "\n"]
    path.write_text("x\n" * 1501)
    assert len(lines(path)) == 1501
    with refused("file-too-large", "3,000 bytes"), opener.opened(path) as found:
        found.text()
    with refused("file-too-large", "3,000 bytes"):
        files.read_json(path)
    path.write_bytes(gzip.compress(b"x\n" * 2501))
    with refused("file-too-large", "5,000 bytes"):
        lines(path)
    # Compressed as texts are: no limit beside that of its own size.
    path.write_bytes(gzip.compress(os.urandom(3000).hex().encode() + b"\n" * 200))
    monkeypatch.setattr(opener, "LARGEST_LINE", 10_000)
    assert len(lines(path)) == 200


def test_a_gzip_bomb_ends_at_the_limit(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "bomb.jsonl.gz", "wb") as file:
        for _ in range(200):
            file.write(b" " * 1_000_000)
    with refused("file-too-large", "64,000,000 bytes"):
        lines(tmp_path / "bomb.jsonl.gz")


def test_standard_input_is_opened_as_files_are(monkeypatch: pytest.MonkeyPatch) -> None:
    for content in (TEXT.encode(), TEXT.encode("utf-16"), gzip.compress(TEXT.encode("utf-8-sig"))):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content), encoding="ascii"))
        assert "".join(opener.standard_input().lines()) == TEXT
    monkeypatch.setattr("sys.stdin", io.StringIO(TEXT))
    assert "".join(opener.standard_input().lines()) == TEXT
    monkeypatch.setattr("sys.stdin", None)
    with refused("standard-input-closed"):
        opener.standard_input()


def test_what_stands_in_the_place_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "broken").symlink_to("/nowhere")
    opener.require_folder(tmp_path / "new" / "folder")
    for path, value in (("file", "file is a file"), ("file/x", "file is a file"), ("broken", "link to /nowhere")):
        with refused("not-a-folder", value):
            opener.require_folder(tmp_path / path)


@given(st.binary(max_size=40), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]), st.booleans())
def test_any_bytes_are_text_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, code: str, zip: bool
) -> None:
    path = tmp_path_factory.mktemp("any") / "a"
    content = data.decode(errors="replace").encode(code) if code != "utf-8" else data
    path.write_bytes(gzip.compress(content) if zip else content)
    try:
        found = "".join(lines(path))
    except opener.UserError as error:
        assert str(path) in error.what
    else:
        assert found.isascii() or found.encode()

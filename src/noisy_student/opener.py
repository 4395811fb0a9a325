"""Opens what people and other programs wrote: regular files only, unpacked and decoded within stated limits.

Text is UTF-8, or UTF-16 or UTF-32 by its byte order mark; gzip is unpacked. Files of other formats are refused by name,
each with the step that makes them readable.
"""

from __future__ import annotations

import codecs
import gzip
import io
import os
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, TypeAlias

from noisy_student.errors import UserError

LARGEST_LINE = 64_000_000
"""Bytes of one line: more than any row of text, and little enough to hold."""
LARGEST_DOCUMENT = 512_000_000
"""Bytes of a file that is read whole, such as one JSON array."""
LARGEST_UNPACKED = 1_000_000_000
"""Bytes that a compressed file may always unpack to; see ``most_unpacked``."""
USUAL_RATIO = 20
"""Compressed texts unpack to 3 to 10 times their size; a file that unpacks to thousands of times is an attack."""
Bytes: TypeAlias = "io.BufferedReader[Any]"
PARQUET = b"PAR1"
STANDARD_INPUT = "standard input"
_GZIP = b"\x1f\x8b"
_LFS = b"version https://git-lfs"
_HEAD = 512
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Byte order marks and their encodings; that of UTF-32 begins with that of UTF-16, so it comes first."""
_UNPACK = "Unpack it ({})."
_SAVE = "Open it and save it as CSV (UTF-8)."
_ARCHIVE = ("an archive", "Unpack it.")
_COLUMNS = "Write it as parquet or JSONL."
_PICKLE = ("a Python pickle", "Write it as JSONL; a pickle may run code.")
_IMAGE = ("an image", "Give the questions as JSONL or CSV.")
_FOREIGN = {
    b"PK\x03\x04": ("a ZIP archive", _UNPACK.format("unzip")),
    b"\x28\xb5\x2f\xfd": ("compressed with zstd", _UNPACK.format("zstd -d")),
    b"BZh": ("compressed with bzip2", _UNPACK.format("bunzip2")),
    b"\xfd7zXZ\x00": ("compressed with xz", _UNPACK.format("unxz")),
    b"7z\xbc\xaf\x27\x1c": _ARCHIVE,
    b"Rar!": _ARCHIVE,
    b"\xd0\xcf\x11\xe0": ("an Excel workbook or another Office document", _SAVE),
    b"{\\rtf": ("a rich-text document", "Save it as plain text (UTF-8)."),
    b"%PDF": ("a PDF document", "Give the questions as JSONL or CSV."),
    b"SQLite format 3": ("an SQLite database", "Export the table as CSV (sqlite3 -header -csv)."),
    b"ARROW1": ("an Arrow file", _COLUMNS),
    b"\xff\xff\xff\xff": ("an Arrow stream of a saved data set", "Write it as parquet: Dataset.to_parquet."),
    b"PARE": ("an encrypted parquet file", "Write it without encryption."),
    b"\x93NUMPY": ("a NumPy file", _COLUMNS),
    **dict.fromkeys((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"), _PICKLE),
    b"GGUF": ("a model, not data", "Give it as --model, and a file of questions here."),
    b"\x89PNG": _IMAGE,
    b"\xff\xd8\xff": _IMAGE,
}
"""First bytes of formats that are not read: the kind of file, and the step that makes it readable."""
_PAGE = ("a web page, not data", 'Download the file itself ("Raw" or "Download" on its page).')
_DOWNLOAD = ("the error message of a download", "Check the address and your login, and download the file again.")
_PAGES = {
    b"<!doctype html": _PAGE,
    b"<html": _PAGE,
    b"404: not found": _DOWNLOAD,
    b"entry not found": _DOWNLOAD,
    b"invalid username or password": _DOWNLOAD,
}
"""First letters of texts that are no data, in lower case."""


def kind_of(path: Path) -> str:
    """Return what stands at the path, as words for a message: ``a folder``, ``a named pipe``, ``missing``."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        if path.is_symlink():
            return f"a symbolic link to {path.readlink()}, which does not exist"
        return "missing"
    except OSError as error:
        return f"unreadable ({error.strerror})"
    return _KINDS.get(stat.S_IFMT(mode), "a file")


def open_regular(path: Path) -> Bytes:
    """Open a regular file for reading bytes; raises OSError, and UserError, without waiting, for anything else.

    Links to regular files are followed. The pipe of a shell's ``<(...)`` is read, since another process writes to it.
    """
    if not _readable(path.stat().st_mode, path):
        _refuse(path)
    # A pipe or device that replaced the file in the meantime must not block.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if not _readable(os.fstat(descriptor).st_mode, path):
            _refuse(path)
        os.set_blocking(descriptor, True)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn an OSError on opening ``path`` into a UserError."""
    try:
        yield
    except (OSError, ValueError) as error:
        told = error.strerror if isinstance(error, OSError) else str(error)
        told = kind_of(path) if isinstance(error, FileNotFoundError) and path.is_symlink() else told
        raise UserError(
            f"{path} cannot be read: {told}.", do="Check the path and its permissions.", code="file-unreadable"
        ) from error


def require_regular(path: Path) -> None:
    """Raise UserError unless the path is a regular file, or a link to one, that can be opened."""
    with _told(path):
        open_regular(path).close()


def require_whole(path: Path) -> None:
    """Raise UserError unless the path is a regular file that can be opened, and no Git LFS pointer."""
    with _told(path), open_regular(path) as file:
        head = file.read(len(_LFS))
    _refuse_pointer(str(path), head)


def require_folder(path: Path) -> None:
    """Raise UserError if anything but a folder stands at the path, or in the place of a folder above it."""
    for place in (path, *path.parents):
        kind = kind_of(place)
        if kind == "a folder":
            return
        if kind != "missing":
            raise UserError(
                f"{place} is {kind}.",
                why="Results are kept in a folder there.",
                do="Give another path, or move it away.",
                code="not-a-folder",
            )


def _readable(mode: int, path: Path) -> bool:
    inherited = path.parent in (Path("/dev/fd"), Path("/proc/self/fd")) or path == Path("/dev/stdin")
    return stat.S_ISREG(mode) or (stat.S_ISFIFO(mode) and inherited)


def _refuse(path: Path) -> NoReturn:
    kind = kind_of(path)
    raise UserError(
        f"{path} is {kind}.",
        why="Only regular files are read, since reading anything else may never end.",
        do="Give one of its files."
        if kind == "a folder"
        else "Give a file; the output of another command can come through standard input (-).",
        code="not-a-regular-file",
    )


def read_bytes(path: Path, *, largest: int = LARGEST_DOCUMENT) -> bytes:
    """Return the bytes of a regular file of at most ``largest`` bytes."""
    with _told(path), open_regular(path) as file:
        return limited(str(path), file, largest)


def read_text(path: Path, *, largest: int = LARGEST_DOCUMENT) -> str:
    """Return the text of a regular file of at most ``largest`` bytes, with its line ends as they are."""
    data = read_bytes(path, largest=largest)
    return text_of(io.BufferedReader(io.BytesIO(data)), str(path))


def limited(name: str, file: Bytes, largest: int) -> bytes:
    """Return the rest of an open file; raises UserError for more than ``largest`` bytes."""
    data = file.read(largest + 1)
    if len(data) > largest:
        raise too_large(f"{name} is larger than {largest:,} bytes")
    return data


def text_of(file: Bytes, name: str) -> str:
    """Return the text of an open file of at most LARGEST_DOCUMENT bytes, by its byte order mark."""
    return "".join(bounded(Opened(name, _recoded(name, file), b"", 0).lines(), name))


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """Provide a regular file, unpacked, at its start; raises UserError for a format that is not read."""
    with _told(path):
        file = open_regular(path)
    with file:
        yield _unpacked(str(path), file, os.fstat(file.fileno()).st_size)


def standard_input() -> Opened:
    """Return standard input, unpacked, at its start; raises UserError for a format that is not read."""
    if sys.stdin is None:
        raise UserError("Standard input is closed.", do="Give a file.", code="standard-input-closed")
    # A program may have put a stream of text alone in place of standard input.
    file = getattr(sys.stdin, "buffer", None) or io.BytesIO(sys.stdin.read().encode(errors="surrogatepass"))
    return _unpacked(STANDARD_INPUT, file if isinstance(file, io.BufferedReader) else io.BufferedReader(file), 0)


def most_unpacked(packed: int) -> int:
    """Return the bytes that a compressed file of ``packed`` bytes may unpack to.

    >>> most_unpacked(218_000)
    1000000000
    """
    return max(LARGEST_UNPACKED, USUAL_RATIO * packed)


@dataclass(frozen=True, slots=True)
class Opened:
    """An open file: its name in messages, its bytes from the start, the first of them, and its size as stored.

    ``size`` is 0 for standard input.
    """

    name: str
    file: Bytes
    head: bytes
    size: int

    def lines(self) -> Iterator[str]:
        """Yield the lines with their ends, without a byte order mark.

        Raises UserError for bytes that are not UTF-8, and for a line of more than LARGEST_LINE.
        """
        for number, raw in enumerate(iter(partial(self.file.readline, LARGEST_LINE + 1), b""), start=1):
            # Files with a mark that were joined have one in the middle.
            line = raw.removeprefix(codecs.BOM_UTF8)
            if len(line) > LARGEST_LINE:
                raise too_large(f"{self.name}:{number} is longer than {LARGEST_LINE:,} bytes")
            try:
                yield line.decode()
            except UnicodeDecodeError as error:
                raise UserError(
                    f"{self.name}:{number}: not UTF-8 at byte {error.start + 1} of the line.",
                    why="Text is read as UTF-8, or as UTF-16 where the file begins with a byte order mark.",
                    do="Save the file as UTF-8; from the Windows encoding: iconv -f WINDOWS-1252 -t UTF-8 FILE.",
                    code="not-utf8",
                ) from error


def bounded(lines: Iterator[str], name: str, most: int | None = None) -> Iterator[str]:
    """Yield the lines; raises UserError where they have more than ``most`` characters together."""
    total, most = 0, most or LARGEST_DOCUMENT
    for line in lines:
        total += len(line)
        if total > most:
            raise too_large(f"{name} is one document and larger than {most:,} bytes")
        yield line


def _recoded(name: str, file: Bytes) -> Bytes:
    """Return the file as UTF-8, where its mark, or the zeros between ASCII letters, show another encoding."""
    head = file.peek(4)[:4]
    zeros = "".join("0" if byte == 0 else "x" for byte in head)
    marked = next((encoding for mark, encoding in _MARKS.items() if head.startswith(mark)), None)
    encoding = marked or {"x0x0": "utf-16-le", "0x0x": "utf-16-be"}.get(zeros)
    if encoding is None:
        return file
    try:
        return io.BufferedReader(io.BytesIO(limited(name, file, LARGEST_DOCUMENT).decode(encoding).encode()))
    except UnicodeError as error:
        raise UserError(
            f"{name}: not {encoding.upper()}: {error}.",
            why="The file's first bytes announce this encoding.",
            do="Save the file as UTF-8.",
            code="not-utf8",
        ) from error


def _unpacked(name: str, file: Bytes, size: int) -> Opened:
    head = file.peek(_HEAD)[:_HEAD]
    if head.startswith(_GZIP):
        file = io.BufferedReader(_Unpacking(name, file, most_unpacked(size)))
        head = file.peek(_HEAD)[:_HEAD]
        if head.startswith((_GZIP, PARQUET)):
            raise UserError(
                f"{name} is {'parquet' if head.startswith(PARQUET) else 'gzip'} inside gzip.",
                do=_UNPACK.format("gunzip"),
                code="format-not-read",
            )
    _require_data(name, head)
    return Opened(name, _recoded(name, file), head, size)


def _refuse_pointer(name: str, head: bytes) -> None:
    if head.startswith(_LFS):
        raise UserError(
            f"{name} is a Git LFS pointer, not the file itself.",
            why="The repository was cloned without its large files.",
            do="Run git lfs pull in its folder.",
            code="lfs-pointer",
        )


def _require_data(name: str, head: bytes) -> None:
    """Raise UserError for a format that is not read, by the first bytes of the unpacked file."""
    _refuse_pointer(name, head)
    start = head.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    # A table's header, such as PARENT_ID, may begin like a format whose next bytes are no text.
    header = head.isascii() and min(head, default=0) >= 9 and any(mark in head for mark in b",;\t|")
    told = next((row for magic, row in _FOREIGN.items() if head.startswith(magic)), None) if not header else None
    told = told or next((row for words, row in _PAGES.items() if start.startswith(words)), None)
    if head[257:262] == b"ustar":
        told = ("a tar archive", _UNPACK.format("tar -xf"))
    elif head.startswith(b"PK\x03\x04") and (b"[Content_Types]" in head or name.lower().endswith((".xlsx", ".ods"))):
        told = _FOREIGN[b"\xd0\xcf\x11\xe0"]
    if told is not None:
        raise UserError(
            f"{name} is {told[0]}.",
            why="JSONL, JSON, CSV, TSV, XML and parquet are read, and gzip of text.",
            do=told[1],
            code="format-not-read",
        )


class _Unpacking(io.RawIOBase):
    """The unpacked bytes of a gzip file, up to a limit."""

    def __init__(self, name: str, packed: BinaryIO, most: int) -> None:
        self.name, self.left, self.most = name, most, most
        self.file = gzip.GzipFile(fileobj=packed)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            data = self.file.read1(len(buffer))
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise UserError(
                f"{self.name} is a damaged gzip file: {error}.",
                why="It cannot be unpacked past this point.",
                do="Download or write it again.",
                code="gzip-damaged",
            ) from error
        self.left -= len(data)
        if self.left < 0:
            raise too_large(f"{self.name} unpacks to more than {self.most:,} bytes")
        buffer[: len(data)] = data
        return len(data)


def too_large(what: str) -> UserError:
    """Return the error for a file above a limit; ``what`` names the file and the limit."""
    return UserError(
        f"{what}.",
        why="This limit keeps a damaged or hostile file from using up the memory.",
        do="Check the file; give large data as several files, or as JSONL, unpacked, with one row a line.",
        code="file-too-large",
    )

"""Power cuts: what a disk may hold when everything that was not synced is lost, or any part of it.

A writer's system calls are replayed on a model of a disk that promises no more than POSIX does. The bytes of a file
are sure once the file was synced, a name once its folder was. Until then each write and each name is there or not, by
chance and in no order. A killed process loses nothing of this, so that a second life may go on from what is not sure.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Union

from faults.injection import acknowledgements, write

CALLS = "openat,write,pwrite64,?pwritev,fsync,fdatasync,ftruncate,?fallocate,?link,linkat,?rename,renameat2,?unlink,\
unlinkat,?mkdir,mkdirat,?rmdir,writev"

_CALL = re.compile(r"\d+ +(\w+)\((.*)\) += \d+")
_TEXT = re.compile(r'(?:"|<)((?:\\x[0-9a-f]{2})*)(?:"|>)')

# After these a reader may see, and the next writer build on, what a power cut still undoes.
VISIBLE = ("pwrite64 state-wal", "mkdir", "rename")

Happens = Callable[[], bool]
"""Whether something that is not sure is there after the cut."""

Deaf = Callable[[str], bool]


def lost() -> bool:
    """Nothing that is not sure is there."""
    return False


def kept() -> bool:
    """A process was killed, and the machine went on."""
    return True


def chance(seed: object) -> Happens:
    """Some is there and some is not."""
    random = Random(str(seed))
    return lambda: random.random() < 0.5


@dataclass(eq=False)
class File:
    """What is sure, and what was written since."""

    sure: bytes = b""
    since: list[tuple[int, bytes | None]] = field(default_factory=list)  # bytes at an offset, or the new length

    def data(self, happens: Happens) -> bytes:
        data = bytearray(self.sure)
        for offset, new in self.since:
            if happens():
                data.extend(bytes(max(0, offset - len(data))))
                data[offset : None if new is None else offset + len(new)] = new or b""
        return bytes(data)

    def sync(self) -> None:
        self.sure, self.since = self.data(kept), []


@dataclass(eq=False)
class Folder:
    """The names that are sure, and what happened to names since."""

    sure: dict[str, Union[File, "Folder"]] = field(default_factory=dict)
    since: list[tuple[str, Union[File, "Folder", None]]] = field(default_factory=list)

    def names(self, happens: Happens) -> dict[str, Union[File, "Folder"]]:
        names = dict(self.sure)
        for name, node in self.since:
            if happens():
                if node is None:
                    names.pop(name, None)
                else:
                    names[name] = node
        return names

    def sync(self) -> None:
        self.sure, self.since = self.names(kept), []


class Disk:
    """A folder and all below it."""

    def __init__(self, folder: Path) -> None:
        self.root = _read(folder)

    def find(self, path: str) -> File | Folder | None:
        node: File | Folder | None = self.root
        for name in path.split("/") if path else ():
            node = node.names(kept).get(name) if isinstance(node, Folder) else None
        return node

    def write_to(self, target: Path, happens: Happens) -> None:
        """Make a real folder of what is there."""
        _write(self.root, target, happens, {})

    def take(self, name: str, paths: list[str], texts: list[bytes], arguments: str) -> None:
        """Let a system call happen."""
        match name:
            case "fsync" | "fdatasync":
                if (node := self.find(paths[0])) is not None:
                    node.sync()
            case "write" | "pwrite64" | "ftruncate":
                self._change(name, self._file(paths[0]), texts, arguments)
            case _:
                self._rename(name, paths, arguments)

    def _change(self, name: str, file: File, texts: list[bytes], arguments: str) -> None:
        match name:
            case "write":  # only ever to the end of a new file
                file.since.append((len(file.data(kept)), texts[0]))
            case "pwrite64":
                file.since.append((int(arguments.rpartition(", ")[2]), texts[0]))
            case "ftruncate":
                file.since.append((int(arguments.rpartition(", ")[2]), None))

    def _rename(self, name: str, paths: list[str], arguments: str) -> None:
        match name:
            case "openat":
                if "O_CREAT" in arguments and self.find(paths[-1]) is None:
                    self._name(paths[-1], File())
            case "mkdir":
                self._name(paths[-1], Folder())
            case "link":
                self._name(paths[-1], self._file(paths[-2]))
            case "rename":
                self._name(paths[-1], self._file(paths[-2]))
                self._name(paths[-2], None)
            case "unlink" | "rmdir":
                self._name(paths[-1], None)
            case _:
                raise AssertionError(f"the model knows no {name}({arguments})")

    def _name(self, path: str, node: File | Folder | None) -> None:
        folder, _, name = path.rpartition("/")
        parent = self.find(folder)
        assert isinstance(parent, Folder), path
        parent.since.append((name, node))

    def _file(self, path: str) -> File:
        file = self.find(path)
        assert isinstance(file, File), path
        return file


@dataclass(frozen=True, slots=True)
class Moment:
    """After a system call: its name, and what had been acknowledged by then."""

    call: str
    told: list[list[str]]


def live(disk: Disk, folder: Path, steps: tuple[str, ...], *, deaf: Deaf = lambda path: False) -> Iterator[Moment]:
    """Let a writer live in a real folder that is like the disk, and the disk go along; yield after each call.

    The disk does not hear that those paths are synced to which it is `deaf`.
    """
    trace = folder.with_name(f"{folder.name}.trace")
    done = write(folder, steps, trace, "-xx", "-s", "1000000", "--seccomp-bpf", "-e", f"trace={CALLS}")
    assert done.returncode == 0, done.stderr
    told = ""
    for found in filter(None, map(_CALL.match, trace.read_text().splitlines())):
        name, arguments = found.groups()
        texts = [bytes.fromhex(text.replace("\\x", "")) for text in _TEXT.findall(arguments)]
        if name == "writev":
            told += texts[-1].decode()
        elif paths := _paths(texts, str(folder)):
            if not (name in ("fsync", "fdatasync") and deaf(paths[0])):
                disk.take(name, paths, texts[1:], arguments)
        else:
            continue
        yield Moment(f"{name} {paths[-1] if name != 'writev' else told.splitlines()[-1]}", acknowledgements(told))


def _paths(texts: list[bytes], folder: str) -> list[str]:
    told = (text.decode("utf-8", "replace") for text in texts)
    return [text.removeprefix(folder).removeprefix("/") for text in told if f"{text}/".startswith(f"{folder}/")]


def _read(path: Path) -> File | Folder:
    if path.is_dir():
        return Folder({one.name: _read(one) for one in path.iterdir()})
    return File(path.read_bytes())


def _write(node: File | Folder, target: Path, happens: Happens, done: dict[File, Path]) -> None:
    if isinstance(node, Folder):
        target.mkdir()
        for name, below in node.names(happens).items():
            _write(below, target / name, happens, done)
    elif node in done:
        target.hardlink_to(done[node])
    else:
        target.write_bytes(node.data(happens))
        done[node] = target

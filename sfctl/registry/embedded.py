"""The registry as files in the data repo: `datasets/<name>/schemas/<version>.json`.

They are committed and reviewed like the policies beside them; two branches that register at once
meet in a merge conflict, which is where people decide.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

import msgspec

from sfctl.errors import UsageError
from sfctl.model.schema import Schema
from sfctl.registry.port import Registered, RegistryUnreachable, drafted

FOLDER = "schemas"
MAX_BYTES = 16 * 1024 * 1024
ATTEMPTS = 100
"""How often a number may be taken by another before a writer gives up."""


class FileRegistry:
    """`folders` maps each subject to the folder of its versions, there or not."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._folders = dict(folders)

    def subjects(self) -> tuple[str, ...]:
        return tuple(sorted(subject for subject in self._folders if self._numbers(subject)))

    def versions(self, subject: str) -> tuple[Registered, ...]:
        return tuple(self._read(subject, number) for number in self._numbers(subject))

    def version(self, subject: str, number: int) -> Registered | None:
        return self._read(subject, number) if number in self._numbers(subject) else None

    def latest(self, subject: str) -> Registered | None:
        numbers = self._numbers(subject)
        return self._read(subject, numbers[-1]) if numbers else None

    def register(
        self, subject: str, schema: Schema, *, at: str, by: str, formats: Mapping[str, str]
    ) -> Registered:
        folder = self._folders.get(subject)
        if folder is None:
            raise UsageError(
                f"{subject} is no dataset of this project",
                hint="declare it in datasets/<name>/dataset.yaml first",
                code="SF521",
            )
        for _ in range(ATTEMPTS):
            before = self.latest(subject)
            number = 1 if before is None else before.version + 1
            draft = drafted(subject, number, schema, at=at, by=by, formats=formats)
            if before is not None and _says_the_same(before, draft):
                return before
            if _placed(folder / f"{number}.json", _encoded(draft)):
                return draft
        raise RegistryUnreachable(
            f"version {number} of {subject} keeps being taken by others", hint="try again"
        )

    def close(self) -> None:
        """Nothing is open."""

    def _numbers(self, subject: str) -> list[int]:
        folder = self._folders.get(subject)
        if folder is None:
            return []
        try:
            names = [entry.name for entry in folder.iterdir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise RegistryUnreachable(f"{folder} cannot be read: {error.strerror}") from error
        stems = [name.removesuffix(".json") for name in names if name.endswith(".json")]
        return sorted(int(stem) for stem in stems if stem.isascii() and stem.isdecimal())

    def _read(self, subject: str, number: int) -> Registered:
        path = self._folders[subject] / f"{number}.json"
        where = "/".join(path.parts[-4:])
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):  # a link to a device has no end
                raise ValueError("no regular file")
            if status.st_size > MAX_BYTES:
                raise ValueError("longer than 16 MiB")
            found = msgspec.json.decode(path.read_bytes(), type=Registered)
            if (found.subject, found.version) != (subject, number):
                raise ValueError(f"it is version {found.version} of {found.subject}")
            if found.schema().fingerprint() != found.fingerprint:
                raise ValueError("its columns are not those of its fingerprint")
        except OSError as error:
            raise RegistryUnreachable(f"{where}: {error.strerror}") from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            said = f"no {error}" if isinstance(error, KeyError) else str(error)
            raise RegistryUnreachable(
                f"{where}: {said}", hint="restore the file from version control"
            ) from error
        return found


def _says_the_same(one: Registered, other: Registered) -> bool:
    return (one.fingerprint, one.formats) == (other.fingerprint, other.formats)


def _encoded(registered: Registered) -> bytes:
    return msgspec.json.format(msgspec.json.encode(registered), indent=2) + b"\n"


def _placed(path: Path, data: bytes) -> bool:
    """Put a whole file where none is yet; return False where one is."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return False
    except OSError as error:
        raise RegistryUnreachable(
            f"{path} cannot be written: {error.strerror}", hint="check the folder's permissions"
        ) from error
    finally:
        draft.unlink(missing_ok=True)
    return True

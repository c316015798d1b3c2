"""A data repo to import into, and the words that do it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sfctl.cli import main
from sfctl.odcs.facts import Facts, of_files
from sfctl.spec.yaml import parse

PROJECT = "name: shop\ntargets:\n  default: dev\n  dev: {environment: dev, lake: ./lake}\n"


class Shop:
    """One repo and what its command line says."""

    def __init__(self, root: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self.capture = capture
        (root / "sfctl.yml").write_text(PROJECT)

    def say(self, *words: str, code: int = 0) -> tuple[str, str]:
        """Run a command line; return what it wrote on stdout and stderr."""
        self.capture.readouterr()
        found = main([*words, "--project-dir", str(self.root)])
        out, err = self.capture.readouterr()
        assert found == code, err
        return out, err

    def ask(self, *words: str, code: int = 0) -> Any:
        """Run a command line; return its JSON."""
        return json.loads(self.say(*words, "--format", "json", code=code)[0])

    def take(self, document: Any, *words: str, code: int = 0) -> Any:
        """Import a document given as text or as plain values."""
        file = self.root / "given.odcs.yaml"
        file.write_text(document if isinstance(document, str) else json.dumps(document))
        return self.ask("import", "odcs", str(file), *words, code=code)

    def give(self, *names: str, version: str = "") -> Any:
        """Return datasets as one exported document."""
        chosen = ("--api-version", version) if version else ()
        found = self.ask("export", "odcs", *names, *chosen)["documents"]
        assert len(found) == 1
        return found[0]["document"]

    def read(self, path: str) -> Any:
        """Return the plain values of a YAML file below the repo."""
        node, problems = parse((self.root / path).read_bytes(), path)
        assert not problems
        assert node is not None
        return node.plain()

    def facts(self, name: str) -> Facts:
        """Return what the two files of a dataset say."""
        folder = f"datasets/{name}"
        return of_files(
            self.read(f"{folder}/dataset.yaml"), self.read(f"{folder}/policy_bundle.yaml")
        )

    def put(self, name: str, dataset: str, policy: str) -> None:
        """Write the two files of a dataset."""
        folder = self.root / "datasets" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "dataset.yaml").write_text(dataset)
        (folder / "policy_bundle.yaml").write_text(policy)

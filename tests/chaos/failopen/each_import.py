"""Run a job once for each module given, with that module raising at import; print what came of it.

One process does them all: it forgets every module of ours in between, so that each run imports
anew. Modules that a job never imports are left out. Run by `test_imports.py` as
`each_import.py TEMPLATE FOLDER MODULE…`.
"""

import hashlib
import importlib.abc
import json
import os
import shutil
import sys
from pathlib import Path

import polars as pl

ROWS = pl.DataFrame({"id": [1, 2, 3], "amount": [1.0, 2.0, 3.0], "contact": ["a@b.org", None, "x"]})


class Broken(importlib.abc.MetaPathFinder):
    def __init__(self, name: str) -> None:
        self.name = name
        self.hit = False

    def find_spec(self, name, path, target=None):
        if name == self.name:
            self.hit = True
            raise RuntimeError(f"{name} is broken")


def forget() -> None:
    for name in [n for n in sys.modules if n == "sfctl" or n.startswith("sfctl.")]:
        del sys.modules[name]


def move_manifest(path: Path, old: str, new: str) -> None:
    """Let the manifest name another folder, with the digest that fits; nothing of ours is used."""
    manifest = json.loads(path.read_text().replace(old, new))
    told = {k: v for k, v in manifest.items() if k not in ("digest", "compiled_at", "compiler")}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    manifest["digest"] = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    path.write_text(json.dumps(manifest))


def one(template: Path, root: Path, module: str) -> dict[str, object]:
    shutil.copytree(template, root)
    move_manifest(root / "target" / "manifest.json", str(template), str(root))
    os.environ["SFCTL_PROJECT_DIR"] = str(root)
    forget()
    broken = Broken(module)
    sys.meta_path.insert(0, broken)
    mine = KeyError("mine")
    raised: BaseException | None = None
    written = []
    try:
        import sfctl as sf

        @sf.job("daily")
        def main() -> None:
            for name in ("orders", "strict", "everywhere", "plain"):
                rows = ROWS
                if name == "strict":
                    rows = ROWS.with_columns(pl.col("contact").fill_null("y"))
                try:
                    result = sf.write(rows, f"ds://shop/{name}", stage="gold")
                except sf.PublishBlocked:
                    written.append([name, "blocked"])
                else:
                    written.append([name, getattr(result, "written", "ours")])
            raise mine

        main()
    except BaseException as error:
        raised = error
    finally:
        sys.meta_path.remove(broken)
    tables = {}
    for name in ("orders", "strict", "everywhere", "plain"):
        path = root / "lake" / "gold" / name
        frame = pl.read_delta(str(path)) if path.exists() else None
        tables[name] = None if frame is None else frame.sort("id").to_dicts()
    kinds = [
        json.loads(line[9:])["kind"]
        for path in (root / ".sfctl" / "outbox").glob("*.outbox")
        for line in path.read_text().splitlines()
    ]
    shutil.rmtree(root)
    return {
        "module": module,
        "hit": broken.hit,
        "own_exception": raised is mine,
        "raised": repr(raised),
        "written": dict(written),
        "tables": tables,
        "degraded": kinds.count("SDK_DEGRADED"),
    }


template, folder = Path(sys.argv[1]), Path(sys.argv[2])
print(json.dumps(one(template, folder / "whole", "")), flush=True)
imported = [name for name in sys.argv[3:] if name in sys.modules]
for module in imported:
    print(json.dumps(one(template, folder / module, module)), flush=True)

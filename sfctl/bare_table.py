"""Rows written to a Delta table by delta-rs alone, as their author would have written them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def write(
    frame: Any, path: str, mode: str, partition: dict[str, object], policy: Any, key: str
) -> int:
    """Write rows with delta-rs and return the version.

    With a write key, rows that an earlier attempt brought in are not brought in again.
    """
    import deltalake

    commit: Any = deltalake.write_deltalake
    keyed: dict[str, Any] = {}
    table = deltalake.DeltaTable(path) if deltalake.DeltaTable.is_deltatable(path) else None
    if key:
        done = None if table is None else table.transaction_version(key)
        if done is not None:
            return int(done)
        mark = deltalake.Transaction(key, 0 if table is None else table.version() + 1)
        keyed["commit_properties"] = deltalake.CommitProperties(app_transactions=[mark])
    if table is None:
        commit(path, frame, partition_by=list(partition) or None, **keyed)
        return 0
    if mode == "merge":
        names = policy.get("primary_key")
        if not names:
            raise ValueError("mode merge needs primary_key in dataset.yaml")
        same = " AND ".join(f't."{k}" = s."{k}"' for k in names)
        merge = table.merge(
            frame, same, source_alias="s", target_alias="t", merge_schema=True, **keyed
        )
        merge.when_matched_update_all().when_not_matched_insert_all().execute()
        return int(table.version())
    if mode == "overwrite_partitions":
        names = list(partition) or table.metadata().partition_columns
        rows = frame.select(names).unique().iter_rows(named=True) if names else ()
        texts = ({k: str(v).replace("'", "''") for k, v in row.items()} for row in rows)
        where = " OR ".join(" AND ".join(f"\"{k}\" = '{v}'" for k, v in t.items()) for t in texts)
        mode = "overwrite" if where else "append"
        keyed |= {"predicate": where, "schema_mode": "merge"} if where else {}
    keyed.setdefault("schema_mode", "overwrite" if mode == "overwrite" else "merge")
    commit(path, frame, mode=mode, **keyed)
    return int(deltalake.DeltaTable(path).version())

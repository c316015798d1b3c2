"""Between Spark's types, Arrow and Polars without loss; instants are in UTC here."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa
    from pyspark.sql.types import DataType, StructType


def arrow_schema(schema: StructType) -> pa.Schema:
    """Return the Arrow schema that rows of a Spark frame have here.

    Raises PySparkTypeError for types that have no form in Arrow, such as intervals of months.
    """
    from pyspark.sql.pandas.types import to_arrow_schema

    return to_arrow_schema(schema, timezone="UTC")


def to_polars(batch: pa.RecordBatch, schema: pa.Schema) -> pl.DataFrame:
    """Return a piece of a batch with the types of `schema`, which tell only spellings apart."""
    import polars as pl
    import pyarrow as pa

    columns = [
        batch.column(name).cast(kind) for name, kind in zip(schema.names, schema.types, strict=True)
    ]
    return cast("pl.DataFrame", pl.from_arrow(pa.table(columns, schema=schema)))


def to_arrow(series: pl.Series, kind: pa.DataType) -> pa.Array:
    """Return a column as the Arrow type that Spark expects."""
    import polars as pl

    return series.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(kind)


def no_rows(schema: pa.Schema) -> pl.DataFrame:
    """Return a frame of these columns and no row."""
    import polars as pl

    return cast("pl.DataFrame", pl.from_arrow(schema.empty_table()))


def holds_text(kind: DataType) -> bool:
    """Tell whether values of a Spark type are texts, or may hold some."""
    from pyspark.sql import types as t

    if isinstance(kind, t.StructType):
        return any(holds_text(field.dataType) for field in kind)
    if isinstance(kind, t.ArrayType):
        return holds_text(kind.elementType)
    if isinstance(kind, t.MapType):
        return holds_text(kind.keyType) or holds_text(kind.valueType)
    return isinstance(kind, t.StringType)


def loosened(kind: DataType) -> DataType:
    """Return a Spark type whose fields, elements and values may all be null."""
    from pyspark.sql import types as t

    if isinstance(kind, t.StructType):
        return t.StructType(
            [t.StructField(f.name, loosened(f.dataType), metadata=f.metadata) for f in kind]
        )
    if isinstance(kind, t.ArrayType):
        return t.ArrayType(loosened(kind.elementType))
    if isinstance(kind, t.MapType):
        return t.MapType(loosened(kind.keyType), loosened(kind.valueType))
    return kind

"""Airports and planes: small tables, replaced whole."""

import pandas as pd

import sfctl as sf


@sf.job("reference")
def main() -> None:
    for name in ("airports", "planes"):
        table = pd.read_csv(f"reference/{name}.csv", dtype_backend="pyarrow")
        sf.write(table, f"ds://ref/{name}", stage="gold", mode="overwrite")


if __name__ == "__main__":
    main()

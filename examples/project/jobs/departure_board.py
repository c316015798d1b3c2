"""A consumer: reads the certified version only, so it never sees a day that failed."""

import sfctl as sf


@sf.job("departure_board")
def main() -> None:
    flights = sf.read_certified("ds://ops/flights", as_="pandas")
    newest = flights[flights["dt"] == flights["dt"].max()]
    print(f"{len(flights):,} certified flights; the newest day is {newest['dt'].iloc[0]}")
    delays = newest.groupby("carrier")["dep_delay"].agg(["count", "mean"]).round(1)
    print(delays.sort_values("count", ascending=False).head(5).to_string())


if __name__ == "__main__":
    main()

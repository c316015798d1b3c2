"""What the 16 rules need to know, shared by the peers' scripts; imports nothing."""

CARRIERS = "9E AA AS B6 DL EV F9 FL HA MQ OO UA US VX WN YV".split()  # noqa: SIM905
ORIGINS = ["EWR", "JFK", "LGA"]
KEY = ["year", "month", "day", "hour", "carrier", "flight", "origin"]
TAIL = r"\A(?:[A-Z0-9]{5,6})\z"
NAMED = [*KEY, "dep_time", "arr_time", "sched_dep_time", "distance", "tailnum"]
MOST_ROWS = 100_000_000

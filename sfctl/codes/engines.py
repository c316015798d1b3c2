"""Codes 82x: signal engines."""

from __future__ import annotations

from sfctl.codes.code import Code

CODES: dict[str, Code] = {
    "SF820": Code(
        "Unknown engine",
        "`engine run` was asked for a stage that this version does not have.",
        "Use one of the names that the message lists; without a name all of them run.",
    ),
    "SF821": Code(
        "Both once and for ever",
        "`engine run` was given --follow together with --once or --now.",
        "Leave --now and --once out to follow; --now asks about one moment.",
    ),
    "SF822": Code(
        "Stores did not answer",
        "`engine run --follow` could not read or write a store. Nothing is lost: it tries again, "
        "after a longer pause each time.",
        "Look at what the message names; `sfctl doctor` tests the stores.",
    ),
    "SF823": Code(
        "Engine state of another version",
        "What an engine keeps of a dataset was written by a version of sfctl that kept something "
        "else.",
        "Run `sfctl engine rebuild NAME`: the log is folded anew, and the signals that are on it "
        "already keep their ids.",
    ),
    "SF826": Code(
        "History not readable",
        "`engine backtest --history` names a file that is not there, or is not UTF-8 text.",
        "Give a CSV file with the columns date,count.",
    ),
    "SF827": Code(
        "Not a history",
        "A history needs a first line that names the columns date and count (and perhaps bytes), "
        "and one line a day below it, at most 100,000.",
        "Start the file with date,count.",
    ),
    "SF828": Code(
        "Line of a history",
        "A line has no readable date, a date that came before, or a count that is no whole number "
        "of 0 or more.",
        "Write 2026-01-19,100000: no separators, one line a date; leave unknown days out.",
    ),
    "SF829": Code(
        "No back test",
        "`engine backtest` was asked for an engine that cannot be run over a plain history.",
        "Volume can: `sfctl engine backtest volume --history FILE.csv`.",
    ),
}

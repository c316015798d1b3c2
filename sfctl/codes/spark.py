"""Codes 89x: frames and sessions of Spark."""

from __future__ import annotations

from sfctl.codes.code import Code

CODES: dict[str, Code] = {
    "SF890": Code(
        "Spark Connect cannot be gated",
        "A frame of Spark Connect lives in a server that the job only sends requests to. Its rows "
        "could not be taken once, counted on the way and split, so nothing was written.",
        "Run the job in a classic session (spark-submit, or SparkSession.builder.master(...)), or "
        "write with Spark itself: `sfctl run` then judges the new table version after its commit.",
    ),
    "SF891": Code(
        "The frame's Spark session has ended",
        "spark.stop() was called, or the driver's JVM is gone. Nothing was written.",
        "Write before the session is stopped, or make the frame anew in the session that runs.",
    ),
    "SF892": Code(
        "A streaming frame has no end",
        "Rows that keep coming cannot be judged as one batch. Nothing was written.",
        "Use df.writeStream.foreachBatch(f) and call sf.write inside f: each micro-batch is "
        "one write, and one that Spark repeats is not written twice.",
    ),
    "SF893": Code(
        "A table that needs Delta's jars",
        "The session has no Delta, so the version's Parquet files were to be read as they are. "
        "Deletion vectors or renamed columns in this table would make that the wrong rows.",
        "`sfctl stack fetch` brings the jars; start the session with them in spark.jars.",
    ),
    "SF894": Code(
        "A write of an unmodified job was left to Spark",
        "The instrumented writer takes only writes that it can repeat exactly. This one went to "
        "the table as the job asked, and its version is judged after the commit.",
        "Nothing to do. To have it judged before it is published, call sf.write.",
    ),
    "SF895": Code(
        "A certified view for Spark SQL could not be moved",
        "The pin beside the table holds; the view still shows the version that it showed before.",
        "Call sf.certified_views(spark) in a session that may create databases and views.",
    ),
}

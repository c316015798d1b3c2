#!/bin/sh
# [[ job.name | line ]] under supervision, written by `sfctl wrap`; do not edit, run it again.
#   [[ job.name | line ]].sh [--date 2026-01-31] [MORE ARGUMENTS FOR THE JOB]
# To remove it, let the scheduler start the job as before:  [[ before | line ]]
# Lifecycle, heartbeats and the exit code are on record; this version judges no Spark DataFrames.
# Lineage: set OPENLINEAGE_JAR to the openlineage-spark jar; what the listener writes is then taken
# in with `sfctl lineage ingest`.
set -eu
CDPATH='' cd -- "${SFCTL_PROJECT_DIR:-$(dirname -- "$0")/../..}"
date=
if [ "${1:-}" = --date ]; then
    date=${2:?a day such as 2026-01-31 must follow --date}
    shift 2
fi
[% if needs_date %]
: "${date:?this job takes a date: --date 2026-01-31}"
[% endif %]
[% for name, value in job.env | dictsort %]
export [[ name | variable ]]=[[ value | sh ]]
[% endfor %]
[% for name, source in job.env_from | dictsort %]
if [ -n "${[[ source | variable ]]+set}" ]; then export [[ name | variable ]]="$[[ source | variable ]]"; fi
[% endfor %]
exec "${SFCTL:-sfctl}" run --name [[ job.name | sh ]] ${date:+--date "$date"} -- \
    "${SPARK_SUBMIT:-spark-submit}" --name [[ job.name | sh ]] \
    ${OPENLINEAGE_JAR:+--jars "$OPENLINEAGE_JAR"} \
    ${OPENLINEAGE_JAR:+--conf spark.extraListeners=io.openlineage.spark.agent.OpenLineageSparkListener} \
    ${OPENLINEAGE_JAR:+--conf spark.openlineage.transport.type=file} \
    ${OPENLINEAGE_JAR:+--conf spark.openlineage.transport.location=target/openlineage-[[ job.name | sh ]].jsonl} \
    [[ job.entrypoint | sh ]][% for arg in job.args %] [[ arg | dated ]][% endfor %] "$@"

#!/bin/sh
# [[ job.name | line ]] under supervision, written by `sfctl wrap`; do not edit, run it again.
# Options of `sfctl run` pass through:  [[ job.name | line ]].sh --date 2026-01-31 -- MORE ARGUMENTS
# Options of spark-submit stand in the job file, under `spark:`. SPARK_SUBMIT names another program.
# To remove it, let the scheduler start the job as before:
#   [[ before | line ]]
[% if job.delta %]
# JARS are the paths that `sfctl stack fetch spark` prints after `spark.jars=`.
[% endif %]
set -eu
CDPATH='' cd -- "${SFCTL_PROJECT_DIR:-$(dirname -- "$0")/../..}"
exec "${SFCTL:-sfctl}" run [[ job.name | sh ]] "$@"

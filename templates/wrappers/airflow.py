# [[ job.name | line ]] under supervision, written by `sfctl wrap`; do not edit, run it again.
# Link it into the DAG folder. A copy needs SFCTL_PROJECT_DIR where Airflow runs.
# To remove it, take the link away and let the scheduler start the job as before:
#   [[ before | line ]]
# Airflow hands its run context (AIRFLOW_CTX_...) to the task; `sfctl run` puts it on every event.
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

from airflow import DAG

try:
    from airflow.providers.standard.operators.bash import BashOperator
except ImportError:
    from airflow.operators.bash import BashOperator
[% if cron %]
from airflow.timetables.trigger import CronTriggerTimetable
[% endif %]

PROJECT = os.environ.get("SFCTL_PROJECT_DIR") or str(Path(__file__).resolve().parents[2])

with DAG(
    dag_id=[[ job.name | py ]],
    description=[[ description | py ]],
[% if cron %]
    # [[ job.schedule | line ]]
    schedule=CronTriggerTimetable([[ cron | py ]], timezone=[[ zone | py ]]),
[% else %]
    schedule=None,
[% endif %]
    start_date=datetime(2024, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    tags=[[ tags | py ]],
) as dag:
    BashOperator(
        task_id=[[ job.name | py ]],
        bash_command=[[ command | py ]],
        cwd=PROJECT,
        env={"SFCTL_PROJECT_DIR": PROJECT, "SFCTL_SCHEDULED_TIME": "{{ ts }}"},
        append_env=True,
        owner=[[ (job.owner or "airflow") | py ]],
        retries=[[ job.retries | py ]],
[% if timeout %]
        execution_timeout=timedelta(seconds=[[ timeout | py ]]),
[% endif %]
    )

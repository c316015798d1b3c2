#!/bin/sh
# The life of a dataset on real flights: a good week certifies, a bad day is held and explained,
# readers notice nothing. Usage: demo.sh DIR, with sfctl on the PATH. DIR is made anew each time.
# SFCTL_NOW makes it those days in 2013, so that what is printed is the same every time.
set -eu
dir=${1:-demo}

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] && [ -z "${NO_COLOR:-}" ] || say() { printf '\n%s\n' "$*"; }
do_() { printf '$ %s\n' "$*"; "$@" 2>&1; }
want() { # want CODE COMMAND...: a step that must end with this exit code
    code=$1; shift
    printf '$ %s\n' "$*"
    got=0; "$@" 2>&1 || got=$?
    [ "$got" = "$code" ] || { echo "exit code $got, expected $code"; exit 1; }
    [ "$code" = 0 ] || echo "(exit code $got)"
}

at() { export SFCTL_NOW="$1"; printf '# it is %s\n' "$1"; }

if [ -e "$dir" ]; then
    [ -f "$dir/fetch_flights.py" ] || { echo "$dir exists and is not the demo's; remove it"; exit 2; }
    rm -rf "$dir"
fi

say "1. A data repo: YAML that says what must hold, jobs that write, ten days of raw files"
do_ sfctl init --demo "$dir"
cd "$dir"

say "2. Its YAML becomes signed policies"
at 2013-01-01T08:00:00Z
do_ sfctl validate
do_ sfctl compile
echo "look: target/policies/flights.json, and explain any code with: sfctl explain SF110"

say "3. Reference tables first: flights refer to airports and planes"
do_ sfctl run reference

say "4. A good week: every day is gated at bronze, silver and gold, then certified"
for day in 1 2 3 4 5 6 7; do
    at "2013-01-0${day}T10:05:00Z"
    do_ sfctl run flights_daily --date "2013-01-0$day"
done
do_ sfctl status
echo "look: sfctl evidence list --kind GATE, sfctl lineage impact flights"

say "5. A consumer reads the certified version, and only that"
do_ sfctl run departure_board

say "6. A bad day: upstream deployed, renamed a column, and sent dirt besides"
at 2013-01-08T10:05:00Z
do_ sfctl evidence publish deployments/2013-01-07.jsonl
want 1 sfctl run flights_daily --date 2013-01-08
do_ sfctl quarantine list
echo "look: sfctl quarantine show flights, sfctl explain SF301"

say "7. Evidence becomes signals, and signals with one cause become one incident"
at 2013-01-08T10:06:00Z
do_ sfctl engine run
do_ sfctl status flights
echo "look: sfctl signals, sfctl incidents show INC-1, sfctl graph export"

say "8. Why? The report names the deployment, and leaves the coincident one alone"
do_ sfctl rca INC-1
do_ sfctl incidents ack INC-1 --by dana --note "carrier-integration is on it"
echo "look: sfctl rca INC-1 --explain, sfctl rca departure_board"

say "9. Consumers notice nothing: they still read the seventh"
do_ sfctl run departure_board

say "10. Upstream mends the name but not the dirt: bad rows are held, the rest goes on"
at 2013-01-08T10:50:00Z
do_ sfctl evidence publish deployments/2013-01-08.jsonl
do_ sed -i.bak 1s/destination/dest/ landing/2013-01-08.csv
do_ sfctl run flights_daily --date 2013-01-08
do_ sfctl engine run
do_ sfctl quarantine list

say "11. Lower-case codes are fine, the team decides: a rule changes, held rows are judged again"
at 2013-01-08T11:10:00Z
do_ sed -i.bak '/field: carrier, pattern/s/A-Z0-9/A-Za-z0-9/' datasets/flights/policy_bundle.yaml
do_ sfctl compile
want 1 sfctl quarantine replay flights
do_ sfctl quarantine discard flights --reason "sent twice, or flown backwards: reported to the feed"

say "12. The next day is clean: readers are up to date, and the incident is over"
at 2013-01-09T10:05:00Z
do_ sfctl run flights_daily --date 2013-01-09
do_ sfctl engine run
do_ sfctl incidents list --all
do_ sfctl status

say "Everything above is in $dir/. Next: sfctl doctor, sfctl profile flights --suggest,"
echo "sfctl evidence show ID; change a rule in datasets/flights/policy_bundle.yaml and compile again."

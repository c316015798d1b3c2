#!/bin/sh
# The life of a dataset on real flights: a good week certifies, a bad day is held, readers notice
# nothing. Usage: demo.sh DIR, with sfctl on the PATH. DIR is made anew each time.
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

if [ -e "$dir" ]; then
    [ -f "$dir/fetch_flights.py" ] || { echo "$dir exists and is not the demo's; remove it"; exit 2; }
    rm -rf "$dir"
fi

say "1. A data repo: YAML that says what must hold, jobs that write, ten days of raw files"
do_ sfctl init --demo "$dir"
cd "$dir"

say "2. Its YAML becomes signed policies"
do_ sfctl validate
do_ sfctl compile
echo "look: target/policies/flights.json, and explain any code with: sfctl explain SF110"

say "3. Reference tables first: flights refer to airports and planes"
do_ sfctl run reference

say "4. A good week: every day is gated at bronze, silver and gold, then certified"
for day in 1 2 3 4 5 6 7; do
    do_ sfctl run flights_daily --date "2013-01-0$day"
done
do_ sfctl status
echo "look: sfctl evidence list --kind GATE"

say "5. A consumer reads the certified version, and only that"
do_ sfctl run departure_board

say "6. A bad day: upstream renamed a column, and sent dirt besides"
want 1 sfctl run flights_daily --date 2013-01-08
do_ sfctl quarantine list
do_ sfctl status flights
echo "look: sfctl quarantine show flights, sfctl explain SF301"

say "7. Consumers notice nothing: they still read the seventh"
do_ sfctl run departure_board

say "8. Upstream mends the name but not the dirt: bad rows are held, the rest goes on"
do_ sed -i.bak 1s/destination/dest/ landing/2013-01-08.csv
do_ sfctl run flights_daily --date 2013-01-08
do_ sfctl quarantine list

say "9. The next day is clean, and readers are up to date"
do_ sfctl run flights_daily --date 2013-01-09
do_ sfctl status

say "Everything above is in $dir/. Next: sfctl doctor, sfctl profile flights --suggest,"
echo "sfctl evidence show ID; change a rule in datasets/flights/policy_bundle.yaml and compile again."

#!/bin/sh
# Checks the charts with Helm (of $HELM, else of the path): lint, render with each ci/*-values.yaml, and see each
# ci/refused/*.yaml refused for the reason in its first line. Needs no cluster.
set -eu
helm=${HELM:-helm}
cd "$(dirname "$0")"
status=0

complain() {
    echo "charts: $*" >&2
    status=1
}

for chart in */Chart.yaml; do
    chart=${chart%/Chart.yaml}
    rendered=0 refused=0
    for values in "$chart"/values.yaml "$chart"/ci/*-values.yaml; do
        rendered=$((rendered + 1))
        output=$("$helm" lint --strict "$chart" -f "$values" 2>&1) || complain "$values: lint: $output"
        output=$("$helm" template check "$chart" -n check -f "$values" 2>&1 >/dev/null) || complain "$values: $output"
    done
    for values in "$chart"/ci/refused/*.yaml; do
        refused=$((refused + 1))
        reason=$(sed -n '1s/^# refused: //p' "$values")
        [ -n "$reason" ] || { complain "$values: its first line must be '# refused: <part of the message>'"; continue; }
        if output=$("$helm" template check "$chart" -n check -f "$values" 2>&1); then
            complain "$values: was not refused"
        else
            case $output in
                *"$reason"*) ;;
                *) complain "$values: refused, but not for '$reason': $output" ;;
            esac
        fi
    done
    echo "charts: $chart: $rendered sets of values render, $refused are refused"
done
exit $status

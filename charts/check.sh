#!/bin/sh
# Checks the charts with Helm (of $HELM, else of the path): lint, render with each ci/*-values.yaml, and see each
# ci/refused/*.yaml refused for the reason in its first line. And their alerts and the queries of their dashboards with
# promtool (of $PROMTOOL, else of the path). Needs no cluster.
set -eu
helm=${HELM:-helm}
promtool=${PROMTOOL:-promtool}
cd "$(dirname "$0")"
status=0

complain() {
    echo "charts: $*" >&2
    status=1
}

# Each query of a dashboard as a rule, since promtool reads rules.
queries() {
    echo 'groups: [{name: dashboard, rules: ['
    sed -n 's/^ *"expr": "\(.*\)",$/\1/p' "$1" | sed 's/\\"/"/g; s/\$__[a-z_]*/5m/g' |
        awk -v quote="'" '{ gsub(quote, quote quote); print "{record: \"query:" NR "\", expr: " quote $0 quote "}," }'
    echo ']}]'
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

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
    for rules in "$chart"/files/alerts/*.yaml; do
        output=$("$promtool" check rules "$rules" 2>&1) || complain "$rules: $output"
    done
    output=$("$promtool" test rules "$chart"/ci/alerts-test.yaml 2>&1) || complain "$chart/ci/alerts-test.yaml: $output"
    for dashboard in "$chart"/files/dashboards/*.json; do
        queries "$dashboard" >"$work/queries.yaml"
        output=$("$promtool" check rules --lint=none "$work/queries.yaml" 2>&1) || complain "$dashboard: $output"
        case $output in *" 0 rules"*) complain "$dashboard: no query was found" ;; esac
    done
    # What Helm makes of the rules is what promtool has read: the same alerts, with an address before each page.
    alerts=$(grep -c -- '- alert:' "$chart"/files/alerts/rules.yaml)
    rendered_alerts=$("$helm" template check "$chart" --set prometheusRule.enabled=true,prometheusRule.runbookBase=https://a.example/ |
        grep -c 'runbook_url: https://a.example/docs/alerts.md#') || true
    [ "$alerts" = "$rendered_alerts" ] || complain "$chart: $alerts alerts, of which $rendered_alerts are rendered"
    for page in $(sed -n 's/.*runbook_url: //p' "$chart"/files/alerts/rules.yaml); do
        grep -qix "## ${page#*#}" "../${page%%#*}" || complain "$chart: $page does not exist"
    done
    echo "charts: $chart: $alerts alerts and the queries of the dashboard are read by Prometheus, and fire as they should"
    echo "charts: $chart: $rendered sets of values render, $refused are refused"
done
exit $status

//go:build tools

// Package promtool keeps Prometheus' promtool in a go.mod of its own: it needs other versions of what the cluster's programs
// need, too.
package promtool

import _ "github.com/prometheus/prometheus/cmd/promtool"

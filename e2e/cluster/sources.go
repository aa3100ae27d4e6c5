// Package cluster carries the sources of the programs that are slow to build, so that the command `cluster` can
// build them from any working directory and name the result by what went into it.
package cluster

import "embed"

// Sources is the module from which the Kubernetes programs, CoreDNS, Helm and Traefik are built.
//
//go:embed go.mod go.sum cmd/kube cmd/coredns cmd/pause
var Sources embed.FS

// Packages lists what a node needs of the distribution: one line each, "package version program".
//
//go:embed packages.txt
var Packages string

//go:build tools

// Package cluster: this file keeps the programs that are built from other modules in go.mod.
package cluster

import (
	_ "github.com/traefik/traefik/v3/cmd/traefik"
	_ "helm.sh/helm/v4/cmd/helm"
	_ "sigs.k8s.io/gateway-api/apis/v1"
)

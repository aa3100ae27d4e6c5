// Package config renders the configuration files of the cluster's programs.
package config

import (
	"bytes"
	"embed"
	"encoding/base64"
	"text/template"
)

// Addresses and names of the node's network. They are fixed: one node per machine.
const (
	NodeName     = "node1"
	NodeIP       = "10.244.0.1"
	Bridge       = "cni0"
	PodRange     = "10.244.0.0/24"
	ServiceRange = "10.96.0.0/16"
	ServiceIP    = "10.96.0.1" // of the Service kubernetes
	Network      = "wazo-e2e"  // CNI network, cgroup, and prefix of nft tables
	PauseImage   = "wazo.test/pause:1"
	RegistryName = "registry.wazo.test"
	PluginsHost  = "plugins.test"
	CoreHost     = "core.wazo.test"
	OwnHost      = "own.test" // names below it lead to the node too: for Gateways and cores beside the usual ones

	GatewayNamespace = "gateways"
	GatewayName      = "public"
	GatewayClass     = "traefik"
)

// Values of the templates.
type Values struct {
	Dir        string   // the cluster's directory
	Server     string   // URL of the API server
	User       string   // of a kubeconfig: the name of its certificate
	CNIBin     string   // directory of the CNI plugins
	Registry   string   // host:port
	AllowPorts []int    // TCP ports of the node that pods may reach, beside the fixed ones
	Audit      []string // namespaces whose requests are written down
	PublicCert []byte   // PEM; of the Gateway
	PublicKey  []byte
}

//go:embed templates
var files embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"base64": base64.StdEncoding.EncodeToString,
	"const":  func(name string) string { return constants[name] },
}).ParseFS(files, "templates/*"))

var constants = map[string]string{
	"NodeName": NodeName, "NodeIP": NodeIP, "Bridge": Bridge, "PodRange": PodRange, "ServiceRange": ServiceRange,
	"Network": Network, "PauseImage": PauseImage, "PluginsHost": PluginsHost, "CoreHost": CoreHost, "OwnHost": OwnHost,
	"GatewayNamespace": GatewayNamespace, "GatewayName": GatewayName, "GatewayClass": GatewayClass,
}

// Render fills one template in.
func Render(name string, values Values) ([]byte, error) {
	var out bytes.Buffer
	if err := templates.ExecuteTemplate(&out, name, values); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

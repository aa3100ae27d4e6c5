// Package state is what a cluster's supervisor writes down: enough for others to use the cluster, and enough to clean
// up after it when it was killed.
package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Phase of a cluster.
type Phase string

// The phases, in their order.
const (
	Starting Phase = "Starting"
	Ready    Phase = "Ready"
	Stopping Phase = "Stopping"
)

// State of one cluster. File: DIR/state.json; `up --attached` prints it as one line.
type State struct {
	Dir                  string            `json:"dir"`
	Phase                Phase             `json:"phase"`
	PID                  int               `json:"pid"`        // of the supervisor
	Kubeconfig           string            `json:"kubeconfig"` // path; cluster administrator
	Server               string            `json:"server"`     // URL of the API server
	CertificateAuthority string            `json:"certificateAuthority"`
	Programs             string            `json:"programs"` // directory of kubectl, helm and the others
	Logs                 string            `json:"logs"`
	Audit                string            `json:"audit,omitempty"` // the API server's audit log: one JSON object a line
	Seconds              float64           `json:"seconds"`         // from start to Ready
	Node                 *Node             `json:"node,omitempty"`  // absent: control plane only
	Gateway              *Gateway          `json:"gateway,omitempty"`
	Supervisor           Process           `json:"supervisor"`
	Processes            []Process         `json:"processes"`
	Sysctls              map[string]string `json:"sysctls,omitempty"` // values before `up`, restored by `down`
}

// Node is the machine as the cluster's only node.
type Node struct {
	Name         string   `json:"name"`
	IP           string   `json:"ip"`
	DNS          string   `json:"dns"`          // host:port of cluster DNS
	Registry     string   `json:"registry"`     // host:port of the registry on loopback, plain HTTP
	RegistryName string   `json:"registryName"` // the name by which images refer to it
	Containerd   string   `json:"containerd"`   // path of its socket
	AllowPorts   []int    `json:"allowPorts"`   // TCP ports on the node's IP that pods may reach
	Folders      []string `json:"folders"`      // outside of Dir, not there before `up`: `down` removes them
}

// Gateway is the public entry: HTTP on 80, HTTPS on 443.
type Gateway struct {
	Address   string `json:"address"`
	CA        string `json:"ca"` // path of the PEM file that signs *.plugins.test
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Class     string `json:"class"`
}

// ErrNone is returned by Load where no cluster is or was.
var ErrNone = errors.New("no cluster here")

func file(dir string) string { return filepath.Join(dir, "state.json") }

// Load reads the state below a cluster's directory.
func Load(dir string) (*State, error) {
	data, err := os.ReadFile(file(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, err
	}
	s := &State{}
	if err := json.Unmarshal(data, s); err != nil {
		return nil, fmt.Errorf("%s: %w", file(dir), err)
	}
	return s, nil
}

// Save replaces the file in one step: a reader, or a crash, never sees half of it.
func (s *State) Save() error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	next := file(s.Dir) + ".next"
	if err := os.WriteFile(next, append(data, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(next, file(s.Dir))
}

// Line is the state as one line of JSON.
func (s *State) Line() string {
	data, err := json.Marshal(s)
	if err != nil {
		return "{}" // unreachable: every field has a JSON form
	}
	return string(data)
}

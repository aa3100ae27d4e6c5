package supervisor

import (
	"fmt"
	"os"

	"wazo.io/plugin-operator/e2e/cluster/internal/host"
	"wazo.io/plugin-operator/e2e/cluster/internal/packages"
	"wazo.io/plugin-operator/e2e/cluster/internal/programs"
	"wazo.io/plugin-operator/e2e/cluster/internal/remedy"
)

// Paths of sockets end after 107 bytes; the longest below the directory is the kubelet's.
const longestDir = 107 - len("/kubelet/device-plugins/kubelet.sock")

// preflight finds what would fail later, and says what to do about it.
func (c *Cluster) preflight() error {
	if len(c.options.Dir) > longestDir {
		return remedy.New("choose a shorter --dir", "%s is longer than %d bytes: the names of sockets would not fit", c.options.Dir, longestDir)
	}
	if !c.options.NoNode && os.Geteuid() != 0 {
		return remedy.New("run as root; or `cluster up --no-node` (control plane only, no root needed); or use a cluster of kind by its KUBECONFIG",
			"a node needs root: it makes network links, mounts and control groups")
	}
	missing, err := packages.Missing(!c.options.NoNode)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return remedy.New("cluster setup   (as root)", "packages are missing: %s", packages.Names(missing))
	}
	dir, built, err := programs.Locate()
	if err != nil {
		return err
	}
	if !built {
		return remedy.New("cluster build", "the Kubernetes programs are not built yet (%s)", dir)
	}
	c.programs = dir
	for _, image := range c.options.Images {
		if _, err := os.Stat(image); err != nil {
			return fmt.Errorf("image: %w", err)
		}
	}
	if c.options.NoNode {
		return nil
	}
	if owner, err := host.BridgeOwner(); err != nil || owner != "" {
		return err // a node of ours, alive or dead: `claim` sees to it
	}
	return host.ForeignProxy()
}

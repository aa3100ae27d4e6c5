package supervisor

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"wazo.io/plugin-operator/e2e/cluster/internal/config"
	"wazo.io/plugin-operator/e2e/cluster/internal/host"
	"wazo.io/plugin-operator/e2e/cluster/internal/image"
	"wazo.io/plugin-operator/e2e/cluster/internal/programs"
	"wazo.io/plugin-operator/e2e/cluster/internal/state"
)

func output(path string, args ...string) string {
	out, _ := exec.Command(path, args...).CombinedOutput() // a help text comes with any exit status
	return string(out)
}

// network notes what the node will change on the machine, then changes it.
func (c *Cluster) network(context.Context) error {
	dir := c.options.Dir
	ports, err := freePorts(1)
	if err != nil {
		return err
	}
	c.values.Registry = fmt.Sprintf("127.0.0.1:%d", ports[0])
	if listener, err := net.Listen("tcp", "127.0.0.1:5000"); err == nil { // the port that everybody expects, if it is free
		_ = listener.Close()
		c.values.Registry = "127.0.0.1:5000"
	}
	node := &state.Node{
		Name: config.NodeName, IP: config.NodeIP, DNS: config.NodeIP + ":53", Registry: c.values.Registry, RegistryName: config.RegistryName,
		Containerd: filepath.Join(dir, "containerd.sock"), AllowPorts: c.options.AllowPorts, Folders: host.NewFolders(),
	}
	if err := c.save(func(s *state.State) { s.Node, s.Sysctls = node, host.ReadSysctls() }); err != nil {
		return err
	}
	guard, err := config.Render("guard.nft", c.values)
	if err != nil {
		return err
	}
	if err := host.Network(dir, guard); err != nil {
		return err
	}
	if err := host.PortsFree(53, 80, 443, 6443, 10250); err != nil {
		return err
	}
	return host.Cgroups()
}

// runtime starts containerd and the registry.
func (c *Cluster) runtime(context.Context) error {
	cni, err := programs.CNI()
	if err != nil {
		return err
	}
	c.values.CNIBin = cni
	if err := c.write("conf/resolv.conf", nil); err != nil {
		return err
	}
	for template, file := range map[string]string{
		"kubelet.yaml": "kubelet.yaml", "proxy.yaml": "proxy.yaml", "containerd.toml": "containerd.toml", "registry.yml": "registry.yml",
		"Corefile": "Corefile", "cni.conflist": "cni/10-" + config.Network + ".conflist", "hosts.toml": "certs.d/" + config.RegistryName + "/hosts.toml",
	} {
		if err := c.render(template, file, c.values); err != nil {
			return err
		}
	}
	if err := c.theirs("containerd", "-c", filepath.Join(c.options.Dir, "conf", "containerd.toml")); err != nil {
		return err
	}
	return c.theirs("docker-registry", "serve", filepath.Join(c.options.Dir, "conf", "registry.yml"))
}

// node starts what makes the machine a node: kubelet, kube-proxy, cluster DNS.
func (c *Cluster) node(ctx context.Context) error {
	dir := c.options.Dir
	conf := filepath.Join(dir, "conf")
	if err := c.manifest(ctx, "coredns.yaml"); err != nil {
		return err
	}
	if err := c.ours("kube-proxy", "--config="+conf+"/proxy.yaml"); err != nil {
		return err
	}
	if err := c.spawn("coredns", filepath.Join(c.programs, "coredns"), nil, "-conf", conf+"/Corefile"); err != nil {
		return err
	}
	pause, err := os.ReadFile(filepath.Join(c.programs, "pause"))
	if err != nil {
		return err
	}
	archive := filepath.Join(dir, "pause.tar")
	if err := image.Single(archive, config.PauseImage, "pause", pause); err != nil {
		return err
	}
	socket := c.state.Node.Containerd
	if err := c.until(ctx, "containerd ready", func(context.Context) error { return LoadImage(ctx, socket, archive) }); err != nil {
		return err
	}
	if err := c.ours("kubelet", "--config="+conf+"/kubelet.yaml", "--kubeconfig="+conf+"/node.kubeconfig", "--root-dir="+dir+"/kubelet",
		"--cert-dir="+dir+"/kubelet/pki", "--hostname-override="+config.NodeName, "--node-ip="+config.NodeIP); err != nil {
		return err
	}
	for _, tar := range c.options.Images {
		if err := LoadImage(ctx, socket, tar); err != nil {
			return err
		}
		c.progress.Say("image %s loaded", filepath.Base(tar))
	}
	return nil
}

// LoadImage imports an image archive into containerd for the kubelet's use.
func LoadImage(ctx context.Context, socket, tar string) error {
	ctr, err := programs.Find("ctr")
	if err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, ctr, "-a", socket, "--connect-timeout", "1s", "-n", "k8s.io", "images", "import", tar).CombinedOutput()
	if err != nil {
		return fmt.Errorf("import of %s: %w: %s", tar, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// usable waits until the node is Ready, its DNS answers and a Service can be reached.
func (c *Cluster) usable(ctx context.Context) error {
	resolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", c.state.Node.DNS)
	}}
	if err := c.until(ctx, "node Ready", func(ctx context.Context) error {
		node, err := c.kube.Get(ctx, "/api/v1/nodes/"+config.NodeName)
		if err != nil {
			return err
		}
		return node.Condition("Ready")
	}); err != nil {
		return err
	}
	if err := c.until(ctx, "Services reachable", func(ctx context.Context) error {
		connection, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", config.ServiceIP+":443")
		if err != nil {
			return err
		}
		return connection.Close()
	}); err != nil {
		return err
	}
	return c.until(ctx, "cluster DNS answers", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_, err := resolver.LookupNetIP(ctx, "ip4", "kubernetes.default.svc.cluster.local.")
		return err
	})
}

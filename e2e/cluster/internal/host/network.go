// Package host is what a node changes on its machine, and how every trace of that is removed again.
package host

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"wazo.io/plugin-operator/e2e/cluster/internal/config"
	"wazo.io/plugin-operator/e2e/cluster/internal/remedy"
)

// The kernel keeps the owner of the bridge for us: its alias is this word and the cluster's directory.
const aliasPrefix = config.Network + ":"

// Sysctls that the node's programs change.
var sysctls = []string{
	"net/ipv4/ip_forward", "net/ipv4/conf/all/route_localnet", "net/bridge/bridge-nf-call-iptables", "vm/overcommit_memory",
	"vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes",
	"net/netfilter/nf_conntrack_max", "net/netfilter/nf_conntrack_tcp_timeout_established",
	"net/netfilter/nf_conntrack_tcp_timeout_close_wait", "net/netfilter/nf_conntrack_tcp_be_liberal",
}

// ReadSysctls notes the values that `down` shall restore.
func ReadSysctls() map[string]string {
	values := map[string]string{}
	for _, name := range sysctls {
		if value, err := os.ReadFile("/proc/sys/" + name); err == nil {
			values[name] = strings.TrimSpace(string(value))
		}
	}
	return values
}

func restoreSysctls(values map[string]string) error {
	var problems []error
	for name, old := range values {
		path := "/proc/sys/" + name
		now, err := os.ReadFile(path)
		if err == nil && strings.TrimSpace(string(now)) != old {
			problems = append(problems, os.WriteFile(path, []byte(old), 0o644))
		}
	}
	return errors.Join(problems...)
}

// BridgeOwner is the directory of the cluster that made the bridge; empty when there is no bridge. A bridge of
// somebody else is an error.
func BridgeOwner() (string, error) {
	link := "/sys/class/net/" + config.Bridge
	for attempt := 0; ; attempt++ {
		alias, err := os.ReadFile(link + "/ifalias")
		if errors.Is(err, fs.ErrNotExist) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		if owner, ours := strings.CutPrefix(strings.TrimSpace(string(alias)), aliasPrefix); ours {
			return owner, nil
		}
		if attempt == 20 { // another `up` may be between making the bridge and naming it
			return "", remedy.New("use that cluster by its kubeconfig, or `cluster up --no-node`; or remove the link if it is a leftover: ip link del "+config.Bridge,
				"the link %s exists and is not ours: another container network runs on this machine", config.Bridge)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Network makes the bridge with the node's address, routes the Service range to it, and puts the guard up, so that
// no packet for a pod or a Service ever leaves the machine.
func Network(dir string, guard []byte) error {
	if err := run(nil, "ip", "link", "add", config.Bridge, "type", "bridge"); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"link", "set", config.Bridge, "alias", aliasPrefix + dir},
		{"addr", "add", config.NodeIP + "/24", "dev", config.Bridge},
		{"link", "set", config.Bridge, "up"},
		{"route", "replace", config.ServiceRange, "dev", config.Bridge, "src", config.NodeIP},
	} {
		if err := run(nil, "ip", args...); err != nil {
			return err
		}
	}
	if err := run(guard, "nft", "-f", "-"); err != nil {
		return err
	}
	return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644)
}

// PortsFree tells which of the node's own ports another program of the machine holds on all addresses.
func PortsFree(ports ...int) error {
	for _, port := range ports {
		address := fmt.Sprintf("%s:%d", config.NodeIP, port)
		listener, err := net.Listen("tcp", address)
		if errors.Is(err, syscall.EADDRINUSE) {
			return remedy.New(fmt.Sprintf("find it with `ss -ltnp 'sport = :%d'` and stop it, or use kind or `cluster up --no-node`", port),
				"another program of this machine listens on port %d of every address, which the node needs on %s", port, config.NodeIP)
		}
		if err != nil {
			return err
		}
		_ = listener.Close()
	}
	return nil
}

// ForeignProxy refuses a machine on which another kube-proxy has its rules.
func ForeignProxy() error {
	out, err := exec.Command("nft", "list", "tables").Output()
	if err != nil {
		return fmt.Errorf("nft list tables: %w (the kernel needs nf_tables)", err)
	}
	if strings.Contains(string(out), " kube-proxy\n") {
		return remedy.New("use that cluster by its kubeconfig, or `cluster up --no-node`", "another kube-proxy keeps its rules on this machine")
	}
	return nil
}

func removeBridge() error {
	ports, _ := filepath.Glob("/sys/class/net/" + config.Bridge + "/brif/*")
	for _, port := range ports {
		_ = run(nil, "ip", "link", "del", filepath.Base(port)) // may vanish with its namespace meanwhile
	}
	return run(nil, "ip", "link", "del", config.Bridge)
}

func removeRules() error {
	out, err := exec.Command("nft", "list", "tables").Output()
	if err != nil {
		return fmt.Errorf("nft list tables: %w", err)
	}
	ours := []string{"table inet " + config.Network, "table ip kube-proxy", "table ip6 kube-proxy"}
	var problems []error
	for line := range strings.Lines(string(out)) {
		if table := strings.TrimSpace(line); slices.Contains(ours, table) {
			problems = append(problems, run(nil, "nft", append([]string{"delete"}, strings.Fields(table)...)...))
		}
	}
	return errors.Join(problems...)
}

func run(input []byte, name string, args ...string) error {
	command := exec.Command(name, args...)
	command.Stdin = bytes.NewReader(input)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

package host

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"wazo.io/plugin-operator/e2e/cluster/internal/config"
	"wazo.io/plugin-operator/e2e/cluster/internal/state"
)

// Paths that are fixed in the kubelet, in containerd and in the library of the network plugins.
const (
	logLinks   = "/var/log/containers"
	devices    = "/var/lib/kubelet/device-plugins"
	cniResults = "/var/lib/cni/results"
	shimFolder = "/run/containerd/s"
)

// entries of a cluster's directory that go with it. Listed, not "everything": the directory is the user's choice.
var entries = []string{
	"pki", "conf", "etcd", "flex", "kubelet", "pods", "cni", "runc", "registry", "containerd", "pause.tar", "state.json.next",
	"containerd.sock", "containerd.sock.ttrpc", "containerd-debug.sock",
}

// NewFolders are the folders outside of a cluster's own that the node's programs will make, parents first.
func NewFolders() []string {
	folders := []string{}
	for _, path := range []string{logLinks, filepath.Dir(devices), devices, filepath.Dir(cniResults), cniResults, filepath.Dir(shimFolder), shimFolder} {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			folders = append(folders, path)
		}
	}
	return folders
}

// Sweep removes everything that a cluster left on the machine, whether it was stopped or crashed at any moment. It
// may be repeated. The logs stay.
func Sweep(s *state.State) error {
	var problems []error
	for _, p := range s.Processes {
		p.Signal(syscall.SIGKILL)
	}
	for _, p := range s.Processes {
		if !p.Gone(5 * time.Second) {
			problems = append(problems, fmt.Errorf("%s (pid %d) does not end", p.Name, p.PID))
		}
	}
	if s.Node != nil {
		problems = append(problems, sweepNode(s))
	}
	if err := errors.Join(problems...); err != nil {
		return err // the state file stays, so that the next attempt knows what to do
	}
	for _, name := range entries {
		problems = append(problems, os.RemoveAll(filepath.Join(s.Dir, name)))
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	return os.Remove(filepath.Join(s.Dir, "state.json"))
}

func sweepNode(s *state.State) error {
	sockets := shimSockets(s.Dir)
	problems := []error{killShims(s.Node.Containerd)}
	owner, err := BridgeOwner()
	if err != nil {
		return err
	}
	if owner == "" || owner == s.Dir { // else all that is one per machine belongs to another cluster by now
		problems = append(problems, killPods(), removeCgroups(), removeRules(), restoreSysctls(s.Sysctls))
		removeStrays(s)
	}
	problems = append(problems, unmount(s.Dir))
	for _, socket := range sockets {
		_ = os.Remove(socket)
	}
	if err := errors.Join(problems...); err != nil || owner != s.Dir {
		return err
	}
	return removeBridge() // at last: it is the mark of the owner
}

// killShims ends containerd's shims, which outlive it: ours are those that report to our containerd's socket.
func killShims(socket string) error {
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		found := 0
		entries, err := os.ReadDir("/proc")
		if err != nil {
			return err
		}
		for _, e := range entries {
			pid, err := strconv.Atoi(e.Name())
			if err != nil {
				continue
			}
			line, _ := os.ReadFile("/proc/" + e.Name() + "/cmdline")
			args := strings.Split(string(line), "\x00")
			at := slices.Index(args, "-address")
			if at < 1 || at+1 >= len(args) || args[at+1] != socket || !strings.HasPrefix(filepath.Base(args[0]), "containerd-shim") {
				continue
			}
			found++
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		if found == 0 {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%d container shims do not end", found)
		}
	}
}

func shimSockets(dir string) []string {
	files, _ := filepath.Glob(dir + "/containerd/state/io.containerd.runtime.v2.task/*/*/address")
	var sockets []string
	for _, file := range files {
		address, _ := os.ReadFile(file)
		if path, ok := strings.CutPrefix(string(bytes.TrimSpace(address)), "unix://"+shimFolder+"/"); ok {
			sockets = append(sockets, filepath.Join(shimFolder, filepath.Base(path)))
		}
	}
	return sockets
}

// unmount takes down all mounts below the directory, the newest first. It does not return without an error while
// one is left: what is deleted next may otherwise be the files behind a pod's volume.
func unmount(dir string) error {
	var last error
	for range 5 {
		table, err := os.ReadFile("/proc/self/mountinfo")
		if err != nil {
			return err
		}
		lines := strings.Split(string(table), "\n")
		found := false
		for _, line := range slices.Backward(lines) {
			fields := strings.Fields(line)
			if len(fields) < 5 || !strings.HasPrefix(unescape(fields[4]), dir+"/") {
				continue
			}
			found = true
			if err := syscall.Unmount(unescape(fields[4]), syscall.MNT_DETACH); err != nil {
				last = fmt.Errorf("unmount %s: %w", fields[4], err)
			}
		}
		if !found {
			return nil
		}
	}
	return errors.Join(fmt.Errorf("there are still mounts below %s", dir), last)
}

// unescape undoes the octal escapes of /proc/self/mountinfo.
func unescape(path string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(path)
}

// removeStrays removes what the node's programs write outside of the cluster's directory.
func removeStrays(s *state.State) {
	links, _ := filepath.Glob(logLinks + "/*.log")
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && strings.HasPrefix(target, s.Dir+"/") {
			_ = os.Remove(link)
		}
	}
	results, _ := filepath.Glob(filepath.Join(cniResults, config.Network+"-*-eth0"))
	for _, result := range results {
		sandbox := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(result), config.Network+"-"), "-eth0")
		_ = os.Remove(result)
		_ = os.Remove(filepath.Join(cniResults, "cni-loopback-"+sandbox+"-lo"))
	}
	if slices.Contains(s.Node.Folders, devices) {
		_ = os.Remove(filepath.Join(devices, "kubelet.sock"))
	}
	for _, folder := range slices.Backward(s.Node.Folders) {
		_ = os.Remove(folder) // only when empty: another program may use it by now
	}
}

package host

import (
	"bytes"
	"errors"
	"fmt"
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

// LogLinks is where the kubelet puts links to the logs of containers; the path is fixed in it.
const LogLinks = "/var/log/containers"

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
		sockets := shimSockets(s.Dir)
		problems = append(problems, killShims(s.Node.Containerd), killPods(), unmount(s.Dir), removeNetwork(s.Dir), removeCgroups())
		for _, socket := range sockets {
			_ = os.Remove(socket)
		}
		removeLogLinks(s)
		removeResults()
		problems = append(problems, restoreSysctls(s.Sysctls))
	}
	if err := errors.Join(problems...); err != nil {
		return err // the state file stays, so that the next attempt knows what to do
	}
	entries, err := os.ReadDir(s.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !slices.Contains([]string{"log", "lock", "state.json"}, e.Name()) {
			problems = append(problems, os.RemoveAll(filepath.Join(s.Dir, e.Name())))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	return os.Remove(filepath.Join(s.Dir, "state.json"))
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
		if path, ok := strings.CutPrefix(string(bytes.TrimSpace(address)), "unix:///run/containerd/s/"); ok {
			sockets = append(sockets, "/run/containerd/s/"+filepath.Base(path))
		}
	}
	return sockets
}

// unmount takes down all mounts below the directory, the newest first.
func unmount(dir string) error {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	lines := strings.Split(string(table), "\n")
	slices.Reverse(lines)
	var problems []error
	for _, line := range lines {
		fields := strings.Fields(line)
		if len(fields) < 5 || !strings.HasPrefix(unescape(fields[4]), dir+"/") {
			continue
		}
		if err := syscall.Unmount(unescape(fields[4]), syscall.MNT_DETACH); err != nil && !errors.Is(err, syscall.EINVAL) {
			problems = append(problems, fmt.Errorf("unmount %s: %w", fields[4], err))
		}
	}
	return errors.Join(problems...)
}

// unescape undoes the octal escapes of /proc/self/mountinfo.
func unescape(path string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(path)
}

func removeLogLinks(s *state.State) {
	links, _ := filepath.Glob(LogLinks + "/*.log")
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && strings.HasPrefix(target, s.Dir+"/") {
			_ = os.Remove(link)
		}
	}
	if s.Node.MadeContainer {
		_ = os.Remove(LogLinks) // only when empty
	}
}

// removeResults removes what the network plugins noted about our pods, and folders that are empty then.
func removeResults() {
	files, _ := filepath.Glob("/var/lib/cni/results/" + config.Network + "-*")
	for _, file := range files {
		_ = os.Remove(file)
	}
	for _, dir := range []string{"/var/lib/cni/results", "/var/lib/cni", "/run/containerd/s", "/run/containerd"} {
		_ = os.Remove(dir)
	}
}

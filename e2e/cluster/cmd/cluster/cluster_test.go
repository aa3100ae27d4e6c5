package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"wazo.io/plugin-operator/e2e/cluster/internal/host"
	"wazo.io/plugin-operator/e2e/cluster/internal/packages"
	"wazo.io/plugin-operator/e2e/cluster/internal/programs"
	"wazo.io/plugin-operator/e2e/cluster/internal/state"
)

// The test binary is the command itself when this is set: what is tested is the real process.
func TestMain(m *testing.M) {
	if os.Getenv("CLUSTER_TEST_AS_COMMAND") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func command(args ...string) *exec.Cmd {
	c := exec.Command("/proc/self/exe", args...)
	c.Env = append(os.Environ(), "CLUSTER_TEST_AS_COMMAND=1")
	return c
}

func needs(t *testing.T, node bool) {
	t.Helper()
	if _, built, err := programs.Locate(); err != nil || !built {
		t.Skipf("the programs are not built (%v): run `cluster build`", err)
	}
	if missing, err := packages.Missing(node); err != nil || len(missing) > 0 {
		t.Skipf("packages are missing (%v): run `cluster setup`", err)
	}
	if !node {
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("a node needs root")
	}
	if owner, err := host.BridgeOwner(); err != nil || owner != "" {
		t.Skipf("another cluster holds this machine's node: %s %v", owner, err)
	}
}

// folder is a short t.TempDir: the names of sockets below it are limited.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "cluster-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(filepath.Join(dir, "log")); _ = os.Remove(dir) }) // the rest is the test's subject
	return dir
}

func run(t *testing.T, status int, args ...string) string {
	t.Helper()
	out, err := command(args...).CombinedOutput()
	if code := map[bool]int{true: 0}[err == nil]; err != nil {
		code = err.(*exec.ExitError).ExitCode()
		if code != status {
			t.Fatalf("cluster %v: status %d, want %d\n%s", args, code, status, out)
		}
	} else if code != status {
		t.Fatalf("cluster %v: status 0, want %d\n%s", args, status, out)
	}
	return string(out)
}

// attach starts `up --attached` and returns the state that it prints.
func attach(t *testing.T, args ...string) (*exec.Cmd, io.Closer, *state.State) {
	t.Helper()
	c := command(append([]string{"up", "--attached"}, args...)...)
	stdin, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		t.Fatal("not Ready: ", c.Wait())
	}
	s := &state.State{}
	if err := json.Unmarshal(line, s); err != nil {
		t.Fatal(err)
	}
	return c, stdin, s
}

func kubectl(t *testing.T, s *state.State, input string, args ...string) string {
	t.Helper()
	c := exec.Command(filepath.Join(s.Programs, "kubectl"), append([]string{"--kubeconfig", s.Kubeconfig}, args...)...)
	c.Stdin = strings.NewReader(input)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func assertGone(t *testing.T, s *state.State) {
	t.Helper()
	for _, p := range append(s.Processes, s.Supervisor) {
		if !p.Gone(5 * time.Second) {
			t.Errorf("%s (pid %d) still runs", p.Name, p.PID)
		}
	}
	left, err := os.ReadDir(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 1 || left[0].Name() != "log" {
		t.Errorf("left in %s: %v", s.Dir, left)
	}
}

func TestAControlPlaneLivesAsLongAsItsCaller(t *testing.T) {
	needs(t, false)
	_, other, otherState := attach(t, "--no-node", "--dir", folder(t))
	defer other.Close()
	c, stdin, s := attach(t, "--no-node", "--dir", folder(t))
	if out := kubectl(t, s, "", "get", "namespaces", "-o", "name"); !strings.Contains(out, "namespace/default") {
		t.Errorf("got %s", out)
	}
	run(t, failed, "up", "--attached", "--no-node", "--dir", s.Dir) // taken
	_ = stdin.Close()
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
	assertGone(t, s)
	run(t, absent, "status", "--dir", s.Dir)
	if out := kubectl(t, otherState, "", "get", "--raw", "/readyz"); out != "ok" {
		t.Errorf("the other cluster suffered: %s", out)
	}
	_ = other.Close()
	if !otherState.Supervisor.Gone(10 * time.Second) {
		t.Error("the other supervisor outlives its caller")
	}
	assertGone(t, otherState)
}

func TestADetachedControlPlaneIsFoundAndStopped(t *testing.T) {
	needs(t, false)
	dir := folder(t)
	run(t, 0, "up", "--no-node", "--dir", dir)
	s, err := state.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if out := run(t, 0, "up", "--no-node", "--dir", dir); !strings.Contains(out, "up already") {
		t.Errorf("got %s", out)
	}
	if out := run(t, 0, "status", "--dir", dir, "--output", "json"); !strings.Contains(out, `"ended":[]`) {
		t.Errorf("got %s", out)
	}
	run(t, 0, "down", "--dir", dir)
	assertGone(t, s)
}

func TestADirectoryOfSomebodyElseIsRefused(t *testing.T) {
	needs(t, false)
	dir := folder(t)
	thesis := filepath.Join(dir, "thesis.tex")
	if err := os.WriteFile(thesis, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(thesis)
	if out := run(t, failed, "up", "--no-node", "--dir", dir); !strings.Contains(out, "thesis.tex") {
		t.Errorf("got %s", out)
	}
}

func TestWrongUsageIsStatusTwoAndNamesTheFlag(t *testing.T) {
	for _, args := range [][]string{{"up", "--nod"}, {"up", "--allow-port", "0"}, {"down", "extra"}, {"status", "--output", "xml"}, {"fly"}} {
		if out := run(t, misuse, args...); !strings.Contains(out, strings.TrimLeft(args[len(args)-1], "-")) && !strings.Contains(out, "must be") {
			t.Errorf("%v: %s", args, out)
		}
	}
}

// traces of a node on the machine, as lists that must be the same before and after.
func traces(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, c := range []string{
		"ip -o link | cut -d: -f2", "ip route", "nft list tables", "cut -d' ' -f2 /proc/mounts | sort", "ls /run/netns 2>/dev/null",
		"find /sys/fs/cgroup -type d -name 'wazo-e2e*'", "ls -R /var/log/containers /var/lib/kubelet /var/lib/cni /run/containerd 2>&1",
		"cat /proc/sys/net/ipv4/ip_forward /proc/sys/vm/overcommit_memory /proc/sys/kernel/panic /proc/sys/kernel/panic_on_oops",
		"cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -a -c '[c]ontainerd-shim'",
	} {
		out, _ := exec.Command("sh", "-c", c).CombinedOutput()
		all.WriteString("$ " + c + "\n" + string(out))
	}
	return all.String()
}

const pods = `{"apiVersion": "v1", "kind": "List", "items": [
 {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [{"name": "c", "image": "wazo.test/pause:1"}]}},
 {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "b"}, "spec": {"containers": [{"name": "c", "image": "wazo.test/pause:1"}],
  "volumes": [{"name": "m", "emptyDir": {"medium": "Memory"}}]}}]}`

func TestAKilledSupervisorOfANodeIsCleanedUpAfter(t *testing.T) {
	needs(t, true)
	before := traces(t)
	dir := folder(t)
	c, stdin, s := attach(t, "--dir", dir)
	defer stdin.Close()
	kubectl(t, s, pods, "apply", "-f", "-")
	kubectl(t, s, "", "wait", "--for=condition=Ready", "--timeout=60s", "pod/a", "pod/b")
	if out := run(t, failed, "up", "--attached", "--dir", folder(t)); !strings.Contains(out, dir) {
		t.Errorf("a second node must name the first: %s", out)
	}
	_ = c.Process.Signal(syscall.SIGKILL)
	_ = c.Wait()
	run(t, 0, "down", "--dir", dir)
	assertGone(t, s)
	if after := traces(t); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

func TestASupervisorKilledInTheMiddleIsCleanedUpByTheNextUp(t *testing.T) {
	needs(t, true)
	before := traces(t)
	dir := folder(t)
	for _, name := range []string{"containerd", "kube-apiserver", "kubelet"} {
		c := command("up", "--attached", "--dir", dir)
		c.Stderr = os.Stderr
		stdin, err := c.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
			s, err := state.Load(dir)
			if err == nil && s.PID == c.Process.Pid && slices.ContainsFunc(s.Processes, func(p state.Process) bool { return p.Name == name }) {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%s was not started", name)
			}
		}
		_ = c.Process.Signal(syscall.SIGKILL)
		_ = c.Wait()
		_ = stdin.Close()
	}
	next := folder(t) // another directory: the bridge leads to the first
	c, stdin, s := attach(t, "--dir", next)
	_ = stdin.Close()
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
	assertGone(t, s)
	if after := traces(t); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

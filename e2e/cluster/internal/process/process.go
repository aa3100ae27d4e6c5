// Package process starts the programs of a cluster and notices when one of them ends.
package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"

	"wazo.io/plugin-operator/e2e/cluster/internal/state"
)

// Program is one running program.
type Program struct {
	state.Process
	Log   string        // path of its output
	Ended chan struct{} // closed when it has ended
	err   error
}

// The kernel sends the parent-death signal when the *thread* that started the child ends, so all children are
// started by one thread that lives as long as the supervisor.
var starter = make(chan func())

func init() {
	go func() {
		runtime.LockOSThread()
		for start := range starter {
			start()
		}
	}()
}

// Start runs a program with its output in logs/NAME.log. It is killed when this process dies, however that happens.
func Start(logs, name, path string, env []string, args ...string) (*Program, error) {
	log := filepath.Join(logs, name+".log")
	out, err := os.OpenFile(log, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	command := exec.Command(path, args...)
	command.Stdout, command.Stderr = out, out
	// Nothing of the caller's environment: a proxy or a KUBECONFIG of the user must not reach the cluster.
	command.Env = append([]string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + filepath.Dir(logs)}, env...)
	command.Dir = "/"
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	done := make(chan error)
	starter <- func() { done <- command.Start() }
	if err := <-done; err != nil {
		return nil, fmt.Errorf("start of %s: %w", name, err)
	}
	identity, err := state.Identify(name, command.Process.Pid)
	if err != nil {
		_ = command.Process.Kill()
		return nil, fmt.Errorf("%s ended at once: %w\n%s", name, err, Tail(log, 5))
	}
	p := &Program{Process: identity, Log: log, Ended: make(chan struct{})}
	go func() {
		p.err = command.Wait()
		close(p.Ended)
	}()
	return p, nil
}

// Failure tells why the program ended, nil while it runs.
func (p *Program) Failure() error {
	select {
	case <-p.Ended:
		reason := p.err
		if reason == nil {
			reason = errors.New("exit status 0")
		}
		return fmt.Errorf("%s ended (%w); the end of %s:\n%s", p.Name, reason, p.Log, Tail(p.Log, 8))
	default:
		return nil
	}
}

// Tail is the last lines of a file, indented; empty where it cannot be read.
func Tail(path string, lines int) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	all := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	if len(all) > lines {
		all = all[len(all)-lines:]
	}
	for i, line := range all {
		if len(line) > 400 {
			line = line[:400]
		}
		all[i] = append([]byte("    "), line...)
	}
	return string(bytes.Join(all, []byte("\n")))
}

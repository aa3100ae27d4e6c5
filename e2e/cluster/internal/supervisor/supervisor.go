// Package supervisor brings one cluster up, owns its processes, and takes it down.
package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"wazo.io/plugin-operator/e2e/cluster/internal/config"
	"wazo.io/plugin-operator/e2e/cluster/internal/host"
	"wazo.io/plugin-operator/e2e/cluster/internal/kube"
	"wazo.io/plugin-operator/e2e/cluster/internal/process"
	"wazo.io/plugin-operator/e2e/cluster/internal/programs"
	"wazo.io/plugin-operator/e2e/cluster/internal/progress"
	"wazo.io/plugin-operator/e2e/cluster/internal/remedy"
	"wazo.io/plugin-operator/e2e/cluster/internal/state"
)

// Options of `up`.
type Options struct {
	Dir        string // absolute
	NoNode     bool   // control plane only
	Images     []string
	AllowPorts []int    // TCP ports on the node's IP that pods may reach
	Audit      []string // namespaces: the API server writes down what is asked of them
}

// Cluster is a running cluster, owned by this process.
type Cluster struct {
	options  Options
	progress *progress.Lines
	lock     *os.File
	log      *os.File
	programs string
	values   config.Values
	kube     *kube.Client
	mu       sync.Mutex // of state and running
	state    *state.State
	running  []*process.Program
}

// ErrRunning says that the directory's cluster is up already.
var ErrRunning = errors.New("this cluster is up already")

// Up starts a cluster and returns when it is Ready. On an error nothing is left behind.
func Up(ctx context.Context, o Options, p *progress.Lines) (*Cluster, error) {
	c := &Cluster{options: o, progress: p}
	if err := c.preflight(); err != nil {
		return nil, err
	}
	if err := c.claim(); err != nil {
		return nil, err
	}
	if err := c.start(ctx); err != nil {
		if ctx.Err() != nil && !errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
			err = fmt.Errorf("stopped before it was Ready: %w", context.Cause(ctx))
		}
		return nil, errors.Join(err, c.Down())
	}
	return c, nil
}

// claim makes the directory this process's own, and cleans up after a predecessor that was killed.
func (c *Cluster) claim() error {
	if err := foreign(c.options.Dir); err != nil {
		return err
	}
	logs := filepath.Join(c.options.Dir, "log")
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return err
	}
	lock, err := os.OpenFile(filepath.Join(c.options.Dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		return remedy.New("cluster down --dir "+c.options.Dir, "%s: %v", c.options.Dir, ErrRunning)
	}
	c.lock = lock
	if err := c.sweepLeftovers(); err != nil {
		_ = os.Remove(lock.Name())
		_ = os.Remove(logs) // if it is ours and empty; so with the directory
		_ = os.Remove(c.options.Dir)
		_ = lock.Close()
		return err
	}
	if c.log, err = os.Create(filepath.Join(logs, "supervisor.log")); err != nil {
		return err
	}
	c.progress.Also(c.log)
	self, err := state.Identify("supervisor", os.Getpid())
	if err != nil {
		return err
	}
	c.state = &state.State{
		Dir: c.options.Dir, Phase: state.Starting, PID: os.Getpid(), Supervisor: self, Programs: c.programs, Logs: logs,
		Kubeconfig:           filepath.Join(c.options.Dir, "conf", "admin.kubeconfig"),
		CertificateAuthority: filepath.Join(c.options.Dir, "pki", "ca.crt"), Processes: []state.Process{},
	}
	return c.state.Save()
}

// foreign refuses a directory in which somebody else keeps files.
func foreign(dir string) error {
	if _, err := state.Load(dir); !errors.Is(err, state.ErrNone) {
		return err
	}
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, file := range files {
		if !slices.Contains([]string{"log", "lock", "state.json.next"}, file.Name()) {
			return remedy.New("choose an empty or a new directory", "%s holds files that are not a cluster's, such as %s", dir, file.Name())
		}
	}
	return err
}

// sweepLeftovers cleans this directory, and for a node also the one whose cluster still holds the bridge.
func (c *Cluster) sweepLeftovers() error {
	dirs := []string{c.options.Dir}
	if !c.options.NoNode {
		owner, err := host.BridgeOwner()
		if err != nil {
			return err
		}
		if owner != "" && owner != c.options.Dir {
			dirs = append(dirs, owner)
		}
	}
	for _, dir := range dirs {
		old, err := state.Load(dir)
		if errors.Is(err, state.ErrNone) && dir == c.options.Dir {
			continue
		}
		if errors.Is(err, state.ErrNone) { // its directory was deleted, the bridge was not
			old, err = &state.State{Dir: dir, Node: &state.Node{Containerd: filepath.Join(dir, "containerd.sock")}}, os.MkdirAll(dir, 0o755)
		}
		if err != nil {
			return err
		}
		if old.Supervisor.Alive() {
			return remedy.New("cluster down --dir "+dir+"   (or use it: export KUBECONFIG="+old.Kubeconfig+")",
				"a machine holds one node, and the bridge %s belongs to the cluster in %s, which runs (supervisor: pid %d)", config.Bridge, dir, old.PID)
		}
		c.progress.Say("cleaning up after the cluster in %s, whose supervisor was killed", dir)
		if err := host.Sweep(old); err != nil {
			return fmt.Errorf("leftovers of %s: %w", dir, err)
		}
		if dir != c.options.Dir {
			_ = os.Remove(filepath.Join(dir, "lock"))
		}
	}
	return nil
}

func (c *Cluster) start(ctx context.Context) error {
	if err := c.plan(); err != nil {
		return err
	}
	steps := []func(context.Context) error{c.controlPlane, c.settled}
	if !c.options.NoNode {
		steps = []func(context.Context) error{c.network, c.runtime, c.controlPlane, c.node, c.gateway, c.settled}
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return c.save(func(s *state.State) {
		s.Phase = state.Ready
		s.Seconds = float64(c.progress.Elapsed().Milliseconds()) / 1000
	})
}

// Down stops everything and removes all traces but the logs.
func (c *Cluster) Down() error {
	_ = c.save(func(s *state.State) { s.Phase = state.Stopping })
	err := host.Sweep(c.state)
	if err == nil {
		_ = os.Remove(filepath.Join(c.options.Dir, "lock"))
	}
	_ = c.log.Close()
	_ = c.lock.Close()
	return err
}

// Line is the state as one line of JSON.
func (c *Cluster) Line() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.Line()
}

// Watch reports each program that ends although nobody asked it to, until the context ends.
func (c *Cluster) Watch(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, program := range c.running {
		go func() {
			select {
			case <-program.Ended:
				c.progress.Say("%v", program.Failure())
			case <-ctx.Done():
			}
		}()
	}
}

func (c *Cluster) save(change func(*state.State)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(c.state)
	return c.state.Save()
}

// spawn starts a program and writes it down at once.
func (c *Cluster) spawn(name, path string, env []string, args ...string) error {
	p, err := process.Start(c.state.Logs, name, path, env, args...)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.running = append(c.running, p)
	c.mu.Unlock()
	return c.save(func(s *state.State) { s.Processes = append(s.Processes, p.Process) })
}

// ours starts one of the programs that we built.
func (c *Cluster) ours(name string, args ...string) error {
	return c.spawn(name, filepath.Join(c.programs, name), nil, args...)
}

// theirs starts a program of the distribution.
func (c *Cluster) theirs(name string, args ...string) error {
	path, err := programs.Find(name)
	if err != nil {
		return err
	}
	return c.spawn(name, path, nil, args...)
}

// until repeats a check until it succeeds, gives up when one of our programs ends or the context does.
func (c *Cluster) until(ctx context.Context, what string, check func(context.Context) error) error {
	for {
		err := check(ctx)
		if err == nil {
			c.progress.Say("%s", what)
			return nil
		}
		c.mu.Lock()
		running := c.running
		c.mu.Unlock()
		for _, program := range running {
			if failure := program.Failure(); failure != nil {
				return failure
			}
		}
		select {
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
				return remedy.New("look into the logs in "+c.state.Logs+"; a busy machine needs a longer --timeout", "waited in vain for: %s (last: %v)", what, err)
			}
			return context.Cause(ctx)
		case <-time.After(40 * time.Millisecond):
		}
	}
}

// render writes one configuration file below DIR/conf.
func (c *Cluster) render(template, file string, values config.Values) error {
	data, err := config.Render(template, values)
	if err != nil {
		return err
	}
	return c.write(filepath.Join("conf", file), data)
}

func (c *Cluster) write(file string, data []byte) error {
	path := filepath.Join(c.options.Dir, file)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}

// freePorts finds free ports on loopback, below the range from which the kernel takes ports for connections, so
// that nobody gets them by accident before our programs do.
func freePorts(count int) ([]int, error) {
	var ports []int
	var held []io.Closer
	defer func() {
		for _, h := range held {
			_ = h.Close()
		}
	}()
	base := 15000 + int(time.Now().UnixNano()/1000+int64(os.Getpid())*7919)%15000
	for offset := 0; len(ports) < count && offset < 2000; offset++ {
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", base+offset))
		if err == nil {
			held = append(held, listener)
			ports = append(ports, base+offset)
		}
	}
	if len(ports) < count {
		return nil, errors.New("no free ports on 127.0.0.1")
	}
	return ports, nil
}

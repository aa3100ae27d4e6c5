package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"wazo.io/plugin-operator/e2e/cluster/internal/progress"
	"wazo.io/plugin-operator/e2e/cluster/internal/state"
	"wazo.io/plugin-operator/e2e/cluster/internal/supervisor"
)

const upHelp = `cluster up [--no-node] [--dir DIR] [--attached] [--image TAR ...] [--allow-port N ...] [--audit NAMESPACE ...] [--timeout 2m] [--output json]

Starts a cluster and returns when it is Ready; a supervisor in the background owns it until ` + "`cluster down`" + `.
With --attached this process is the supervisor: it prints the state as one line of JSON when Ready, and takes the
cluster down when its standard input ends, or at SIGTERM or SIGINT. So a caller that dies takes its cluster along.`

type upFlags struct {
	options  supervisor.Options
	attached bool
	timeout  time.Duration
	json     *output
}

// label is what the name of a namespace looks like.
var label = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// list is a flag that may be given several times.
type list struct{ add func(string) error }

func (l list) String() string         { return "" }
func (l list) Set(value string) error { return l.add(value) }

func parseUp(args []string) (*upFlags, error) {
	f := &upFlags{options: supervisor.Options{AllowPorts: []int{}}}
	set := flags("up", upHelp)
	dir := dirFlag(set)
	f.json = outputFlag(set)
	set.BoolVar(&f.options.NoNode, "no-node", false, "control plane only: no root needed, no pods; several at once, each in its own --dir")
	set.BoolVar(&f.attached, "attached", false, "stay, print one line of JSON when Ready, take the cluster down at the end of standard input")
	set.DurationVar(&f.timeout, "timeout", 2*time.Minute, "give up when the cluster is not Ready by then")
	set.Var(list{func(tar string) error { f.options.Images = append(f.options.Images, tar); return nil }}, "image",
		"image archive (docker-archive or OCI) for the node; may be repeated")
	set.Var(list{func(text string) error {
		port, err := strconv.Atoi(text)
		if err != nil || port < 1 || port > 65535 {
			return errors.New("must be a TCP port, 1 to 65535")
		}
		f.options.AllowPorts = append(f.options.AllowPorts, port)
		return nil
	}}, "allow-port", "TCP port on the node's address that pods may reach, beside those of the cluster; may be repeated")
	set.Var(list{func(namespace string) error {
		if !label.MatchString(namespace) {
			return errors.New("must be the name of a namespace")
		}
		f.options.Audit = append(f.options.Audit, namespace)
		return nil
	}}, "audit", "namespace whose requests the API server writes into its audit log; may be repeated")
	if err := parse(set, args, 0); err != nil {
		return nil, err
	}
	if f.options.NoNode && (len(f.options.Images) > 0 || len(f.options.AllowPorts) > 0) {
		return nil, &exit{misuse, errors.New("--image and --allow-port are for a node: leave them out, or --no-node")}
	}
	var err error
	f.options.Dir, err = directory(*dir)
	return f, err
}

func up(ctx context.Context, args []string) error {
	f, err := parseUp(args)
	if err != nil {
		return err
	}
	if f.attached {
		return attached(ctx, f)
	}
	return detached(ctx, f, args)
}

// attached is the supervisor with a caller that holds its standard input.
func attached(ctx context.Context, f *upFlags) error {
	p := progress.New(os.Stderr)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel(errors.New("standard input ended"))
	}()
	c, err := begin(ctx, f, p)
	if err != nil {
		return err
	}
	fmt.Println(c.Line())
	return serve(ctx, c, p)
}

// supervise is the background half of `up`: until Ready it depends on its caller, from then on on nobody.
func supervise(ctx context.Context, args []string) error {
	f, err := parseUp(args)
	if err != nil {
		return err
	}
	p := progress.New(os.Stderr)
	starting, cancel := context.WithCancelCause(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel(errors.New("`cluster up` was interrupted"))
	}()
	c, err := begin(starting, f, p)
	if err != nil {
		return err
	}
	fmt.Println(c.Line())
	return serve(ctx, c, p)
}

func begin(ctx context.Context, f *upFlags, p *progress.Lines) (*supervisor.Cluster, error) {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	return supervisor.Up(ctx, f.options, p)
}

func serve(ctx context.Context, c *supervisor.Cluster, p *progress.Lines) error {
	c.Watch(ctx)
	p.Say("Ready")
	<-ctx.Done()
	stopping := progress.New(os.Stderr)
	stopping.Say("stopping: %v", context.Cause(ctx))
	if err := c.Down(); err != nil {
		return fmt.Errorf("not everything could be removed: %w\n  what to do: cluster down", err)
	}
	stopping.Say("stopped, nothing left behind")
	return nil
}

// detached starts the supervisor in a session of its own and passes on what it says until the cluster is Ready.
func detached(ctx context.Context, f *upFlags, args []string) error {
	if s, err := state.Load(f.options.Dir); err == nil && s.Supervisor.Alive() && s.Phase == state.Ready {
		return report(f, s, "up already")
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	command := exec.Command(self, append([]string{"supervise"}, args...)...)
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	stdin, err := command.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	stderr, err := command.StderrPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	go func() {
		<-ctx.Done()
		_ = stdin.Close() // the supervisor then takes down what there is
	}()
	ready := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(stdout).ReadString('\n')
		ready <- line
	}()
	said := make(chan struct{})
	go func() {
		defer close(said)
		_, _ = io.Copy(os.Stderr, stderr)
	}()
	if line := <-ready; line == "" {
		<-said
		_ = command.Wait()
		return &exit{status: max(failed, command.ProcessState.ExitCode())} // it has said why
	}
	s, err := state.Load(f.options.Dir)
	if err != nil {
		return err
	}
	return report(f, s, fmt.Sprintf("Ready in %.1f s", s.Seconds))
}

func report(f *upFlags, s *state.State, how string) error {
	if *f.json {
		fmt.Println(s.Line())
		return nil
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s\n  export KUBECONFIG=%s PATH=%s:$PATH\n", how, s.Kubeconfig, s.Programs)
	if s.Gateway != nil {
		fmt.Fprintf(&text, "  gateway: https://NAME.plugins.test at %s, certificate authority %s\n", s.Gateway.Address, s.Gateway.CA)
	}
	fmt.Fprintf(&text, "  stop: cluster down")
	if d, err := directory(""); err == nil && d != s.Dir {
		fmt.Fprintf(&text, " --dir %s", s.Dir)
	}
	_, err := fmt.Println(text.String())
	return err
}

var _ flag.Value = list{}

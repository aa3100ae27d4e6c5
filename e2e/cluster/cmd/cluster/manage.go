package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"wazo.io/plugin-operator/e2e/cluster/internal/host"
	"wazo.io/plugin-operator/e2e/cluster/internal/packages"
	"wazo.io/plugin-operator/e2e/cluster/internal/programs"
	"wazo.io/plugin-operator/e2e/cluster/internal/progress"
	"wazo.io/plugin-operator/e2e/cluster/internal/remedy"
	"wazo.io/plugin-operator/e2e/cluster/internal/state"
	"wazo.io/plugin-operator/e2e/cluster/internal/supervisor"
)

func build(ctx context.Context, args []string) error {
	set := flags("build", "cluster build [--output json]\n\nBuilds the programs of a cluster from their Go modules into the cache directory, unless they are there.\nThe first time takes 15 to 30 minutes on two cores, and 9 GB of Go's build cache.")
	json := outputFlag(set)
	if err := parse(set, args, 0); err != nil {
		return err
	}
	p := progress.New(os.Stderr)
	dir, cached, err := programs.Build(ctx, p)
	if err != nil {
		return err
	}
	if *json {
		return printJSON(map[string]any{"programs": dir, "cached": cached, "seconds": p.Elapsed().Seconds()})
	}
	p.Say("programs: %s", dir)
	return nil
}

func setup(ctx context.Context, args []string) error {
	set := flags("setup", "cluster setup [--output json]\n\nInstalls the packages of the distribution that a node needs and that are missing; starts none of their daemons. As root.")
	json := outputFlag(set)
	if err := parse(set, args, 0); err != nil {
		return err
	}
	missing, err := packages.Missing(true)
	if err != nil {
		return err
	}
	p := progress.New(os.Stderr)
	if err := packages.Install(ctx, p, missing); err != nil {
		return err
	}
	if left, err := packages.Missing(true); err != nil || len(left) > 0 {
		return errors.Join(err, fmt.Errorf("still missing after the installation: %s", packages.Names(left)))
	}
	if *json {
		return printJSON(map[string]any{"installed": len(missing), "seconds": p.Elapsed().Seconds()})
	}
	if len(missing) == 0 {
		p.Say("every package is there")
	} else {
		p.Say("installed: %s", packages.Names(missing))
	}
	return nil
}

func down(_ context.Context, args []string) error {
	set := flags("down", "cluster down [--dir DIR]\n\nStops the cluster, or cleans up after one whose supervisor was killed. Its logs stay in DIR/log; nothing else does.")
	dirArg := dirFlag(set)
	if err := parse(set, args, 0); err != nil {
		return err
	}
	dir, err := directory(*dirArg)
	if err != nil {
		return err
	}
	p := progress.New(os.Stderr)
	s, err := state.Load(dir)
	if errors.Is(err, state.ErrNone) {
		p.Say("no cluster in %s", dir)
		return nil
	}
	if err != nil {
		return err
	}
	if s.Node != nil && os.Geteuid() != 0 {
		return remedy.New("run `cluster down` as root", "the cluster in %s has a node, which root started", dir)
	}
	if s.Supervisor.Alive() {
		p.Say("asking the supervisor (pid %d) to stop", s.PID)
		s.Supervisor.Signal(syscall.SIGTERM)
		if !s.Supervisor.Gone(20 * time.Second) {
			p.Say("it does not; killing it")
			s.Supervisor.Signal(syscall.SIGKILL)
			s.Supervisor.Gone(5 * time.Second)
		}
	}
	s, err = state.Load(dir)
	if err == nil {
		p.Say("the supervisor was killed: cleaning up after it")
		if err := host.Sweep(s); err != nil {
			return err
		}
		_ = os.Remove(filepath.Join(dir, "lock"))
	} else if !errors.Is(err, state.ErrNone) {
		return err
	}
	p.Say("stopped, nothing left behind; logs of this run: %s", filepath.Join(dir, "log"))
	return nil
}

func status(_ context.Context, args []string) error {
	set := flags("status", "cluster status [--dir DIR] [--output json]\n\nSays what runs. Exit status 3 when no cluster runs in DIR.")
	dirArg, json := dirFlag(set), outputFlag(set)
	if err := parse(set, args, 0); err != nil {
		return err
	}
	s, err := running(*dirArg)
	if err != nil {
		return err
	}
	ended := []string{}
	for _, p := range s.Processes {
		if !p.Alive() {
			ended = append(ended, p.Name)
		}
	}
	if *json {
		return printJSON(struct {
			*state.State
			Ended []string `json:"ended"` // programs that should run and do not
		}{s, ended})
	}
	fmt.Printf("%s in %s (supervisor: pid %d)\n  export KUBECONFIG=%s PATH=%s:$PATH\n", s.Phase, s.Dir, s.PID, s.Kubeconfig, s.Programs)
	for _, p := range s.Processes {
		word := "runs"
		if !p.Alive() {
			word = "HAS ENDED, see " + filepath.Join(s.Logs, p.Name+".log")
		}
		fmt.Printf("  %-24s pid %-7d %s\n", p.Name, p.PID, word)
	}
	return nil
}

func load(ctx context.Context, args []string) error {
	set := flags("load", "cluster load [--dir DIR] TAR\n\nImports an image archive (docker-archive or OCI) for the node. Use imagePullPolicy IfNotPresent and a tag other than latest.")
	dirArg := dirFlag(set)
	if err := parse(set, args, 1); err != nil {
		return err
	}
	s, err := running(*dirArg)
	if err != nil {
		return err
	}
	if s.Node == nil {
		return remedy.New("start it without --no-node", "the cluster in %s has no node", s.Dir)
	}
	return supervisor.LoadImage(ctx, s.Node.Containerd, set.Arg(0))
}

// running is the state of a cluster whose supervisor lives.
func running(dirArg string) (*state.State, error) {
	dir, err := directory(dirArg)
	if err != nil {
		return nil, err
	}
	s, err := state.Load(dir)
	if errors.Is(err, state.ErrNone) {
		return nil, &exit{absent, remedy.New("cluster up", "no cluster in %s", dir)}
	}
	if err != nil {
		return nil, err
	}
	if !s.Supervisor.Alive() {
		return nil, &exit{absent, remedy.New("cluster down --dir "+dir, "the supervisor of the cluster in %s was killed", dir)}
	}
	return s, nil
}

func printJSON(value any) error {
	encoder := json.NewEncoder(os.Stdout)
	return encoder.Encode(value)
}

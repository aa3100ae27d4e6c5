// Command cluster runs a real Kubernetes on this machine, for tests and the demo, and leaves nothing behind.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"wazo.io/plugin-operator/e2e/cluster/internal/programs"
)

const usage = `cluster runs a real Kubernetes on this machine, and leaves nothing behind.

  cluster build     build Kubernetes, CoreDNS, Helm and Traefik (once; minutes), without root
  cluster setup     install the distribution's packages that a node needs (root)
  cluster up        start a cluster and return when it is Ready (root; --no-node: without)
  cluster status    what runs, and where
  cluster load TAR  give a container image to the node
  cluster down      stop it and remove every trace but its logs

Each takes --help. Exit status: 0 done; 1 failed, the message says what to do; 2 wrong usage; 3 no cluster runs here
(status, load). WAZO_E2E_CACHE is the directory of programs and clusters (default: ~/.cache/wazo-plugin-operator).
`

// Exit statuses.
const (
	failed = 1
	misuse = 2
	absent = 3
)

// exit carries a status other than 1; without an error nothing is left to say.
type exit struct {
	status int
	err    error
}

func (e *exit) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.err.Error()
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(misuse)
	}
	commands := map[string]func(context.Context, []string) error{
		"build": build, "setup": setup, "up": up, "supervise": supervise, "down": down, "status": status, "load": load,
	}
	name := os.Args[1]
	if name == "help" || name == "--help" || name == "-h" {
		fmt.Print(usage)
		return
	}
	command, known := commands[name]
	if !known {
		fmt.Fprintf(os.Stderr, "cluster: no command %q\n\n%s", name, usage)
		os.Exit(misuse)
	}
	// A caller that crashed takes the other end of our output with it. Caught, not ignored: the latter would be
	// inherited by every program that we start.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := command(ctx, os.Args[2:])
	stop()
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	status := failed
	var e *exit
	if errors.As(err, &e) {
		status = e.status
	}
	if e == nil || e.err != nil {
		if name == "supervise" {
			name = "up" // whose background half it is
		}
		fmt.Fprintf(os.Stderr, "cluster %s: %v\n", name, err)
	}
	os.Exit(status)
}

// flags makes a command's flag set; its help begins with the given text.
func flags(name, help string) *flag.FlagSet {
	set := flag.NewFlagSet(name, flag.ContinueOnError)
	set.Usage = func() {
		fmt.Fprintf(os.Stdout, "%s\n\n", help)
		set.SetOutput(os.Stdout)
		set.PrintDefaults()
	}
	return set
}

// parse reads the flags and checks the number of other arguments.
func parse(set *flag.FlagSet, args []string, others int) error {
	set.SetOutput(io.Discard)
	err := set.Parse(args)
	if err == nil && set.NArg() != others {
		err = fmt.Errorf("expected %d arguments beside the flags, got %q", others, set.Args())
	}
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return err
	}
	return &exit{misuse, fmt.Errorf("%w (see `cluster %s --help`)", err, set.Name())}
}

func dirFlag(set *flag.FlagSet) *string {
	return set.String("dir", "", "directory of the cluster (default: clusters/default in the cache directory)")
}

func directory(dir string) (string, error) {
	if dir == "" {
		cache, err := programs.Cache()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(cache, "clusters", "default")
	}
	return filepath.Abs(dir)
}

// output is the value of --output.
type output bool

func (o *output) String() string { return map[bool]string{false: "text", true: "json"}[bool(*o)] }

func (o *output) Set(value string) error {
	if value != "text" && value != "json" {
		return errors.New("must be text or json")
	}
	*o = value == "json"
	return nil
}

func outputFlag(set *flag.FlagSet) *output {
	var o output
	set.Var(&o, "output", "text or json, on standard output")
	return &o
}

// Package packages installs what a node needs of the distribution.
package packages

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"

	cluster "wazo.io/plugin-operator/e2e/cluster"
	"wazo.io/plugin-operator/e2e/cluster/internal/programs"
	"wazo.io/plugin-operator/e2e/cluster/internal/progress"
	"wazo.io/plugin-operator/e2e/cluster/internal/remedy"
)

// Package of the distribution.
type Package struct {
	Name    string
	Version string // the one that the tests were written with
	Program string // a program's name, or the path of a file: there when the package is
}

// List parses packages.txt.
func List() ([]Package, error) {
	var list []Package
	for line := range strings.Lines(cluster.Packages) {
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if len(fields) != 3 {
			return nil, fmt.Errorf("packages.txt: %q is not \"package version program\"", strings.TrimSpace(line))
		}
		list = append(list, Package{fields[0], fields[1], fields[2]})
	}
	return list, nil
}

// Missing are those of the packages whose program is not on the machine. Without a node only etcd is needed.
func Missing(node bool) ([]Package, error) {
	list, err := List()
	if err != nil {
		return nil, err
	}
	var missing []Package
	for _, p := range list {
		if !node && p.Program != "etcd" {
			continue
		}
		if _, err := programs.Find(p.Program); err != nil {
			missing = append(missing, p)
		}
	}
	return missing, nil
}

// Names of packages, for a message.
func Names(list []Package) string {
	var names []string
	for _, p := range list {
		names = append(names, p.Name)
	}
	return strings.Join(names, " ")
}

// Install installs what is missing, with apt-get, and starts none of it.
func Install(ctx context.Context, p *progress.Lines, missing []Package) error {
	if len(missing) == 0 {
		return nil
	}
	manual := "apt-get install --no-install-recommends " + Names(missing)
	if os.Geteuid() != 0 {
		return remedy.New("run `cluster setup` as root (it runs: "+manual+"); or use kind and its KUBECONFIG; or, with etcd alone, `cluster up --no-node`",
			"packages are missing and only root can install them: %s", Names(missing))
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return remedy.New("install them with the package manager of this system, or use kind and its KUBECONFIG",
			"no apt-get here; missing: %s", Names(missing))
	}
	release, err := quiet()
	if err != nil {
		return err
	}
	defer release()
	p.Say("apt-get update")
	if err := apt(ctx, "update", "-q"); err != nil {
		return remedy.New("check the network and /etc/apt/sources.list", "%v", err)
	}
	args := []string{"install", "-q", "-y", "--no-install-recommends"}
	for _, m := range missing {
		pinned := m.Name + "=" + m.Version
		if exec.CommandContext(ctx, "apt-cache", "show", pinned).Run() == nil {
			args = append(args, pinned)
			continue
		}
		p.Say("%s %s is not offered any more: taking the distribution's current version", m.Name, m.Version)
		args = append(args, m.Name)
	}
	p.Say("installing %s", Names(missing))
	if err := apt(ctx, args...); err != nil {
		return remedy.New("try by hand: "+manual, "%v", err)
	}
	return nil
}

// quiet keeps the packages from starting daemons of their own: Debian asks this script before it starts one.
func quiet() (release func(), err error) {
	const policy = "/usr/sbin/policy-rc.d"
	file, err := os.OpenFile(policy, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if errors.Is(err, fs.ErrExist) {
		return func() {}, nil // the administrator's own policy stands
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if _, err := file.WriteString("#!/bin/sh\nexit 101\n"); err != nil {
		return nil, err
	}
	return func() { _ = os.Remove(policy) }, nil
}

func apt(ctx context.Context, args ...string) error {
	command := exec.CommandContext(ctx, "apt-get", args...)
	command.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := command.CombinedOutput(); err != nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		return fmt.Errorf("apt-get %s: %w\n    %s", args[0], err, strings.Join(lines[max(0, len(lines)-8):], "\n    "))
	}
	return nil
}

package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"wazo.io/plugin-operator/e2e/cluster/internal/config"
)

// cgroups are the directories of our group: one per hierarchy (version 1), or one (version 2).
func cgroups() ([]string, error) {
	const root = "/sys/fs/cgroup"
	if _, err := os.Stat(root + "/cgroup.controllers"); err == nil {
		return []string{filepath.Join(root, config.Network)}, nil
	}
	hierarchies, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	var groups []string
	for _, h := range hierarchies {
		if h.IsDir() {
			groups = append(groups, filepath.Join(root, h.Name(), config.Network))
		}
	}
	return groups, nil
}

// Cgroups makes the group below which the kubelet puts all pods.
func Cgroups() error {
	groups, err := cgroups()
	if err != nil {
		return err
	}
	for _, group := range groups {
		if err := os.Mkdir(group, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("control group: %w", err)
		}
	}
	return nil
}

// killPods ends every process in our group: these are the processes of the pods, and nothing else.
func killPods() error {
	groups, err := cgroups()
	if err != nil {
		return err
	}
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		found := 0
		for _, group := range groups {
			_ = filepath.WalkDir(group, func(path string, entry fs.DirEntry, err error) error {
				if err != nil || entry.Name() != "cgroup.procs" {
					return nil // groups vanish while we look
				}
				pids, _ := os.ReadFile(path)
				for field := range strings.FieldsSeq(string(pids)) {
					if pid, err := strconv.Atoi(field); err == nil && pid > 1 {
						found++
						_ = syscall.Kill(pid, syscall.SIGKILL)
					}
				}
				return nil
			})
		}
		if found == 0 {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%d processes of pods do not end", found)
		}
	}
}

func removeCgroups() error {
	groups, err := cgroups()
	if err != nil {
		return err
	}
	var problems []error
	for _, group := range groups {
		problems = append(problems, removeCgroup(group))
	}
	return errors.Join(problems...)
}

func removeCgroup(group string) error {
	entries, err := os.ReadDir(group)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := removeCgroup(filepath.Join(group, e.Name())); err != nil {
				return err
			}
		}
	}
	for end := time.Now().Add(2 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		err := syscall.Rmdir(group) // busy for a moment after its last process ended
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("rmdir %s: %w", group, err)
		}
	}
}

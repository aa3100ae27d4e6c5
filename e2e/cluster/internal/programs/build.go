package programs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	cluster "wazo.io/plugin-operator/e2e/cluster"
	"wazo.io/plugin-operator/e2e/cluster/internal/progress"
	"wazo.io/plugin-operator/e2e/cluster/internal/remedy"
)

const gatewayModule = "sigs.k8s.io/gateway-api"

// Build makes the programs, unless they are there; the directory appears complete or not at all.
func Build(ctx context.Context, p *progress.Lines) (dir string, cached bool, err error) {
	dir, built, err := Locate()
	if err != nil || built {
		return dir, built, err
	}
	if _, err := exec.LookPath("go"); err != nil {
		return "", false, remedy.New("install Go 1.26 or later (https://go.dev/dl)", "no Go tool chain on the PATH")
	}
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", false, err
	}
	lock, err := os.OpenFile(filepath.Join(parent, ".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return "", false, err
	}
	defer lock.Close()
	if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		p.Say("another build is running; waiting for it")
		if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
			return "", false, err
		}
		if _, built, err = Locate(); err != nil || built {
			return dir, built, err
		}
	}
	leftovers, _ := filepath.Glob(filepath.Join(parent, ".build-*")) // of builds that were killed: we hold the lock
	for _, leftover := range leftovers {
		_ = os.RemoveAll(leftover)
	}
	work, err := os.MkdirTemp(parent, ".build-")
	if err != nil {
		return "", false, err
	}
	defer os.RemoveAll(work)
	source, result := filepath.Join(work, "source"), filepath.Join(work, "result")
	if err := os.CopyFS(source, cluster.Sources); err != nil {
		return "", false, err
	}
	if err := os.Mkdir(result, 0o755); err != nil {
		return "", false, err
	}
	if err := compile(ctx, p, source, result); err != nil {
		return "", false, err
	}
	if err := definitions(ctx, source, filepath.Join(result, "gateway-api")); err != nil {
		return "", false, err
	}
	for _, name := range kubernetes {
		if err := os.Symlink("kube", filepath.Join(result, name)); err != nil {
			return "", false, err
		}
	}
	return dir, false, os.Rename(result, dir)
}

func compile(ctx context.Context, p *progress.Lines, source, result string) error {
	p.Say("building Kubernetes %s, CoreDNS, Helm, Traefik (once per version; minutes when nothing is cached)", Kubernetes)
	args := []string{"build", "-v", "-trimpath", "-mod=readonly", "-buildvcs=false", "-ldflags", linkerFlags(), "-o", result + "/"}
	command := toolchain(ctx, source, append(args, packages...)...)
	pipe, err := command.StderrPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	var modules, compiled atomic.Int64
	ticker := time.NewTicker(10 * time.Second)
	defer ticker.Stop()
	finished := make(chan struct{})
	var complaints []string
	go func() {
		defer close(finished)
		lines := bufio.NewScanner(pipe)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			line := lines.Text()
			switch {
			case strings.HasPrefix(line, "go: downloading "):
				modules.Add(1)
			case strings.ContainsAny(line, " \t#"):
				complaints = append(complaints, line)
			default:
				compiled.Add(1)
			}
		}
	}()
	for running := true; running; {
		select {
		case <-finished:
			running = false
		case <-ticker.C:
			p.Say("still building: %d modules fetched, %d packages compiled (about 4,500 when nothing is cached)", modules.Load(), compiled.Load())
		}
	}
	err = command.Wait()
	if ctx.Err() != nil {
		return errors.New("the build was interrupted; what is compiled already stays in Go's build cache")
	}
	if err != nil {
		return remedy.New("check the network (Go modules come from "+proxy(ctx)+") and the free disk space, then run `cluster build` again",
			"go build: %v\n    %s", err, strings.Join(complaints[max(0, len(complaints)-15):], "\n    "))
	}
	p.Say("built: %d modules fetched, %d packages compiled", modules.Load(), compiled.Load())
	return nil
}

// definitions copies the CRDs of Gateway API's standard channel.
func definitions(ctx context.Context, source, target string) error {
	// `list -m` fetches nothing of a module that is only named in go.mod, so the download comes first.
	for _, args := range [][]string{{"mod", "download", gatewayModule}, {"list", "-m", "-f", "{{.Dir}}", gatewayModule}} {
		out, err := toolchain(ctx, source, args...).Output()
		if err != nil {
			return fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
		}
		if args[0] == "list" {
			return os.CopyFS(target, os.DirFS(filepath.Join(strings.TrimSpace(string(out)), "config/crd/standard")))
		}
	}
	return nil
}

func proxy(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "go", "env", "GOPROXY").Output()
	if err != nil {
		return "GOPROXY"
	}
	return strings.TrimSpace(string(out))
}

func toolchain(ctx context.Context, source string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, "go", args...)
	command.Dir = source
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOOS=linux")
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = 10 * time.Second
	return command
}

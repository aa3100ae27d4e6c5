// Package programs knows where the programs of a cluster are, and builds those that are built from Go modules.
package programs

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"

	cluster "wazo.io/plugin-operator/e2e/cluster"
	"wazo.io/plugin-operator/e2e/cluster/internal/remedy"
)

// Kubernetes is the version that the programs report.
const Kubernetes = "v1.35.4"

// Names by which the one Kubernetes binary is called.
var kubernetes = []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl"}

// What is built, by `go build`.
var packages = []string{
	"./cmd/kube", "./cmd/coredns", "./cmd/pause", "helm.sh/helm/v4/cmd/helm", "github.com/traefik/traefik/v3/cmd/traefik",
}

func linkerFlags() string {
	return "-s -w -X k8s.io/component-base/version.gitVersion=" + Kubernetes +
		" -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=35" +
		" -X k8s.io/client-go/pkg/version.gitVersion=" + Kubernetes
}

const folder = "wazo-plugin-operator"

// Cache is the directory of everything that outlives a cluster.
func Cache() (string, error) {
	if dir := os.Getenv("WAZO_E2E_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	base, err := os.UserCacheDir()
	if err != nil {
		return "", remedy.New("set WAZO_E2E_CACHE to a directory", "no cache directory: %v", err)
	}
	return filepath.Join(base, folder), nil
}

// Locate is the directory of the built programs, and whether they are there.
func Locate() (dir string, built bool, err error) {
	cache, err := Cache()
	if err != nil {
		return "", false, err
	}
	hash, err := recipe()
	if err != nil {
		return "", false, err
	}
	dir = filepath.Join(cache, "programs", hash)
	if _, err = os.Stat(dir); err == nil {
		return dir, true, nil
	}
	if caller, err := user.Lookup(os.Getenv("SUDO_USER")); err == nil { // built without root, used with sudo
		theirs := filepath.Join(caller.HomeDir, ".cache", folder, "programs", hash)
		if _, err := os.Stat(theirs); err == nil {
			return theirs, true, nil
		}
	}
	return dir, false, nil
}

// recipe is a hash of all that decides about the result.
func recipe() (string, error) {
	hash := sha256.New()
	fmt.Fprintln(hash, packages, kubernetes, linkerFlags(), runtime.GOARCH)
	err := fs.WalkDir(cluster.Sources, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := cluster.Sources.ReadFile(path)
		fmt.Fprintf(hash, "%s %d\n%s", path, len(data), data)
		return err
	})
	return fmt.Sprintf("%x", hash.Sum(nil))[:16], err
}

// Find looks a program of the distribution up, also where a user's PATH does not go. A path is taken as it is.
func Find(name string) (string, error) {
	if strings.HasPrefix(name, "/") {
		_, err := os.Stat(name)
		return name, err
	}
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/sbin", "/usr/local/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no program %s on this machine", name)
}

// CNI is the directory of the network plugins.
func CNI() (string, error) {
	for _, dir := range []string{"/usr/lib/cni", "/opt/cni/bin"} {
		if _, err := os.Stat(filepath.Join(dir, "bridge")); err == nil {
			return dir, nil
		}
	}
	return "", fmt.Errorf("no CNI plugins in /usr/lib/cni or /opt/cni/bin")
}

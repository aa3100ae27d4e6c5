package host

import (
	"os"
	"path/filepath"
	"testing"

	"wazo.io/plugin-operator/e2e/cluster/internal/state"
)

func TestASweepRemovesTheClusterAndKeepsTheUsersFiles(t *testing.T) {
	dir := t.TempDir()
	s := &state.State{Dir: dir}
	for _, name := range []string{"pki", "etcd", "log", "mine"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
	if err := Sweep(s); err != nil {
		t.Fatal(err)
	}
	for name, stays := range map[string]bool{"pki": false, "etcd": false, "state.json": false, "log": true, "mine": true} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != stays {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNothingIsUnmountedOutsideOfTheDirectory(t *testing.T) {
	if err := unmount(t.TempDir()); err != nil {
		t.Error(err)
	}
}

func TestEscapesOfMountPathsAreUndone(t *testing.T) {
	if got := unescape(`/a\040b\134c`); got != `/a b\c` {
		t.Errorf("got %q", got)
	}
}

package state

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestWhatIsSavedIsLoaded(t *testing.T) {
	want := &State{Dir: t.TempDir(), Phase: Ready, Node: &Node{IP: "10.0.0.1"}, Sysctls: map[string]string{"a/b": "1"}}
	if err := want.Save(); err != nil {
		t.Fatal(err)
	}
	got, err := Load(want.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if got.Line() != want.Line() {
		t.Errorf("got %s, want %s", got.Line(), want.Line())
	}
	if strings.Contains(got.Line(), "\n") {
		t.Error("the line is more than one")
	}
}

func TestNoStateIsItsOwnErrorAndABrokenOneIsAnother(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(dir); !errors.Is(err, ErrNone) {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "state.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir); err == nil || errors.Is(err, ErrNone) || !strings.Contains(err.Error(), dir) {
		t.Errorf("a broken file must be named: %v", err)
	}
}

func TestAProcessIsTakenForItselfOnly(t *testing.T) {
	command := exec.Command("sleep", "60")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	p, err := Identify("sleep", command.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	later, elsewhere := p, p
	later.Start++
	elsewhere.Boot = "another"
	if !p.Alive() || later.Alive() || elsewhere.Alive() {
		t.Errorf("alive: %v, with another start: %v, after a restart: %v", p.Alive(), later.Alive(), elsewhere.Alive())
	}
	later.Signal(syscall.SIGKILL)
	if !p.Alive() {
		t.Error("a signal for another process reached it")
	}
	p.Signal(syscall.SIGKILL)
	if !p.Gone(5 * time.Second) { // not waited for: a zombie counts as gone
		t.Error("it does not end")
	}
	_ = command.Wait()
}

package process

import (
	"strings"
	"testing"
)

func TestTheFailureOfAProgramShowsTheEndOfItsLog(t *testing.T) {
	p, err := Start(t.TempDir(), "failing", "/bin/sh", nil, "-c", "echo the reason; exec sleep 0.05; exit 3")
	if err != nil {
		t.Fatal(err)
	}
	<-p.Ended
	if failure := p.Failure(); failure == nil || !strings.Contains(failure.Error(), "the reason") {
		t.Errorf("got %v", failure)
	}
}

func TestAProgramGetsNothingOfTheCallersEnvironment(t *testing.T) {
	t.Setenv("KUBECONFIG", "/not/for/it")
	p, err := Start(t.TempDir(), "env", "/bin/sh", []string{"GIVEN=yes"}, "-c", "env; sleep 0.05")
	if err != nil {
		t.Fatal(err)
	}
	<-p.Ended
	if log := Tail(p.Log, 20); strings.Contains(log, "KUBECONFIG") || !strings.Contains(log, "GIVEN=yes") {
		t.Errorf("got:\n%s", log)
	}
}

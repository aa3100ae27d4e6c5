package programs

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestProgramsAreKeptByWhatWentIntoThem(t *testing.T) {
	t.Setenv("WAZO_E2E_CACHE", t.TempDir())
	dir, built, err := Locate()
	if err != nil || built {
		t.Fatal(dir, built, err)
	}
	again, _, err := Locate()
	if err != nil || again != dir || len(filepath.Base(dir)) != 16 {
		t.Errorf("%s, then %s: %v", dir, again, err)
	}
}

func TestAProgramThatIsNotThereIsNamed(t *testing.T) {
	if _, err := Find("no-such-program"); err == nil || !strings.Contains(err.Error(), "no-such-program") {
		t.Errorf("got %v", err)
	}
}

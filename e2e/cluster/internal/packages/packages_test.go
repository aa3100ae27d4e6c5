package packages

import "testing"

func TestEveryPackageHasAVersionAndAProgram(t *testing.T) {
	list, err := List()
	if err != nil || len(list) == 0 {
		t.Fatal(list, err)
	}
	for _, p := range list {
		if p.Name == "" || p.Version == "" || p.Program == "" {
			t.Errorf("incomplete: %+v", p)
		}
	}
}

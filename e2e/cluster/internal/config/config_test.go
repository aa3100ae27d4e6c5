package config

import (
	"encoding/json"
	"strings"
	"testing"
)

var values = Values{
	Dir: "/d", Server: "https://10.244.0.1:6443", User: "admin", CNIBin: "/c", Registry: "127.0.0.1:5000",
	AllowPorts: []int{8443, 9000}, Audit: []string{"a", "b"}, PublicCert: []byte("cert"), PublicKey: []byte("key"),
}

func TestEveryTemplateRendersWithoutGaps(t *testing.T) {
	for _, template := range templates.Templates() {
		name := template.Name()
		if name == "" {
			continue
		}
		out, err := Render(name, values)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(out) == 0 || strings.Contains(string(out), "<no value>") || strings.Contains(string(out), `""/`) {
			t.Errorf("%s: %q", name, out)
		}
	}
}

func TestEveryConstantOfATemplateIsKnown(t *testing.T) {
	for _, name := range []string{"guard.nft", "kubelet.yaml", "cni.conflist", "Corefile", "gateway.yaml", "containerd.toml", "proxy.yaml"} {
		source, err := files.ReadFile("templates/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range strings.Split(string(source), `const "`)[1:] {
			constant, _, _ := strings.Cut(part, `"`)
			if constants[constant] == "" {
				t.Errorf("%s: no constant %q", name, constant)
			}
		}
	}
}

func TestTheGuardOpensTheAskedPortsAndNoOthers(t *testing.T) {
	guard, err := Render("guard.nft", values)
	if err != nil {
		t.Fatal(err)
	}
	if want := "tcp dport { 53, 80, 443, 6443, 10250, 8443, 9000 } accept"; !strings.Contains(string(guard), want) {
		t.Errorf("no %q in:\n%s", want, guard)
	}
}

func TestTheNetworkConfigurationIsJSON(t *testing.T) {
	out, err := Render("cni.conflist", values)
	if err != nil {
		t.Fatal(err)
	}
	var network struct{ Name string }
	if err := json.Unmarshal(out, &network); err != nil || network.Name != Network {
		t.Errorf("%v: %s", err, out)
	}
}

package certs

import (
	"crypto/tls"
	"crypto/x509"
	"testing"
)

func issue(t *testing.T, subject Subject) (*x509.Certificate, *x509.CertPool) {
	t.Helper()
	authority, err := NewAuthority("test")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := authority.Issue(subject)
	if err != nil {
		t.Fatal(err)
	}
	both, err := tls.X509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority.Cert) {
		t.Fatal("the authority is no PEM certificate")
	}
	return both.Leaf, pool
}

func TestAServersCertificateIsGoodForItsHostsOnly(t *testing.T) {
	cert, pool := issue(t, Subject{Name: "x", Hosts: []string{"*.plugins.test", "10.244.0.1"}})
	for host, good := range map[string]bool{"crm.plugins.test": true, "10.244.0.1": true, "plugins.test": false, "127.0.0.1": false} {
		_, err := cert.Verify(x509.VerifyOptions{DNSName: host, Roots: pool})
		if (err == nil) != good {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestAClientsCertificateIsNoServers(t *testing.T) {
	cert, pool := issue(t, Subject{Name: "admin", Groups: []string{"system:masters"}})
	client := x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if _, err := cert.Verify(client); err != nil {
		t.Error(err)
	}
	if _, err := cert.Verify(x509.VerifyOptions{Roots: pool}); err == nil {
		t.Error("accepted as a server's")
	}
	if cert.Subject.CommonName != "admin" || cert.Subject.Organization[0] != "system:masters" {
		t.Errorf("user and group are lost: %v", cert.Subject)
	}
}

func TestAnotherAuthorityIsNotBelieved(t *testing.T) {
	cert, _ := issue(t, Subject{Name: "x", Hosts: []string{"a.test"}})
	_, other := issue(t, Subject{Name: "y", Hosts: []string{"a.test"}})
	if _, err := cert.Verify(x509.VerifyOptions{DNSName: "a.test", Roots: other}); err == nil {
		t.Error("verified by a stranger")
	}
}

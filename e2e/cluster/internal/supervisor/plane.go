package supervisor

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"wazo.io/plugin-operator/e2e/cluster/internal/certs"
	"wazo.io/plugin-operator/e2e/cluster/internal/config"
	"wazo.io/plugin-operator/e2e/cluster/internal/kube"
	"wazo.io/plugin-operator/e2e/cluster/internal/programs"
	"wazo.io/plugin-operator/e2e/cluster/internal/state"
)

// plan decides addresses, makes all certificates and writes all configuration.
func (c *Cluster) plan() error {
	c.values = config.Values{Dir: c.options.Dir, AllowPorts: c.options.AllowPorts, Audit: c.options.Audit, Server: "https://" + config.NodeIP + ":6443"}
	if c.options.NoNode {
		ports, err := freePorts(1)
		if err != nil {
			return err
		}
		c.values.Server = fmt.Sprintf("https://127.0.0.1:%d", ports[0])
	}
	if err := c.certificates(); err != nil {
		return err
	}
	users := []string{"admin", "kube-controller-manager", "kube-scheduler"}
	if !c.options.NoNode {
		users = append(users, "node", "kube-proxy", "coredns", "traefik")
	}
	for _, user := range users {
		values := c.values
		values.User = user
		if err := c.render("kubeconfig", user+".kubeconfig", values); err != nil {
			return err
		}
	}
	if c.audits() {
		if err := c.render("audit.yaml", "audit.yaml", c.values); err != nil {
			return err
		}
	}
	return c.save(func(s *state.State) {
		s.Server = c.values.Server
		if c.audits() {
			s.Audit = c.auditLog()
		}
	})
}

func (c *Cluster) certificates() error {
	authorities := map[string]*certs.Authority{}
	for name, common := range map[string]string{"ca": "kubernetes", "front-proxy": "front-proxy", "gateway": "wazo-e2e gateway"} {
		authority, err := certs.NewAuthority(common)
		if err != nil {
			return err
		}
		authorities[name] = authority
		if err := c.pair(name, authority.Pair); err != nil {
			return err
		}
	}
	node := "system:node:" + config.NodeName
	service := []string{"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"}
	issued := map[string]certs.Pair{}
	for _, want := range []struct {
		file, authority string
		subject         certs.Subject
	}{
		{"apiserver", "ca", certs.Subject{Name: "kube-apiserver", Hosts: append(service, "localhost", "127.0.0.1", config.ServiceIP, config.NodeIP)}},
		{"kubelet-client", "ca", certs.Subject{Name: "kube-apiserver-kubelet-client", Groups: []string{"system:masters"}}},
		{"front-proxy-client", "front-proxy", certs.Subject{Name: "front-proxy-client"}},
		{"admin", "ca", certs.Subject{Name: "admin", Groups: []string{"system:masters"}}},
		{"kube-controller-manager", "ca", certs.Subject{Name: "system:kube-controller-manager"}},
		{"kube-scheduler", "ca", certs.Subject{Name: "system:kube-scheduler"}},
		{"kube-proxy", "ca", certs.Subject{Name: "system:kube-proxy"}},
		{"node", "ca", certs.Subject{Name: node, Groups: []string{"system:nodes"}}},
		{"kubelet", "ca", certs.Subject{Name: node, Groups: []string{"system:nodes"}, Hosts: []string{config.NodeName, config.NodeIP}}},
		{"coredns", "ca", certs.Subject{Name: "coredns"}},
		{"traefik", "ca", certs.Subject{Name: "traefik"}},
		{"public", "gateway", certs.Subject{Name: config.PluginsHost, Hosts: []string{config.PluginsHost, "*." + config.PluginsHost}}},
	} {
		pair, err := authorities[want.authority].Issue(want.subject)
		if err != nil {
			return err
		}
		issued[want.file] = pair
		if err := c.pair(want.file, pair); err != nil {
			return err
		}
	}
	c.values.PublicCert, c.values.PublicKey = issued["public"].Cert, issued["public"].Key
	accounts, err := certs.KeyPair()
	if err != nil {
		return err
	}
	if err := c.pair("service-accounts", accounts); err != nil {
		return err
	}
	c.kube, err = kube.NewClient(c.values.Server, authorities["ca"].Cert, issued["admin"])
	return err
}

func (c *Cluster) pair(name string, pair certs.Pair) error {
	if err := c.write("pki/"+name+".crt", pair.Cert); err != nil {
		return err
	}
	return c.write("pki/"+name+".key", pair.Key)
}

// controlPlane starts etcd, the API server, the controllers and the scheduler.
func (c *Cluster) controlPlane(ctx context.Context) error {
	ports, err := freePorts(2)
	if err != nil {
		return err
	}
	client, peer := fmt.Sprintf("http://127.0.0.1:%d", ports[0]), fmt.Sprintf("http://127.0.0.1:%d", ports[1])
	etcd := []string{
		"--data-dir=" + filepath.Join(c.options.Dir, "etcd"), "--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=default=" + peer,
	}
	if supports("etcd", "--unsafe-no-fsync") {
		etcd = append(etcd, "--unsafe-no-fsync")
	}
	if err := c.theirs("etcd", etcd...); err != nil {
		return err
	}
	if err := c.ours("kube-apiserver", c.apiserver(client)...); err != nil {
		return err
	}
	if err := c.until(ctx, "API server ready", func(ctx context.Context) error { return c.kube.Healthy(ctx, "/readyz") }); err != nil {
		return err
	}
	pki, conf := filepath.Join(c.options.Dir, "pki"), filepath.Join(c.options.Dir, "conf")
	common := []string{"--leader-elect=false", "--kube-api-qps=300", "--kube-api-burst=600", "--secure-port=0", "--profiling=false"}
	manager := append([]string{
		"--kubeconfig=" + conf + "/kube-controller-manager.kubeconfig", "--use-service-account-credentials=true",
		"--service-account-private-key-file=" + pki + "/service-accounts.key", "--root-ca-file=" + pki + "/ca.crt",
		"--cluster-signing-cert-file=" + pki + "/ca.crt", "--cluster-signing-key-file=" + pki + "/ca.key",
		"--flex-volume-plugin-dir=" + filepath.Join(c.options.Dir, "flex"),
	}, common...)
	if c.options.NoNode { // nothing renews the leases of simulated nodes: they shall stay Ready
		manager = append(manager, "--controllers=*,-node-lifecycle-controller,-taint-eviction-controller")
	}
	if err := c.ours("kube-controller-manager", manager...); err != nil {
		return err
	}
	return c.ours("kube-scheduler", append([]string{"--kubeconfig=" + conf + "/kube-scheduler.kubeconfig"}, common...)...)
}

func (c *Cluster) apiserver(etcd string) []string {
	pki := filepath.Join(c.options.Dir, "pki")
	host, port, _ := strings.Cut(strings.TrimPrefix(c.values.Server, "https://"), ":")
	args := []string{
		"--etcd-servers=" + etcd, "--bind-address=" + host, "--secure-port=" + port, "--advertise-address=" + host,
		"--service-cluster-ip-range=" + config.ServiceRange, "--client-ca-file=" + pki + "/ca.crt",
		"--tls-cert-file=" + pki + "/apiserver.crt", "--tls-private-key-file=" + pki + "/apiserver.key",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + pki + "/service-accounts.crt", "--service-account-signing-key-file=" + pki + "/service-accounts.key",
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--allow-privileged=true",
		"--kubelet-client-certificate=" + pki + "/kubelet-client.crt", "--kubelet-client-key=" + pki + "/kubelet-client.key",
		"--kubelet-certificate-authority=" + pki + "/ca.crt", "--kubelet-preferred-address-types=InternalIP",
		"--requestheader-client-ca-file=" + pki + "/front-proxy.crt", "--requestheader-allowed-names=front-proxy-client",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-username-headers=X-Remote-User", "--proxy-client-cert-file=" + pki + "/front-proxy-client.crt",
		"--proxy-client-key-file=" + pki + "/front-proxy-client.key", "--profiling=false",
	}
	if c.audits() { // a line stands there before its request is answered, or at the latest right behind it
		policy := filepath.Join(c.options.Dir, "conf", "audit.yaml")
		args = append(args, "--audit-policy-file="+policy, "--audit-log-path="+c.auditLog(), "--audit-log-mode=blocking")
	}
	if c.options.NoNode { // an endpoint of the Service may not be a loopback address
		args = append(args, "--endpoint-reconciler-type=none")
	}
	return args
}

func (c *Cluster) audits() bool { return len(c.options.Audit) > 0 }

func (c *Cluster) auditLog() string { return filepath.Join(c.state.Logs, "audit.jsonl") }

// settled waits for what the controllers do first, without which a pod is refused.
func (c *Cluster) settled(ctx context.Context) error {
	return c.until(ctx, "controllers at work", func(ctx context.Context) error {
		_, err := c.kube.Get(ctx, "/api/v1/namespaces/default/serviceaccounts/default")
		return err
	})
}

// supports tells whether a program's help names an option.
func supports(program, option string) bool {
	path, err := programs.Find(program)
	return err == nil && strings.Contains(output(path, "--help"), option)
}

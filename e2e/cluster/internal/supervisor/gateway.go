package supervisor

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"wazo.io/plugin-operator/e2e/cluster/internal/config"
	"wazo.io/plugin-operator/e2e/cluster/internal/state"
)

// manifest creates the objects of a template: documents that each begin with a comment naming their collection.
func (c *Cluster) manifest(ctx context.Context, template string) error {
	data, err := config.Render(template, c.values)
	if err != nil {
		return err
	}
	for _, document := range bytes.Split(data, []byte("\n---\n")) {
		first, _, _ := bytes.Cut(document, []byte("\n"))
		path, ok := strings.CutPrefix(string(first), "# /")
		if !ok {
			return fmt.Errorf("%s: a document does not begin with its path", template)
		}
		if err := c.create(ctx, "/"+path, document); err != nil {
			return err
		}
	}
	return nil
}

// create retries for a while: a new kind is not served at once.
func (c *Cluster) create(ctx context.Context, path string, document []byte) error {
	for end := time.Now().Add(10 * time.Second); ; {
		err := c.kube.Create(ctx, path, document)
		if err == nil || time.Now().After(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// established checks that the kinds of all definition files are served.
func (c *Cluster) established(ctx context.Context, files []string) error {
	for _, file := range files {
		group, plural, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".yaml"), "_")
		definition, err := c.kube.Get(ctx, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"+plural+"."+group)
		if err != nil {
			return err
		}
		if err := definition.Condition("Established"); err != nil {
			return err
		}
	}
	return nil
}

// gateway installs Gateway API, starts Traefik as its implementation and as Ingress controller, and makes the public
// Gateway.
func (c *Cluster) gateway(ctx context.Context) error {
	files, err := filepath.Glob(filepath.Join(c.programs, "gateway-api", "gateway.*_*.yaml"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("no definitions of Gateway API in %s (%v)", c.programs, err)
	}
	for _, file := range files {
		document, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := c.create(ctx, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", document); err != nil {
			return err
		}
	}
	if err := c.until(ctx, "Gateway API served", func(ctx context.Context) error { return c.established(ctx, files) }); err != nil {
		return err
	}
	if err := c.manifest(ctx, "gateway.yaml"); err != nil {
		return err
	}
	environment := []string{"KUBECONFIG=" + filepath.Join(c.options.Dir, "conf", "traefik.kubeconfig")}
	if err := c.spawn("traefik", filepath.Join(c.programs, "traefik"), environment,
		"--global.checknewversion=false", "--global.sendanonymoususage=false", "--log.level=INFO", "--accesslog=true",
		"--entrypoints.web.address="+config.NodeIP+":80", "--entrypoints.websecure.address="+config.NodeIP+":443",
		"--providers.providersthrottleduration=100ms", "--providers.kubernetesgateway=true",
		"--providers.kubernetesgateway.statusaddress.ip="+config.NodeIP,
		"--providers.kubernetesingress=true", "--providers.kubernetesingress.ingressclass="+config.GatewayClass,
		"--providers.kubernetesingress.ingressendpoint.ip="+config.NodeIP); err != nil {
		return err
	}
	if err := c.usable(ctx); err != nil {
		return err
	}
	path := "/apis/gateway.networking.k8s.io/v1/namespaces/" + config.GatewayNamespace + "/gateways/" + config.GatewayName
	if err := c.until(ctx, "Gateway "+config.GatewayNamespace+"/"+config.GatewayName+" programmed", func(ctx context.Context) error {
		gateway, err := c.kube.Get(ctx, path)
		if err != nil {
			return err
		}
		return gateway.Condition("Programmed")
	}); err != nil {
		return err
	}
	return c.save(func(s *state.State) {
		s.Gateway = &state.Gateway{
			Address: config.NodeIP, CA: filepath.Join(c.options.Dir, "pki", "gateway.crt"),
			Namespace: config.GatewayNamespace, Name: config.GatewayName, Class: config.GatewayClass,
		}
	})
}

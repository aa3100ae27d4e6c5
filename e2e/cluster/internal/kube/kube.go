// Package kube speaks just enough of the Kubernetes API to put objects in place and to wait for their conditions.
package kube

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"wazo.io/plugin-operator/e2e/cluster/internal/certs"
)

// Client of one API server.
type Client struct {
	server string
	http   *http.Client
}

// Object is any Kubernetes object, as decoded JSON.
type Object map[string]any

// NewClient authenticates by certificate and believes one authority only.
func NewClient(server string, authority []byte, client certs.Pair) (*Client, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		return nil, errors.New("the API server's authority is no PEM certificate")
	}
	pair, err := tls.X509KeyPair(client.Cert, client.Key)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}},
		ForceAttemptHTTP2: true, // Proxy stays nil: the cluster is on this machine
	}
	return &Client{server: server, http: &http.Client{Transport: transport, Timeout: 10 * time.Second}}, nil
}

// Get reads an object.
func (c *Client) Get(ctx context.Context, path string) (Object, error) {
	body, err := c.do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	object := Object{}
	return object, json.Unmarshal(body, &object)
}

// Healthy asks an endpoint that answers 200 when all is well.
func (c *Client) Healthy(ctx context.Context, path string) error {
	_, err := c.do(ctx, http.MethodGet, path, nil)
	return err
}

// Create posts one YAML document; that the object exists already is no error.
func (c *Client) Create(ctx context.Context, path string, yaml []byte) error {
	_, err := c.do(ctx, http.MethodPost, path, yaml)
	var status *Status
	if errors.As(err, &status) && status.Code == http.StatusConflict {
		return nil
	}
	return err
}

// Status is an answer of the API server other than 2xx.
type Status struct {
	Code int
	What string
}

func (s *Status) Error() string { return s.What }

func (c *Client) do(ctx context.Context, method, path string, yaml []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.server+path, bytes.NewReader(yaml))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	if yaml != nil {
		request.Header.Set("Content-Type", "application/yaml")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode/100 != 2 {
		return nil, &Status{response.StatusCode, fmt.Sprintf("%s %s: %d %s", method, path, response.StatusCode, short(body))}
	}
	return body, nil
}

func short(body []byte) string {
	var status struct{ Message string }
	if json.Unmarshal(body, &status) == nil && status.Message != "" {
		return status.Message
	}
	text := strings.Join(strings.Fields(string(body)), " ")
	return text[:min(len(text), 300)]
}

// Condition is nil when the object's condition is True, else says what it is.
func (o Object) Condition(kind string) error {
	status, _ := o["status"].(map[string]any)
	list, _ := status["conditions"].([]any)
	for _, entry := range list {
		condition, _ := entry.(map[string]any)
		if condition["type"] != kind {
			continue
		}
		if condition["status"] == "True" {
			return nil
		}
		return fmt.Errorf("%s is %v: %v: %v", kind, condition["status"], condition["reason"], condition["message"])
	}
	return fmt.Errorf("no condition %s yet", kind)
}

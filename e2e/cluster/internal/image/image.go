// Package image writes a container image that holds one static program.
package image

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
)

type entry struct {
	name string
	data []byte
}

// Single writes a docker-archive to path: an image called reference with one program at /NAME, its entrypoint.
func Single(path, reference, name string, program []byte) error {
	layer, err := pack([]entry{{name, program}}, 0o755)
	if err != nil {
		return err
	}
	digest := fmt.Sprintf("%x", sha256.Sum256(layer))
	config, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH, "os": "linux", "created": "2026-01-01T00:00:00Z",
		"config": map[string]any{"Entrypoint": []string{"/" + name}},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + digest}},
	})
	if err != nil {
		return err
	}
	configName := fmt.Sprintf("%x.json", sha256.Sum256(config))
	manifest, err := json.Marshal([]map[string]any{
		{"Config": configName, "RepoTags": []string{reference}, "Layers": []string{digest + ".tar"}},
	})
	if err != nil {
		return err
	}
	archive, err := pack([]entry{{configName, config}, {digest + ".tar", layer}, {"manifest.json", manifest}}, 0o644)
	if err != nil {
		return err
	}
	return os.WriteFile(path, archive, 0o644)
}

func pack(entries []entry, mode int64) ([]byte, error) {
	var buffer bytes.Buffer
	w := tar.NewWriter(&buffer)
	for _, e := range entries {
		if err := w.WriteHeader(&tar.Header{Name: e.name, Mode: mode, Size: int64(len(e.data))}); err != nil {
			return nil, err
		}
		if _, err := io.Copy(w, bytes.NewReader(e.data)); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return buffer.Bytes(), err
}

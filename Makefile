# The commands of this repository: `make` lists them. What a command needs is built or installed by itself, in pinned
# versions, and not again when it is there.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

cargo_deny := 0.20.2

# What outlives a checkout: Kubernetes' programs, tools. Deleting it costs time, nothing else.
cache := $(or $(WAZO_E2E_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/wazo-plugin-operator)
target := $(abspath $(or $(CARGO_TARGET_DIR),target))
triple := $(shell uname -m)-unknown-linux-gnu
release := $(target)/$(triple)/release
images := $(target)/e2e/images
cluster := $(target)/e2e/cluster
promtool_version := $(shell sed -n 's|.*github.com/prometheus/prometheus v\([0-9.]*\).*|\1|p' e2e/promtool/go.mod)
promtool := $(cache)/tools/promtool-$(promtool_version)/promtool
deny := $(cache)/tools/cargo-deny-$(cargo_deny)/bin/cargo-deny
# A folder with go.mod, so that Go works offline of the repository's root.
go := env GOFLAGS= GOWORK=off go

# Each test program is run by exactly one of these: `e2e`, `api-server` and `contract` say which are theirs, `unit` has
# the others. Every run is of the whole workspace, since Cargo would build the dependencies once more for another choice
# of packages.
tests_in = $(patsubst %.rs,%,$(notdir $(patsubst %/main.rs,%,$(wildcard $(1)/tests/*.rs $(1)/tests/*/main.rs))))
api_server_tests := api_server $(call tests_in,e2e/harness)
contract_tests := $(call tests_in,e2e/core)
e2e_tests := scenarios
unit_tests := $(filter-out $(api_server_tests) $(contract_tests) $(e2e_tests), \
    $(call tests_in,.) $(call tests_in,e2e/*) $(call tests_in,e2e/plugins/*))
test_programs = $(addprefix --test ,$(1))

export CARGO_TARGET_DIR := $(target)
export WAZO_E2E_CLUSTER_BIN := $(cluster)
export WAZO_E2E_IMAGES := $(images)

.PHONY: help demo test down
help: ## list the commands
	@echo "usage: make <command>"
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "variables: DEMO_KEEP=1 leaves the demo's cluster up; SKIP_NODE=1 leaves the real node out of \`make test\`"

demo: cluster-command ## a real Kubernetes, the operator, two plugins, and what it says when things break
	@e2e/bin/ground
	@e2e/bin/together kubernetes "$(MAKE) programs" rust "$(MAKE) images"
	@$(release)/demo

test: cluster-command ## every check and test, and how long each took
	@e2e/bin/steps format clippy dependencies go charts unit contract api-server e2e

down: cluster-command ## take down what a demo left up, and clean up after what was killed
	@e2e/bin/down

# --- what is built

.PHONY: images release programs cluster-command tests-built
images: release ## container images of the operator and the example plugin
	@mkdir -p $(images)
	@cd $(images) && build=$(release)/build-image name=registry.wazo.test && \
	$$build operator.tar $$name/wazo-plugin-operator:dev $(release)/wazo-plugin-operator && \
	$$build panel-1.0.0.tar $$name/panel:1.0.0 $(release)/panel --label org.opencontainers.image.version=1.0.0 && \
	$$build panel-1.1.0.tar $$name/panel:1.1.0 $(release)/panel --label org.opencontainers.image.version=1.1.0

# Static, since an image holds one program and nothing else; with a target named, the flags spare build scripts.
release:
	@RUSTFLAGS="-C target-feature=+crt-static" cargo build --locked --release --target $(triple) \
	    -p wazo-plugin-operator -p panel -p image-builder -p wazo-simulated-core -p demo

programs: cluster-command ## Kubernetes, CoreDNS, Helm and Traefik from their Go modules (once; minutes)
	@nice $(cluster) build

cluster-command:
	@mkdir -p $(dir $(cluster))
	@$(go) -C e2e/cluster build -buildvcs=false -o $(cluster) ./cmd/cluster

tests-built:
	@cargo test --locked --workspace --all-targets --no-run

crds: ## the CustomResourceDefinitions from the types, also into the chart
	@cargo build --locked -p wazo-plugin-operator --bins
	@for folder in crds charts/wazo-plugin-operator/files/crds; do \
	    rm -f $$folder/*.yaml; $(target)/debug/wazo-plugin-operator crd --out $$folder; done

# --- checks and tests

.PHONY: lint rust-components format clippy dependencies go charts unit contract api-server e2e crds
lint: format clippy dependencies charts ## format, clippy, dependencies and charts

rust-components:
	@cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 || rustup component add rustfmt clippy

format: rust-components
	@cargo fmt --all --check

clippy: rust-components
	@cargo clippy --locked --workspace --all-targets -- -D warnings

dependencies: $(deny) ## licences, sources and bans of the crates; advisories where their database can be fetched
	@$(deny) --locked --log-level error check bans licenses sources
	@e2e/bin/advisories $(deny)

$(deny):
	@echo "installing cargo-deny $(cargo_deny) (once; minutes)"
	@cargo install --quiet --locked --version $(cargo_deny) --root $(cache)/tools/cargo-deny-$(cargo_deny) \
	    --target-dir $(target)/tools cargo-deny

go: programs ## vet and test the cluster's own program
	@$(go) -C e2e/cluster vet ./cmd/cluster ./internal/...
	@$(go) -C e2e/cluster test ./cmd/cluster ./internal/...

charts: programs $(promtool) ## the chart with real Helm, its alerts with real promtool, and the definitions in it
	@PROMTOOL=$(promtool) HELM=$$($(cluster) build --output json | sed -n 's/.*"programs": *"\([^"]*\)".*/\1/p')/helm charts/check.sh
	@diff -r -x .gitkeep crds charts/wazo-plugin-operator/files/crds && echo "charts: the definitions are those of crds/"

# Service discovery is most of it, and no rule needs it.
$(promtool): e2e/promtool/go.sum
	@echo "building promtool $(promtool_version) (once; minutes)"
	@nice $(go) -C e2e/promtool build -buildvcs=false -tags remove_all_sd,netgo -ldflags '-s -w' -o $@ github.com/prometheus/prometheus/cmd/promtool
	@touch $@

unit: ## unit and property tests: seconds, no cluster
	@cargo test --locked --workspace --lib --bins $(call test_programs,$(unit_tests))
	@cargo test --locked --workspace --doc

contract: ## the simulated core against what real daemons were recorded to answer
	@cargo test --locked --workspace $(call test_programs,$(contract_tests)) -- --show-output

api-server: programs ## the operator against a real API server and the simulated core
	@RUST_TEST_THREADS=$${RUST_TEST_THREADS:-4} cargo test --locked --workspace $(call test_programs,$(api_server_tests))

e2e: cluster-command ## the operator as a pod on a real node (root)
	@e2e/bin/ground
	@e2e/bin/together kubernetes "$(MAKE) programs" rust "$(MAKE) images"
	@RUST_TEST_THREADS=$${RUST_TEST_THREADS:-6} cargo test --locked --workspace $(call test_programs,$(e2e_tests))

# Longer than the rest of the tests together, hence apart from `make test`.
.PHONY: faults
faults: cluster-command ## real parts of a real node are broken, and the verdicts held against the truth (root; FAULTS="run --only core")
	@e2e/bin/ground
	@e2e/bin/together kubernetes "$(MAKE) programs" rust "$(MAKE) images"
	@cargo run --locked -q -p faults -- $(or $(FAULTS),run)

SHELL := /bin/bash
PREFIX ?= /usr/local
SOURCES := Package.swift Sources Tests
HEAVY := ^ReleaseCommandsTests\.(Fault|Load)
PROGRAMS := pmo-release post-receive pmo-release-root

.DEFAULT_GOAL := help
.PHONY: help dependencies demo demo-stop test build release install deb e2e fmt lint bench soak mutants clean

help: ## what there is to make
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build ## push examples/pmo to a host under ./.demo, and leave the site up
	@tools/demo

demo-stop: ## end the demo's site, and remove ./.demo with your commits in it
	@tools/demo stop

test: dependencies ## build and run every test
	swift build --build-tests
	@# Alone: its tests that end a process wait for any child, and stumble over one that another room has not reaped.
	swift test --skip-build --disable-xctest --filter '^GitRepositoryTests' $(TEST_FLAGS)
	@# Alone: they wait for nginx, certbot and caddy where they stand, and keep threads from tests that look at the time.
	swift test --skip-build --disable-xctest --filter '^(SiteControl|HostCertificates)Tests' $(TEST_FLAGS)
	@# Alone: its kill tests hold every thread for a minute or two, and other rooms look at the time.
	swift test --skip-build --disable-xctest --filter '^ReleaseStoreTests' $(TEST_FLAGS)
	swift test --skip-build --disable-xctest --skip '^(GitRepository|SiteControl|HostCertificates|ReleaseStore|ReleaseCommands)Tests' $(TEST_FLAGS)
	swift test --skip-build --disable-xctest --filter '^ReleaseCommandsTests' --skip '$(HEAVY)' $(TEST_FLAGS)
	@# Alone as well: they count what a host can take.
	swift test --skip-build --disable-xctest --filter '$(HEAVY)' $(TEST_FLAGS)

build: dependencies ## build the debug programs
	swift build

release: dependencies ## build the stripped programs that a host gets, in .build/release
	swift build -c release --static-swift-stdlib
	strip $(PROGRAMS:%=.build/release/%)

install: ## copy the release to PREFIX/bin (/usr/local/bin)
	@test -x .build/release/pmo-release || { echo "make: not built yet: make release" >&2; exit 1; }
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 0755 $(PROGRAMS:%=.build/release/%) $(DESTDIR)$(PREFIX)/bin

deb: ## the package for Debian 12, 13 and Ubuntu 24.04, in .build/deb
	@tools/install-dependencies deb
	@tools/deb

e2e: deb ## install the package on fresh Debian and Ubuntu machines, push, reboot, upgrade, purge (root)
	@tools/install-dependencies e2e
	@tools/e2e

fmt: ## format the sources
	swift format --in-place --parallel --recursive $(SOURCES)

lint: ## check the format, the mutants, and the scripts where shellcheck is installed
	@tools/mutants --check
	swift format lint --strict --parallel --recursive $(SOURCES)
	@if command -v shellcheck >/dev/null; then shellcheck .ci/run tools/demo tools/end-home tools/soak tools/install-dependencies tools/deb packaging/scripts/*; fi

mutants: dependencies ## break the sources in 40 ways, and show the test that notices each (hours)
	@tools/mutants

soak: dependencies ## the tests that count, with larger counts; under an hour
	@tools/soak

bench: release ## measure, with the peers beside it
	@tools/bench
	@tools/bench-build
	@tools/bench-export
	@tools/bench-change

clean: demo-stop ## remove what was built
	swift package clean

dependencies:
	@tools/install-dependencies

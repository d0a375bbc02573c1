# The two commands a newcomer needs are `make demo` and `make test`. Paths are relative, so that the directory may have any
# name.

SHELL := /bin/bash

# What turns on the engines beyond SQLite in a release build; empty for SQLite alone.
ENGINES ?= --traits AllEngines

KILLS ?= 100

# Options of Benchmarks/run, such as BENCH='--only accept --seconds 10'.
BENCH ?=

.PHONY: help build demo test bench crash replay simulate fuzz sanitize format lint clean

help: ## Lists what can be made.
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 16

build: ## A release build with every engine at .build/release/martlet.
	scripts/install-requirements $(if $(ENGINES),engines,build)
	swift build -c release $(ENGINES) --product martlet

demo: ## Builds what is needed and shows the whole story on one screen.
	scripts/install-requirements build
	swift build --product martlet
	.build/debug/martlet demo

test: ## Runs every test; installs what they need.
	scripts/test

bench: build ## Measures a release build on this machine, and writes docs/benchmarks.md.
	scripts/install-requirements bench
	swift build -c release $(ENGINES) --product martlet-benchmark
	Benchmarks/run $(BENCH)

crash: ## Kills a loaded server KILLS times and compares what it promised with what the provider got.
	scripts/install-requirements test
	swift build $(ENGINES) --product martlet
	python3 Tests/BlackBox/crash_campaign.py --martlet .build/debug/martlet --kills $(KILLS)

REPLAY_MESSAGES ?= 1000
REPLAY_PER_SECOND ?= 20

replay: ## Replays a corrected batch of dead letters, REPLAY_MESSAGES at REPLAY_PER_SECOND, over a kill -9 halfway.
	scripts/install-requirements test
	swift build --product martlet
	REPLAY_MESSAGES=$(REPLAY_MESSAGES) REPLAY_PER_SECOND=$(REPLAY_PER_SECOND) python3 Tests/BlackBox/run.py \
		--martlet .build/debug/martlet --only "survives kill -9 and sends each message once"

# Seeds to run, or one of them to run again: make simulate SEEDS=10000, make simulate SEED=4711.
SEEDS ?= 10000
SEED ?=

simulate: ## Runs the service in virtual time with everything going wrong; SEEDS=10000, or SEED=n to replay one.
	scripts/install-requirements build
	swift build -c release --product martlet-simulate
	.build/release/martlet-simulate $(if $(SEED),--seed $(SEED) --lines 1000,--seeds $(SEEDS))

# How long each target gets, and which one is run where it is not all of them: make fuzz FUZZ_SECONDS=600 TARGET=webhooks
FUZZ_SECONDS ?= 30
TARGET ?=

fuzz: ## Gives libFuzzer everything that is read from outside, each target FUZZ_SECONDS long; TARGET=name for one.
	scripts/install-requirements build
	scripts/fuzz $(FUZZ_SECONDS) $(TARGET)

# Both sanitizers, or one of them: make sanitize SANITIZER=thread
SANITIZER ?=

sanitize: ## Runs the tests under the thread and the address sanitizer; each has a build of its own.
	scripts/install-requirements test
	scripts/sanitize $(SANITIZER)

format: ## Brings the sources into the common form.
	swift format -i -r Sources Tests Package.swift

lint: ## Says where the sources are not in the common form.
	swift format lint -r --strict Sources Tests Package.swift

clean: ## Removes everything that was built.
	rm -rf .build .build-* .fuzz .venv

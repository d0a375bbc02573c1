# The two commands a newcomer needs are `make demo` and `make test`. Paths are relative, so that the directory may have any
# name.

SHELL := /bin/bash

# What turns on the engines beyond SQLite in a release build.
ENGINES ?=

KILLS ?= 100

.PHONY: help build demo test bench format lint clean crash

help: ## Lists what can be made.
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 16

build: ## A release build at .build/release/martlet.
	scripts/install-requirements build
	swift build -c release $(ENGINES) --product martlet

demo: ## Builds what is needed and shows the whole story on one screen.
	scripts/install-requirements build
	swift build --product martlet
	.build/debug/martlet demo

test: ## Runs every test; installs what they need.
	scripts/test

bench: build ## Measures a release build on this machine.
	scripts/bench

crash: ## Kills a loaded server KILLS times and compares what it promised with what the provider got.
	scripts/install-requirements test
	swift build --product martlet
	python3 Tests/BlackBox/crash_campaign.py --martlet .build/debug/martlet --kills $(KILLS)

format: ## Brings the sources into the common form.
	swift format -i -r Sources Tests Package.swift

lint: ## Says where the sources are not in the common form.
	swift format lint -r --strict Sources Tests Package.swift

clean: ## Removes everything that was built.
	rm -rf .build .venv

# Everything a fresh machine needs is done by these targets; the README opens with the first two.

# One target folder outside the checkout, shared by everyday work and CI, so that dependencies are compiled once.
CACHE ?= $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/datafolio
export CARGO_TARGET_DIR ?= $(CACHE)/target
export DATAFOLIO_PEERS ?= $(CACHE)/peers

.PHONY: help demo test python wheel check fmt lint light directions portable peers claim torture bench bench-python docs package clean

help:
	@echo "make demo          build, then show the main job on real data"
	@echo "make test          build, install the peers that are tested against, run every test"
	@echo "make python        the tests of the Python package, over the module that is built"
	@echo "make wheel         the wheel that is released (compiles everything for speed: half an hour)"
	@echo "make check         formatting, lints and the light tests: seconds, once dependencies are built"
	@echo "make portable      whether it compiles for Windows and macOS (installs their standard libraries with rustup)"
	@echo "make torture       the long runs: 16 processes x 200 commits, thousands of kills, stores of 20,000 seeds"
	@echo "make bench         measure against the peers; results belong into docs/benchmarks.md"
	@echo "make bench-python  the same for the Python package, with the wheel that is released"
	@echo "make docs          regenerate what is generated in docs/"
	@echo "make package       packages of all crates, unpacked and compiled"

# All there is, with Polars, which users have to ask for. Features of other dependencies follow from it, so one set of packages
# is used wherever everything is meant.
ALL = --workspace --features datafolio/polars

# Polars takes minutes to compile, and the demo does without. Where it is compiled already (make demo WITH=datafolio/polars),
# leaving it out would compile Arrow once more.
demo: claim
	@echo "== building (a first build takes some minutes; later ones seconds)"
	cargo build --workspace $(if $(WITH),--features $(WITH),--exclude datafolio-frames) --all-targets
	@echo "== the demo"
	@"$(CARGO_TARGET_DIR)/debug/examples/demo"

# `--tests` and not `--all-targets`: the second links a test binary of the Python module, which asks for none and needs libpython.
test: claim peers
	@echo "== building (a first build takes some minutes; later ones seconds)"
	cargo build $(ALL) --all-targets
	@echo "== tests"
	cargo test $(ALL) --tests
	@echo "== examples in the documentation"
	cargo test $(ALL) --doc
	@echo "== the Python package"
	$(MAKE) python

# The Python package over the module that the build above has made: its tests, its types, and the examples in its documentation.
PYTHON_ENV = PYTHONPATH="$(CARGO_TARGET_DIR)/python" $(DATAFOLIO_PEERS)/python/bin/python
python: peers
	./scripts/python-package.sh
	$(PYTHON_ENV) -m pytest -c python/pyproject.toml --rootdir python python/tests --ignore python/tests/engines
	PYTHONPATH="$(CARGO_TARGET_DIR)/python" $(DATAFOLIO_PEERS)/engines/bin/python -m pytest -c python/pyproject.toml --rootdir python python/tests/engines
	cd "$(CARGO_TARGET_DIR)/python" && $(PYTHON_ENV) -m mypy --config-file "$(CURDIR)/python/pyproject.toml" -p datafolio
	cd "$(CARGO_TARGET_DIR)/python" && $(PYTHON_ENV) -m mypy.stubtest datafolio._native --mypy-config-file "$(CURDIR)/python/pyproject.toml"

# The wheel that is released, tried in an environment that has nothing else.
wheel:
	python3 -m venv "$(CACHE)/maturin" && "$(CACHE)/maturin/bin/pip" install --quiet "maturin>=1.9,<2"
	rm -rf "$(CARGO_TARGET_DIR)/wheels"
	cd python && "$(CACHE)/maturin/bin/maturin" build --release --out "$(CARGO_TARGET_DIR)/wheels"
	./scripts/check-wheel.sh "$(CARGO_TARGET_DIR)"/wheels/*.whl

# Without DuckDB and Polars, which take longest to compile, without what reads Delta tables, and without tests that take more than a second: these are left to `make test`.
# What is left has other features of a few dependencies, so a first check compiles these once more; later ones take seconds.
LIGHT = --workspace --exclude datafolio-sql --exclude datafolio-frames --exclude datafolio-stores --exclude datafolio-delta --no-default-features --features datafolio/cli
LONG = batches:: peers:: group_values:: frame::tests hdf5::write:: facts_of_a_reference guess conformance:: encoding:: streaming::
check: fmt directions light
	RUSTDOCFLAGS="--deny warnings" cargo doc $(LIGHT) --no-deps --quiet
	cargo test $(LIGHT) --lib --bins --test core --test handlers -- $(LONG:%=--skip %)

# What is compiled in the place of DuckDB and Polars where they are left out. Nothing is built for it but what the lints need.
light: claim
	cargo clippy $(LIGHT) --all-targets -- --deny warnings

fmt:
	cargo fmt --all -- --check

lint: claim
	cargo clippy $(ALL) --all-targets -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" cargo doc $(ALL) --no-deps --quiet

# Who may use whom, as docs/architecture.md says.
directions:
	./scripts/check-directions.sh

# Whether it compiles for other systems. Nothing is linked, so no C compiler for them is needed.
portable:
	./scripts/check-portable.sh

# Crates of this workspace that another checkout has built in the same target folder do not count as built.
claim:
	@./scripts/claim-target.sh

peers:
	./scripts/peers.sh "$(DATAFOLIO_PEERS)"

torture: claim peers
	DATAFOLIO_TORTURE=16x200 DATAFOLIO_SIMULATED_SEEDS=20000 cargo test $(ALL) --test main -- --nocapture reliability simulated

# DuckDB is compiled once, for the development profile, in which it is optimised: what is measured of SQL is measured there, with our own code optimised as well.
bench: claim peers
	cargo bench $(LIGHT) --no-fail-fast --bench catalogue --bench growing --bench hdf5 --bench import --bench tables
	CARGO_PROFILE_DEV_OPT_LEVEL=3 cargo bench $(ALL) --profile dev --bench stores --bench tables

# The Python package beside its peers: the wheel that is released, unpacked, in the environment that has what it is compared with.
bench-python: wheel peers
	rm -rf "$(CARGO_TARGET_DIR)/wheels/unpacked"
	python3 -m zipfile -e "$(CARGO_TARGET_DIR)"/wheels/*.whl "$(CARGO_TARGET_DIR)/wheels/unpacked"
	PYTHONPATH="$(CARGO_TARGET_DIR)/wheels/unpacked" $(DATAFOLIO_PEERS)/python/bin/python benches/python/run.py

docs: claim peers
	UPDATE_DOCS=1 cargo test $(ALL) --test main docs
	UPDATE_DOCS=1 cargo test $(ALL) --test main cli::reference

# Packages of all crates, unpacked and compiled.
package: claim
	./scripts/check-packages.sh

clean:
	cargo clean

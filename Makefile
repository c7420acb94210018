# Everything that a person or CI does with this tree; `make help` lists it.
#
# A target's needs are installed into .venv once and noted by a stamp beside it; a stamp is as old as what it
# was made from, so a second call installs and compiles nothing. All versions come from constraints.txt.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet
REQUIRES := $(BIN)/python .ci/requires.py

PINS := constraints.txt pyproject.toml
SOURCES := $(wildcard zswapsim/_core/*/*.pyx zswapsim/_core/*/*.pxd cext/*.c cext/*.h) setup.py
COPIED := cext docs bench tests zswapsim .ci $(wildcard *.toml *.txt *.md *.in) setup.py LICENSE Makefile

# The recorded traces lie beside the tree, not beside the copies that debug-test and sanitize-test run in.
export ZSWAPSIM_TRACES ?= $(abspath ../shared/traces)
export PIP_CONSTRAINT := $(abspath constraints.txt)

.DELETE_ON_ERROR:
.PHONY: help needs build demo test simulate endurance fuzz mutants storm sweep bench lint hints debug-test \
	sanitize-test sdist installed-test clean
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ': .*## ' '/^[a-z-]+: .*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- what is installed -------------------------------------------------------------------------------------------

$(STAMP)-venv: .ci/host.py
	@command -v $(PYTHON) >/dev/null || { echo "zswapsim: cannot build here: no $(PYTHON) found: install Python 3.11 or later (Debian: python3)" >&2; exit 1; }
	@$(PYTHON) .ci/host.py
	@echo "==> creating $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(STAMP)-run: $(PINS) | $(STAMP)-venv
	@echo "==> installing dependencies"
	@$(REQUIRES) build run >$(VENV)/requires-run.txt
	@$(PIP) install -r $(VENV)/requires-run.txt
	@touch $@

# Without its extensions, which setuptools would compile into a temporary folder, all of them each time. Those that
# are there are removed, because a new pin or setup.py may change every object.
$(STAMP)-package: $(STAMP)-run setup.py
	@echo "==> installing zswapsim in place"
	@rm -rf build/release zswapsim/_core/*.so zswapsim/_core/*/*.so
	@ZSWAPSIM_BUILD=none $(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMP)-built: $(STAMP)-package $(SOURCES)
	@echo "==> compiling the extensions"
	@$(BIN)/python setup.py --quiet build_ext --inplace
	@touch $@

$(STAMP)-test $(STAMP)-bench $(STAMP)-lint $(STAMP)-sdist: $(STAMP)-%: $(STAMP)-run
	@echo "==> installing what '$*' needs"
	@$(REQUIRES) $* >$(VENV)/requires-$*.txt
	@$(PIP) install -r $(VENV)/requires-$*.txt
	@touch $@

needs: $(STAMP)-test $(STAMP)-bench $(STAMP)-lint $(STAMP)-sdist ## install what any target needs, without running one

build: $(STAMP)-built ## install everything into .venv and compile the extensions

# --- what is done with it ----------------------------------------------------------------------------------------

demo: $(STAMP)-built ## a real program's pages through a private node, with figures
	@$(BIN)/zswapsim demo

# ARGS goes to pytest: make test ARGS="-k zsmalloc -x". WORKERS is the number of processes that share the files of tests;
# with WORKERS=0 pytest runs them itself, as a debugger needs it.
WORKERS ?= $(shell nproc)
test: $(STAMP)-built $(STAMP)-test ## the test suite, on the release build
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

# A night's run: make simulate SEEDS=200000 LENGTH=8 JOBS=2
SEED ?= 0
SEEDS ?= 3000
LENGTH ?= 5
JOBS ?= 1
simulate: $(STAMP)-built $(STAMP)-test ## SEEDS runs drawn from SEED, and all of LENGTH operations, beside the reference
	@$(BIN)/python tests/simulate.py $(SEED) --count $(SEEDS) --jobs $(JOBS) --shrink
	@$(BIN)/python tests/simulate.py --scopes $(LENGTH) --jobs $(JOBS)

endurance: $(STAMP)-built $(STAMP)-test ## ten million faults twice, ten thousand sequences on a machine: minutes
	@$(BIN)/python -m pytest -m endurance --durations=0 $(ARGS)

# MINUTES is the time of all targets together: make fuzz MINUTES=60. Half of it is for the codecs, in C, and half for the
# readers, in Python. Those of the codecs need clang; the memory sanitizer, a build of its own, gets a tenth.
MINUTES ?= 2
share = $(shell awk 'BEGIN { print 60 * $(MINUTES) * $(1) }')

fuzz: $(STAMP)-built $(STAMP)-test ## the fuzz targets of codecs and readers, for MINUTES= in all
	@code=0; \
	$(BIN)/python -m tests.fuzz.native --seconds $(call share,0.4) || code=1; \
	$(BIN)/python -m tests.fuzz.native --seconds $(call share,0.1) --memory || code=1; \
	test ! -e tests/fuzz/python.py || $(BIN)/python -m tests.fuzz.python --seconds $(call share,0.5) || code=1; \
	exit $$code

# Draws by a seed: make mutants ARGS="--seed 2 --count 40 --areas report study"
mutants: $(STAMP)-built $(STAMP)-test ## small faults put into the sources, one at a time: which does no test notice?
	@$(BIN)/python tests/mutate.py $(ARGS)

# KILLS is for each command; STRIKES is the number of exact moments at which signals are sent inside each command.
KILLS ?= 200
STRIKES ?= 60
storm: $(STAMP)-built $(STAMP)-test ## kill every long command at many moments: half an hour or more
	@$(BIN)/python tests/strike.py $(STRIKES)
	@$(BIN)/python tests/storm.py --kills $(KILLS)

# Code that only benchmarks use is no part of the package.
$(STAMP)-native: $(STAMP)-built $(wildcard bench/native/*.py bench/native/*.pyx)
	@echo "==> compiling the benchmarks' own extensions"
	@cd bench && ../$(BIN)/python native/setup.py --quiet build_ext --inplace
	@touch $@

sweep: $(STAMP)-built $(STAMP)-test ## every file operation and allocation of every call fails once, in every way: minutes
	@cd tests && ../$(BIN)/python file_sweep.py --all $(ARGS)
	@$(BIN)/python -m tests.allocation_sweep
	@$(BIN)/python -m pytest -m endurance tests/test_allocation_sweep.py $(ARGS)

# BENCH=smoke makes every size tiny: does it run, not how fast.
bench: $(STAMP)-native $(STAMP)-bench ## the benchmarks, and a table of ratios
	@$(BIN)/python -m pytest bench --benchmark-columns=min,median,max,rounds --benchmark-sort=name $(ARGS)

lint: $(STAMP)-built $(STAMP)-test $(STAMP)-bench $(STAMP)-lint hints ## every static check
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@PATH="$(abspath $(BIN)):$$PATH" cython-lint zswapsim bench
	@$(BIN)/mypy
	@PYTHONPATH=. $(BIN)/lint-imports --no-logo
	@$(BIN)/python .ci/cimports.py
	@$(BIN)/python .ci/fileseam.py
	@$(BIN)/python .ci/sizes.py
	@$(CC) -std=c11 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -fsyntax-only -Icext cext/*.c bench/*.c tests/fuzz/*.c
	@$(BIN)/clang-format --dry-run --Werror cext/*.[ch] bench/*.c tests/fuzz/*.[ch]

# Cython compiles a call that must take the GIL back to look for an exception without complaint, but for a hint.
hints: $(STAMP)-run ## fail on any performance hint or warning of Cython
	@rm -rf build/hints
	@$(BIN)/python .ci/copy_tree.py build/hints $(COPIED)
	@cd build/hints && ../../$(BIN)/python setup.py --quiet --name >hints.txt 2>&1 || { cat hints.txt; exit 1; }
	@cd build/hints/bench && ../../../$(BIN)/python native/setup.py --quiet --name >>../hints.txt 2>&1 || { cat ../hints.txt; exit 1; }
	@if grep -E 'performance hint|warning:' build/hints/hints.txt; then exit 1; else echo "no performance hints"; fi

# --- builds that look for mistakes; each lives in its own copy of the tree ----------------------------------------

# These builds check the core, so they leave out tests that run Python alone, some in a process each. They leave the
# digest of all settings to the release build, because runs drawn from seeds go through the same code.
PYTHON_ALONE := $(foreach glob,cli* file* machine* plan* report* study*,--ignore-glob='tests/test_$(glob)') \
	$(addprefix --ignore=tests/test_,$(addsuffix .py,advice atomic audit compare counters doc_links docs fuzz_corpus \
	hostpage import kernel_leftovers kernelforms kill_storm live mutants pictures settings_digest signals spec_numbers starting validate))

debug-test: $(STAMP)-run $(STAMP)-test ## the test suite with bounds checks and assertions
	@echo "==> compiling the debug build"
	@$(BIN)/python .ci/copy_tree.py build/debug $(COPIED)
	@cd build/debug && ZSWAPSIM_BUILD=debug ../../$(BIN)/python setup.py --quiet build_ext --inplace
	@cd build/debug && PYTHONPATH=$(abspath build/debug) ../../$(BIN)/python -m pytest $(PYTHON_ALONE) $(ARGS)

# CPython and its libraries leave memory behind at exit by design, so leaks are looked for by tests, not here.
# The sanitizers' runtime must come first in the process, and Python was not linked with it: hence the preload.
# Some libraries pair new with free, which is theirs to mend. Capturing would scan the sanitizer's own terabytes.
sanitize-test: $(STAMP)-run $(STAMP)-test ## the quick tests under address and undefined-behaviour sanitizers
	@echo "==> compiling the sanitizer build"
	@$(BIN)/python .ci/copy_tree.py build/sanitize $(COPIED)
	@cd build/sanitize && ZSWAPSIM_BUILD=sanitize ../../$(BIN)/python setup.py --quiet build_ext --inplace
	@cd build/sanitize && PYTHONPATH=$(abspath build/sanitize) HYPOTHESIS_PROFILE=sanitize \
		LD_PRELOAD="$$($(CC) -print-file-name=libasan.so) $$($(CC) -print-file-name=libubsan.so)" \
		ASAN_OPTIONS=detect_leaks=0:alloc_dealloc_mismatch=0:abort_on_error=1:allocator_may_return_null=1 \
		UBSAN_OPTIONS=print_stacktrace=1 PYTHONMALLOC=malloc \
		../../$(BIN)/python -m pytest -m "not slow and not memory and not endurance" \
		$(PYTHON_ALONE) --ignore=tests/test_capture.py $(ARGS)

# --- what is given away ------------------------------------------------------------------------------------------

sdist: $(STAMP)-sdist ## a source distribution in dist/
	@rm -rf dist
	@$(BIN)/python -m build --sdist --no-isolation >build/sdist.txt 2>&1 || { cat build/sdist.txt; exit 1; }
	@ls dist/*.tar.gz

# The package as users get it: built from the sdist, in an environment of its own, with no source folder to import from.
# ARGS goes to pytest here too; what the tests read of the tree they find by ZSWAPSIM_TREE.
INSTALLED := build/installed
installed-test: sdist ## the quick tests, on a package that is installed from the sdist
	@echo "==> installing the sdist into $(INSTALLED)"
	@rm -rf $(INSTALLED)
	@$(PYTHON) -m venv $(INSTALLED)/venv
	@$(REQUIRES) build test >$(INSTALLED)/requires.txt
	@$(INSTALLED)/venv/bin/python -m pip --disable-pip-version-check --quiet --quiet install \
		-r $(INSTALLED)/requires.txt dist/zswapsim-*.tar.gz
	@cp -R tests $(INSTALLED)/tests
	@cd $(INSTALLED) && env -u PYTHONPATH ZSWAPSIM_TREE=$(CURDIR) venv/bin/python -m pytest -c $(CURDIR)/pyproject.toml --rootdir=. \
		-p no:cacheprovider -m "not slow and not endurance" $(ARGS) tests

clean: ## remove what was built, keep .venv
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks
	rm -f zswapsim/_core/*.so zswapsim/_core/*/*.so bench/native/*.so $(STAMP)-package $(STAMP)-built $(STAMP)-native
	find zswapsim tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

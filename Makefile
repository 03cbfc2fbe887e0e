# Daybook. `make help` lists what can be asked for.
#
# Objects lie in build/<variant>/: release, or one per sanitizer and compiler, so that variants never disturb each other.
# Set-up runs by itself: what the build needs is checked by ./setup.sh when build/packages.mk is missing, and the other kinds
# (demo, check) when their stamp under build/setup/ is.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DELETE_ON_ERROR:
.SECONDARY:
comma := ,

# ---- what can be chosen on the command line ----
# SAN=address,undefined | SAN=thread | SAN=fuzzer     CC=clang     CI=true (warnings are errors)     V=1 (shows the commands)
# ARGS='…' (demo, bench, system)     BROKER=embedded|kafka (demo)     JOBS=1 (files of system tests at a time)     SECS=60 (fuzz)
# PREFIX, DESTDIR (install)
ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin CXX),default)
CXX := $(if $(findstring clang,$(CC)),clang++,g++)
endif
Q := $(if $(V),,@)
SECS ?= 60
FUZZ_JOBS ?= 2
JOBS ?= 1
PROVE ?= prove
PREFIX ?= /usr/local
# Sanitizers make gcc see what is not there (maybe-uninitialized), so there warnings stay warnings.
WERROR := $(if $(SAN),,$(if $(filter true,$(CI)),-Werror))

VARIANT := $(if $(SAN),san-$(subst $(comma),-,$(SAN)),release)$(if $(findstring clang,$(CC)),-clang)
B := build/$(VARIANT)

# ---- flags ----
PKGS := glib-2.0 rdkafka hiredis libmicrohttpd libprotobuf-c gnutls jansson simdjson libzstd zlib xlsxwriter libcurl
SANITIZERS := $(if $(filter fuzzer,$(SAN)),fuzzer-no-link$(comma)address$(comma)undefined,$(SAN))
OPT := $(if $(SAN),-O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=undefined -fsanitize=$(SANITIZERS),-O2 -g -D_FORTIFY_SOURCE=2)
HARDEN := -fno-common -fstack-protector-strong -fPIE
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wvla -Wformat=2 -Wno-format-zero-length -Wconversion -Wundef \
        -Wstrict-prototypes -Wmissing-prototypes
INCLUDE = -I. -isystem build/gen $(PKG_CFLAGS)
CFLAGS_ALL = -std=c11 -D_GNU_SOURCE $(WARN) $(OPT) $(HARDEN) $(WERROR) $(INCLUDE) $(CFLAGS)
CXXFLAGS_ALL = -std=c++17 $(OPT) $(HARDEN) -Wall -Wextra $(WERROR) $(INCLUDE) $(CXXFLAGS)
LDFLAGS_ALL = -pie -Wl,-z,relro,-z,now $(if $(SAN),-fsanitize=$(SANITIZERS)) $(LDFLAGS)

# ---- what is built from what ----
DIRS := lib collector aggregator api cli
PROGRAMS := daybook-collector daybook-aggregator daybook-api daybook
objs = $(patsubst %.c,$(B)/%.o,$(filter-out %/main.c,$(wildcard $(1)/*.c))) $(patsubst %.cc,$(B)/%.o,$(wildcard $(1)/*.cc))
TESTS := $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))
FUZZERS := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
PROTO_O := $(B)/gen/usage.pb-c.o
# GLib's locks are invisible to ThreadSanitizer; the shim shows them to it.
SAN_O := $(if $(filter thread,$(SAN)),$(B)/tests/tsan_glib.o)

.PHONY: all help clean unit unit-web system browser check quick demo screens bench fuzz fuzzers lint lint-fast format docs install tests

all: $(PROGRAMS:%=$(B)/bin/%) ## the programs, in build/release/bin (also: SAN=…, CC=clang)

help: ## this list
	@awk -F':.*## ' '/^[a-z][a-z-]*:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile
	@echo "Choices: SAN=address,undefined  SAN=thread  CC=clang  CI=true  ARGS='…'  BROKER=kafka (demo)  SECS=60 (fuzz)"

# Everything but `help` and `clean` needs the packages. Make builds an included file that is missing, then starts over.
ifneq ($(filter-out help clean,$(or $(MAKECMDGOALS),all)),)
include build/packages.mk
endif
build/packages.mk: setup.sh web/package.json
	./setup.sh build
	@mkdir -p $(@D)
	@printf 'PKG_CFLAGS := %s\nPKG_LIBS := %s -lm -lpthread\n' "$$(pkg-config --cflags $(PKGS))" "$$(pkg-config --libs $(PKGS))" \
	    > $@.new && mv $@.new $@
build/setup/%: setup.sh tests/requirements.txt tests/kafka/pom.xml tests/system/sdk/package.json
	./setup.sh $*
	@mkdir -p $(@D) && touch $@

# ---- rules ----
build/gen/%.pb-c.c build/gen/%.pb-c.h: proto/%.proto
	@mkdir -p build/gen
	protoc-c -Iproto --c_out=build/gen $<
$(B)/gen/%.o: build/gen/%.c
	@mkdir -p $(@D)
	@echo '  CC   $<'
	$(Q)$(CC) -std=c11 $(OPT) -fPIE -Ibuild/gen $(PKG_CFLAGS) -c -o $@ $<
$(B)/%.o: %.c | build/gen/usage.pb-c.h
	@mkdir -p $(@D)
	@echo '  CC   $<'
	$(Q)$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<
$(B)/api/openapi_route.o: api/openapi.yaml api/reference.html # they are put into it
$(B)/api/dashboard_route.o: build/gen/dashboard_files.h
$(B)/%.o: %.cc
	@mkdir -p $(@D)
	@echo '  CXX  $<'
	$(Q)$(CXX) $(CXXFLAGS_ALL) -MMD -MP -c -o $@ $<

# The dashboard: bundled from web/ into build/web, of which the program holds every file (api/dashboard_route.c).
build/web/stamp: $(shell find web -type f)
	@node --version > /dev/null 2>&1 && [ -d build/web-npm/node_modules ] || \
	    { echo 'The dashboard is bundled with node and packages of npm: run ./setup.sh build' >&2; exit 1; }
	@echo '  WEB  build/web'
	$(Q)build/web-npm/node_modules/.bin/tsc -p web
	$(Q)node web/build.mjs build/web > build/web.log || { cat build/web.log >&2; exit 1; }
	@touch $@
build/gen/dashboard_files.h: build/web/stamp
	@mkdir -p $(@D)
	@find build/web/assets -type f ! -name '*.gz' -printf '%f\n' | LC_ALL=C sort | \
	    awk '{ printf "ASSET(dashboard_%d, \"%s\")\n", NR, $$0 }' > $@

# One archive per directory. Its list of members is a file, so that a source that went away rebuilds it too.
define archive
$(B)/$(1).a: $(call objs,$(1)) $(if $(filter lib,$(1)),$(PROTO_O)) $(B)/$(1).list
	@echo '  AR   $$@'
	$(Q)new=$$@.$$$$$$$$; ar rcs $$$$new $$(filter %.o,$$^) && mv $$$$new $$@
$(B)/$(1).list: FORCE
	@mkdir -p $$(@D)
	@echo '$(call objs,$(1))' | cmp -s - $$@ || echo '$(call objs,$(1))' > $$@
endef
$(foreach d,$(DIRS),$(eval $(call archive,$(d))))
.PHONY: FORCE
FORCE:

define link
@echo '  LINK $@'
	$(Q)$(CXX) $(LDFLAGS_ALL) -o $@ $(1) $(SAN_O) $(PKG_LIBS)
endef
$(B)/bin/daybook-%: $(B)/%/main.o $(B)/%.a $(B)/lib.a $(SAN_O)
	@mkdir -p $(@D)
	$(call link,$(filter-out $(SAN_O),$^))
$(B)/bin/daybook: $(B)/cli/main.o $(B)/cli.a $(B)/collector.a $(B)/lib.a $(SAN_O)
	@mkdir -p $(@D)
	$(call link,$(filter-out $(SAN_O),$^))

# A test or fuzzer is linked with the archives of the directories that it, or a header of the tests that it includes, includes from (cli
# stands on collector).
helpers = $(if $(1),$(wildcard $(shell sed -n 's|^\#include "\(tests/[a-z]*/[a-z_]*\.h\)".*|\1|p; s|^\#include "\([a-z_]*\.h\)".*|$(dir $(firstword $(1)))\1|p' $(1))))
beside = $(call helpers,$(1)) $(call helpers,$(call helpers,$(1)))
used_dirs = $(filter $(DIRS),$(shell sed -n 's|^\#include "\([a-z]*\)/.*|\1|p' $(1) $(call beside,$(1)) | sort -u))
archives = $(if $(filter cli,$(1)),$(B)/cli.a) $(patsubst %,$(B)/%.a,$(filter-out cli lib,$(1)) \
           $(if $(filter cli,$(1)),collector)) $(B)/lib.a
define linked_test
$(2): $(B)/$(1:.c=.o) $(call archives,$(call used_dirs,$(1))) $(SAN_O)
	@mkdir -p $$(@D)
	$(3)
endef
$(foreach t,$(wildcard tests/unit/test_*.c),$(eval $(call linked_test,$(t),$(t:tests/unit/%.c=$(B)/tests/%),\
    $$(call link,$$(filter-out $$(SAN_O),$$^)))))
$(foreach t,$(wildcard tests/fuzz/fuzz_*.c),$(eval $(call linked_test,$(t),$(t:tests/fuzz/%.c=$(B)/fuzz/%),\
    $$(Q)$$(CXX) $$(LDFLAGS_ALL) -fsanitize=fuzzer -o $$@ $$^ $$(PKG_LIBS))))

include tests/bench/bench.mk

# ---- what people ask for ----
demo: build/setup/demo all ## the whole system, real requests through a real nginx (ARGS=--exit, BROKER=kafka)
	BROKER=$(or $(BROKER),embedded) tests/demo/demo.sh $(ARGS)

check: build/setup/check ## everything: build, format, lint, tests, sanitizers, system and browser tests, fuzzing
	/usr/bin/python3 tests/check.py --fuzz-seconds $(SECS)

quick: all tests lint-fast ## before each commit, under a minute: build, quick lint, unit tests
	DAYBOOK_MODEL_SCHEDULES=600 $(PROVE) -j3 --exec tests/unit/run $(TESTS)
	$(Q)node web/test.mjs > build/web-unit.log || { cat build/web-unit.log >&2; exit 1; }

# GLib's slices hide from the sanitizers what is freed; libraries are not instrumented, so their own atomics would look like races.
SAN_ENV := $(if $(SAN),G_SLICE=always-malloc TSAN_OPTIONS=ignore_noninstrumented_modules=1 \
           LSAN_OPTIONS=suppressions=$(CURDIR)/tests/lsan.supp UBSAN_OPTIONS=print_stacktrace=1 DAYBOOK_MODEL_SCHEDULES=300)
tests: $(TESTS)
unit: $(TESTS) ## unit tests (also with SAN=…)
	$(SAN_ENV) $(PROVE) -j2 --exec tests/unit/run $(TESTS)

unit-web: build/web/stamp ## unit tests of the dashboard
	node web/test.mjs

system: build/setup/check all ## system tests on real Kafka and Redis (ARGS='-k name', JOBS=2)
	build/venv/bin/python -m pytest tests/system $(if $(filter-out 1,$(JOBS)),-n $(JOBS) --dist loadfile) $(ARGS)

browser: build/setup/check all ## tests of the dashboard in Chromium (ARGS='-k name'); pictures of every page go to build/screens
	build/venv/bin/python -m pytest tests/browser -n 2 --dist loadfile $(ARGS)

screens: build/setup/check all ## makes the pictures of docs/DASHBOARD.md anew, from the demo
	build/venv/bin/python -m pytest tests/browser/test_tour.py
	mkdir -p docs/screens && cp build/screens/docs/*.png docs/screens/

bench: build/setup/check all bench-programs ## the benchmark, as ratios, with the machine and settings
	build/venv/bin/python tests/bench/bench.py $(ARGS)

fuzzers: $(FUZZERS)
fuzz: build/setup/check ## every fuzzer for SECS seconds, FUZZ_JOBS at a time
	+$(MAKE) --no-print-directory SAN=fuzzer CC=clang fuzzers
	tests/fuzz/run.sh build/san-fuzzer-clang/fuzz $(SECS) $(FUZZ_JOBS)

lint: build/setup/check compile_commands.json all ## arrows, sizes, banned functions, format, clang-tidy, cppcheck, docs, deploy files
	/usr/bin/python3 tests/lint.py --all
lint-fast:
	/usr/bin/python3 tests/lint.py

SOURCES = $(wildcard $(DIRS:%=%/*.[ch]) $(DIRS:%=%/*.cc) tests/unit/*.[ch] tests/fuzz/*.[ch] tests/bench/*.[ch] tests/*.c)
format: build/setup/check ## rewrites the sources as .clang-format says
	clang-format -i $(SOURCES)

docs: build/setup/check all ## docs/CONFIGURATION.md and docs/METRICS.md from the programs' tables, api/reference.html from openapi.yaml
	tests/docs.sh write

install: all ## programs to DESTDIR/PREFIX/bin
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(PROGRAMS:%=$(B)/bin/%) $(DESTDIR)$(PREFIX)/bin

# For clang-tidy and editors.
compile_commands.json: Makefile $(filter %.c %.cc,$(SOURCES))
	@{ echo '['; sep=; \
	  for f in $(filter %.c,$(filter-out tests/tsan_glib.c,$(SOURCES))); do \
	    printf '%s{"directory":"%s","file":"%s","command":"%s"}' "$$sep" '$(CURDIR)' "$$f" \
	      'cc $(CFLAGS_ALL) -Ibuild/gen -c '"$$f"; sep=$$',\n'; done; \
	  for f in $(filter %.cc,$(SOURCES)); do \
	    printf '%s{"directory":"%s","file":"%s","command":"%s"}' "$$sep" '$(CURDIR)' "$$f" \
	      'c++ $(CXXFLAGS_ALL) -c '"$$f"; sep=$$',\n'; done; \
	  echo; echo ']'; } > $@

clean: ## removes build/
	rm -rf build compile_commands.json

-include $(shell find $(B) -name '*.d' 2>/dev/null)

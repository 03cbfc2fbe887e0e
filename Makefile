# Daybook. `make help` lists what can be asked for.
SHELL := /bin/bash
VARIANT := $(if $(SAN),san-$(subst $(comma),-,$(SAN)),release)
comma := ,
B := build/$(VARIANT)
CC ?= cc
CXX ?= c++
PKGS := glib-2.0 rdkafka hiredis libmicrohttpd libprotobuf-c gnutls jansson simdjson zlib
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS))
PKG_LIBS := $(shell pkg-config --libs $(PKGS)) -lm -lpthread
OPT := $(if $(SAN),-O1 -g -fno-omit-frame-pointer -fsanitize=$(SAN),-O2 -g -D_FORTIFY_SOURCE=2)
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wvla -Wformat=2 -Wconversion -Wundef
CFLAGS_ALL := -std=c11 -D_GNU_SOURCE $(WARN) -Wstrict-prototypes -Wmissing-prototypes $(OPT) -fno-common -fstack-protector-strong -fPIE $(WERROR) -I. -Ibuild/gen -isystem build/gen $(PKG_CFLAGS) $(CFLAGS)
CXXFLAGS_ALL := -std=c++17 $(OPT) -Wall -Wextra -fPIE $(WERROR) -I. $(PKG_CFLAGS) $(CXXFLAGS)
LDFLAGS_ALL := -pie -Wl,-z,relro,-z,now $(if $(SAN),-fsanitize=$(SAN)) $(LDFLAGS)

DIRS := lib collector aggregator api cli
PROGRAMS := daybook-collector daybook-aggregator daybook-api daybook
objs = $(patsubst %.c,$(B)/%.o,$(filter-out %/main.c,$(wildcard $(1)/*.c))) $(patsubst %.cc,$(B)/%.o,$(wildcard $(1)/*.cc))
TESTS := $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))
ARCHIVES := $(DIRS:%=$(B)/%.a)
PROTO_O := $(B)/gen/usage.pb-c.o

.PHONY: all clean unit
all: $(PROGRAMS:%=$(B)/bin/%)

build/gen/%.pb-c.c build/gen/%.pb-c.h: proto/%.proto
	@mkdir -p build/gen
	protoc-c -Iproto --c_out=build/gen $<
$(B)/gen/%.o: build/gen/%.c
	@mkdir -p $(@D)
	$(CC) -std=c11 $(OPT) -fPIE -Ibuild/gen $(PKG_CFLAGS) -c -o $@ $<
$(B)/%.o: %.c | build/gen/usage.pb-c.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<
$(B)/%.o: %.cc
	@mkdir -p $(@D)
	$(CXX) $(CXXFLAGS_ALL) -MMD -MP -c -o $@ $<

define archive
$(B)/$(1).a: $(call objs,$(1)) $(if $(filter lib,$(1)),$(PROTO_O))
	@rm -f $$@
	@ar rcs $$@ $$^
endef
$(foreach d,$(DIRS),$(eval $(call archive,$(d))))

link = $(CXX) $(LDFLAGS_ALL) -o $@ $(1) $(PKG_LIBS)
$(B)/bin/daybook-%: $(B)/%/main.o $(B)/%.a $(B)/lib.a
	@mkdir -p $(@D)
	$(call link,$^)
$(B)/bin/daybook: $(B)/cli/main.o $(B)/cli.a $(B)/collector.a $(B)/lib.a
	@mkdir -p $(@D)
	$(call link,$^)
$(B)/tests/%: tests/unit/%.c $(ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@.o $<
	$(call link,$@.o $(ARCHIVES) $(B)/lib.a)

unit: $(TESTS)
	prove --exec '' $(TESTS) :: --tap
clean:
	rm -rf build
-include $(shell find build -name '*.d' 2>/dev/null)
.SECONDARY:

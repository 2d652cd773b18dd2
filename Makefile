# One makefile for the whole tree; nothing is written outside build/ (and the tool cache of deploy/local).
#
#   BUILD=dir     where outputs go (default build)
#   SAN=a,b       sanitizers: address,undefined or thread
#   MODE=debug    no optimisation
#   CC=clang      another compiler (its own variant folder)
#   WERROR=       do not stop at warnings
#   V=1           show commands
SHELL   := /bin/bash
comma   := ,
BUILD   ?= build
VARIANT := $(if $(SAN),san-$(subst $(comma),-,$(SAN)),$(or $(MODE),release))$(if $(findstring clang,$(CC)),-clang)
B       := $(BUILD)/$(VARIANT)
Q       := $(if $(V),,@)

PLUGINS  := kubectl-apim kubectl-add kubectl-update
SERVICES := security-svc ratelimit-svc endpoint-svc api-svc builder-svc watcher
LIBS     := base json yaml x509 api conf msg plan kube bus svc

# What another clone or variant compiled alike is used again. Debug information is relative to the top of the tree.
COMPILE   = $(CCACHE) $(CC)
CCACHE   := $(shell command -v ccache)

STD    := -std=c17 -D_GNU_SOURCE
WARN   := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
          -Wwrite-strings -Wpointer-arith -Wcast-qual -Wundef -Wvla -Wformat=2 -Wimplicit-fallthrough -Wswitch-enum \
          -Wnull-dereference
CONV   := -Wconversion
WERROR ?= -Werror
OPT    := $(if $(filter debug,$(MODE)),-O0,$(if $(SAN),-O1,-O2))
cc-option = $(shell $(CC) $1 -Werror -xc -c /dev/null -o /dev/null 2>/dev/null && echo $1)
HARDEN := -g -fno-common -fstack-protector-strong $(call cc-option,-fstack-clash-protection) -fPIC \
          $(if $(SAN)$(filter debug,$(MODE)),,-D_FORTIFY_SOURCE=2 $(call cc-option,-ftrivial-auto-var-init=zero))
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
ALL_CFLAGS = $(STD) $(WARN) $(WERROR) $(OPT) $(HARDEN) $(SANFLAGS) $(CFLAGS) -ffile-prefix-map=$(CURDIR)=. -I. -I$B/gen -MMD -MP
ALL_LDFLAGS := -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed $(SANFLAGS)

# What each layer may see; everything else is compiled without these include paths.
pc = $(shell pkg-config --cflags $1 2>/dev/null | sed 's/-I/-isystem /g')
PKG_lib/json    := $(call pc,libcjson)
PKG_lib/base    := $(call pc,libcrypto)
PKG_lib/yaml    := $(call pc,yaml-0.1)
PKG_lib/x509    := $(call pc,libcrypto)
PKG_lib/msg     := $(call pc,libprotobuf-c)
PKG_lib/kube    := $(call pc,libcurl libcrypto)
PKG_lib/bus     := $(call pc,libnats)
PKG_lib/svc     := $(call pc,libmicrohttpd)
PKG_builder-svc := $(call pc,libcurl)
PKG_gateway/core := $(call pc,libcrypto expat)
PKG_gateway/hook := $(call pc,lua5.4)
# Of these two a program needs little, and would be the only one to have them in memory. (Sanitizers want to stand in between.)
SCHEMA_SHARED := -lre2 -lstdc++
SCHEMA_LDLIBS := $(if $(SAN),$(SCHEMA_SHARED),-l:libre2.a -l:libstdc++.a -static-libgcc)
LDLIBS      := $(SCHEMA_LDLIBS) $(shell pkg-config --libs libcurl libcrypto libssl libcjson yaml-0.1 libprotobuf-c libnats libmicrohttpd lua5.4 expat 2>/dev/null) -lm -lpthread
CORE_LDLIBS := $(SCHEMA_LDLIBS) $(shell pkg-config --libs libcrypto libcjson yaml-0.1 lua5.4 expat 2>/dev/null) -lm

src     = $(filter-out %/main.c,$(wildcard $1/*.c))
obj     = $(patsubst %.c,$B/obj/%.o,$1)
lib_obj := $(call obj,$(foreach l,$(LIBS),$(call src,lib/$l))) $B/gen/proto/wake.pb-c.o
# The toolkit, the gateway's core and what they stand on: no network code is linked into them.
pure_obj := $(call obj,$(foreach l,base json yaml x509 api,$(call src,lib/$l)) $(foreach d,toolkit gateway/core gateway/hook,$(call src,$d))) \
            $(patsubst %.cpp,$B/obj/%.o,$(wildcard gateway/schema/*.cpp))

.PHONY: all
all: services tools ## build everything: services, apictl, toolkit, gateway
services: $(SERVICES:%=$B/bin/%)
tools: $B/bin/apictl $(PLUGINS:%=$B/bin/%) $B/bin/toolkit gateway
.PHONY: services tools gateway

$B/libcore.a: $(lib_obj)
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$B/libgateway.a: $(pure_obj)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$B/obj/%.o: %.c | $B/gen/proto/wake.pb-c.h
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(COMPILE) $(ALL_CFLAGS) $(if $(filter tests/%,$<),,$(CONV)) $(PKG_$(patsubst %/,%,$(dir $<))) $(if $(filter tests/%,$<),$(TEST_CFLAGS)) -c $< -o $@

$B/gen/proto/%.pb-c.c $B/gen/proto/%.pb-c.h: proto/%.proto
	@mkdir -p $(@D)
	$(Q)protoc-c --c_out=$B/gen $<
$B/gen/proto/%.pb-c.o: $B/gen/proto/%.pb-c.c
	$(Q)$(COMPILE) $(STD) $(OPT) -g -fPIC $(SANFLAGS) -I$B/gen -c $< -o $@

# The one folder in C++: see docs/adr/0020. Sanitizers make gcc see things in <regex>, which a header of the library includes;
# clang's look into virtual tables would need its C++ linker, and RapidJSON adds to null pointers.
clang_or_gcc = $(if $(findstring clang,$(CC)),$1,$2)
$B/obj/%.o: %.cpp
	@mkdir -p $(@D)
	@echo "  CXX  $<"
	$(Q)$(CCACHE) $(call clang_or_gcc,clang++,g++) -std=c++17 -Wall -Wextra $(call clang_or_gcc,,-Wno-maybe-uninitialized) $(WERROR) $(OPT) $(HARDEN) \
		$(SANFLAGS) $(if $(SAN),$(call clang_or_gcc,-fno-sanitize=function$(comma)vptr$(comma)pointer-overflow)) $(CFLAGS) -DVALIJSON_USE_EXCEPTIONS=1 \
		-ffile-prefix-map=$(CURDIR)=. -I. -MMD -MP -c $< -o $@

# A program is main.c plus the rest of its folder; the rest is what its tests link.
define program
$B/bin/$1: $B/obj/$1/main.o $$(call obj,$$(call src,$1)) $B/libcore.a $B/libgateway.a
	@mkdir -p $$(@D)
	@echo "  LD   $$@"
	$$(Q)$$(CC) $$(ALL_LDFLAGS) $$(filter %.o,$$^) $B/libcore.a $B/libgateway.a $B/libcore.a -o $$@ $$(LDLIBS)
endef
$(foreach p,$(SERVICES) apictl,$(eval $(call program,$p)))

# The names under which kubectl finds apictl.
$(PLUGINS:%=$B/bin/%): $B/bin/apictl
	$(Q)ln -sf apictl $@

$B/bin/toolkit: $B/obj/toolkit/main.o $B/libgateway.a
	@mkdir -p $(@D)
	@echo "  LD   $@"
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@ $(CORE_LDLIBS)

include gateway/nginx/module.mk

# ---- tests: tests/unit mirrors the tree; one binary per file ----
# Some 150 programs, each with most of the tree in it: mold links one in a tenth of the time.
LINK_TEST := $(CC) $(ALL_LDFLAGS) $(if $(shell command -v mold),-fuse-ld=mold)
TEST_CFLAGS := -Wno-conversion -Wno-missing-prototypes $(call pc,cmocka)
UNIT      := $(wildcard tests/unit/*/*.c tests/unit/*/*/*.c)
UNIT_BIN  := $(patsubst tests/%.c,$B/tests/%,$(UNIT))
support_obj := $(call obj,$(wildcard tests/support/*.c))

service_obj := $(call obj,$(foreach s,$(SERVICES) apictl,$(call src,$s)))
$B/tests/unit/%: $B/obj/tests/unit/%.o $(support_obj) $(service_obj) $B/libcore.a $B/libgateway.a
	@mkdir -p $(@D)
	$(Q)$(LINK_TEST) $(filter %.o,$^) $B/libcore.a $B/libgateway.a $B/libcore.a -o $@ $(LDLIBS) -lcmocka

# $(call tried,COMMAND,LOG): with AGAIN=1 who fails is tried once more, and that is what counts.
tried = { $1 >$2 2>&1 || { test -n "$(AGAIN)" && sed -i -E 's/^(not ok|\[  FAILED)/first try: &/' $2 && $1 >>$2 2>&1; }; }

# The log of a test that passed already is shown again, so that a run can be counted.
%.ok: %
	@$(call tried,$<,$@.log) && touch $@ || { cat $@.log; echo "  FAIL $(<:$B/%=%)"; exit 1; }

.PHONY: unit
unit: $(UNIT_BIN:%=%.ok) ## unit tests; only changed ones run again
	$(Q)$(if $(UNIT_BIN),cat $(UNIT_BIN:%=%.ok.log) | grep -E '^(first try: )?\[ +(OK|FAILED)' || true)

include tests/tests.mk

# ---- rules that programs check ----
HEADERS := $(wildcard lib/*/*.h *-svc/*.h watcher/*.h toolkit/*.h gateway/core/*.h gateway/hook/*.h gateway/schema/*.h apictl/*.h)
$B/hdr/%.ok: %.h
	@mkdir -p $(@D)
	@echo '#include "$<"' | $(CC) $(STD) $(WARN) $(WERROR) -I. $(call pc,libcrypto lua5.4) -xc -include stddef.h -fsyntax-only - && touch $@
.PHONY: check-headers check-layers check-pure check-format check-shell
check-headers: $(HEADERS:%.h=$B/hdr/%.ok)
check-layers:
	$(Q)awk -f tools/layers.awk $$(git ls-files '*.c' '*.[ch]pp' '*.h')
check-pure: $(service_obj) $B/libcore.a $B/libgateway.a
	$(Q)tools/pure.sh $B $(SERVICES)
check-format:
	$(Q)clang-format --dry-run -Werror $$(git ls-files '*.c' '*.[ch]pp' '*.h')
check-shell:
	$(Q)shellcheck -x -P SCRIPTDIR:deploy/local $$(git ls-files '*.sh' .ci/run)

# ---- what people call ----
.PHONY: check test demo up down
check: all unit golden check-headers check-layers check-pure check-format check-shell ## what to run every few minutes
test: ## everything: all of check, real servers, sanitizers, the stories on the cluster
	$(Q)tests/run.sh
demo: ## a cluster, the operator, a managed API, a secured answer
	$(Q)deploy/demo.sh
up: ## the same up to the running operator
	$(Q)deploy/up.sh
down: ## stop the local cluster and leave nothing behind
	$(Q)deploy/local/down.sh

.PHONY: help clean
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18
clean: ## remove what make built (not the cluster: make down)
	$(Q)rm -rf $B
.DELETE_ON_ERROR:
.SECONDARY:
-include $(shell find $B -name '*.d' 2>/dev/null)

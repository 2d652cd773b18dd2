# ---- integration: against real servers, started and stopped by tests/integration/with-*.sh ----
INTEGRATION     := $(wildcard tests/integration/*/*.c tests/integration/*/*/*.c)
INTEGRATION_BIN := $(patsubst tests/%.c,$B/tests/%,$(INTEGRATION))

$B/tests/integration/%: $B/obj/tests/integration/%.o $(support_obj) $(service_obj) $B/libcore.a $B/libgateway.a
	@mkdir -p $(@D)
	$(Q)$(LINK_TEST) $(filter %.o,$^) $B/libcore.a $B/libgateway.a $B/libcore.a -o $@ $(LDLIBS) -lcmocka

# Every test has servers of its own, so any number of them can run at once; a log is shown when its test has ended.
integration_run = mkdir -p $B/tests/integration/run && \
	{ $(call tried,$1,$(integration_log)); status=$$?; cat $(integration_log); exit $$status; }
integration_log = $B/tests/integration/run/$(notdir $@).log
integration_c  := $(INTEGRATION_BIN:%=run-%)
integration_sh := $(patsubst tests/integration/%,run-%,$(wildcard tests/integration/test_*.sh))
.PHONY: integration $(integration_c) $(integration_sh)
integration: $(integration_sh) $(integration_c) ## tests against a real API server and message bus
$(integration_c): run-%: %
	$(Q)$(call integration_run,tests/integration/with-apiserver.sh tests/integration/with-nats.sh $<)
$(integration_sh): run-%: tests/integration/% services $B/bin/apictl
	$(Q)$(call integration_run,APICTL=$B/bin/apictl $<)

# What tests speak with that others wrote.
build/tools/moto build/tools/keycloak: build/tools/%:
	$(Q)deploy/local/counterparts.sh $*
run-$B/tests/integration/builder-svc/test_registry: | build/tools/moto

.PHONY: leaks
leaks: services ## every service under valgrind
	$(Q)B=$B tests/integration/leaks.sh

# ---- fuzzing: make fuzz T=stream TIME=60; a fuzzer is tests/fuzz/fuzz_<name>.c, its corpus tests/fuzz/corpus/<name>/ ----
FUZZERS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
T       ?= $(FUZZERS)
TIME    ?= 60
CHANCE  ?= 0
F       := $(BUILD)/fuzz

.PHONY: fuzz fuzz-build $(T:%=fuzz-%)
fuzz: $(T:%=fuzz-%) ## run fuzzers (T=name, default all) for TIME seconds each (CHANCE=n: the same again)
fuzz-build:
	$(Q)$(MAKE) --no-print-directory BUILD=$F CC=clang SAN=fuzzer-no-link,address,undefined WERROR= $(T:%=$F/fuzz_%)
$(T:%=fuzz-%): fuzz-%: fuzz-build
	@mkdir -p $F/corpus/$*
	$(Q)$F/fuzz_$* -max_total_time=$(TIME) -seed=$(CHANCE) -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
		$(if $(wildcard tests/fuzz/$*.dict),-dict=tests/fuzz/$*.dict) -artifact_prefix=$F/$*- $F/corpus/$* $(wildcard tests/fuzz/corpus/$*)

$(BUILD)/fuzz_%: $B/obj/tests/fuzz/fuzz_%.o $(service_obj) $B/libcore.a $B/libgateway.a
	$(Q)$(LINK_TEST) -fsanitize=fuzzer $(filter %.o,$^) $B/libcore.a $B/libgateway.a $B/libcore.a -o $@ $(LDLIBS)

# Those who compare with somebody else's opinion. libjansson has functions of the same names as lib/json.
$(BUILD)/fuzz_signature: LDLIBS += -lcjose -ljansson -Wl,--exclude-libs,ALL
$(BUILD)/fuzz_target: $(NGINX_TREE)/objs/ngx_auto_config.h
$B/obj/tests/fuzz/fuzz_target.o: TEST_CFLAGS += -Wno-pedantic -Wno-undef $(NGINX_INC)
$B/obj/tests/fuzz/fuzz_target.o: | $(NGINX_TREE)/objs/ngx_auto_config.h

# ---- golden: tests/golden/<service>/<case>/world.yaml decides to plan.json; a new case is a folder ----
$B/tests/golden/golden: $B/obj/tests/golden/golden.o $(support_obj) $(service_obj) $B/libcore.a $B/libgateway.a
	@mkdir -p $(@D)
	$(Q)$(LINK_TEST) $(filter %.o,$^) $B/libcore.a $B/libgateway.a $B/libcore.a -o $@ $(LDLIBS) -lcmocka

.PHONY: golden golden-update
golden: $B/tests/golden/golden ## what the services decide, compared with tests/golden
	$(Q)$< tests/golden
golden-update: $B/tests/golden/golden $B/tests/unit/toolkit/test_golden ## write what they and the toolkit make of it to tests/golden: review it like code
	$(Q)$< --update tests/golden
	$(Q)GOLDEN_UPDATE=1 $(word 2,$^) >/dev/null 2>&1

# ---- end to end: stories on a running cluster with the operator, tests/e2e/NN-name.sh; make e2e E2E=02 for one ----
$B/tests/e2e/load: $B/obj/tests/e2e/load.o $B/libcore.a
	@mkdir -p $(@D)
	$(Q)$(LINK_TEST) $^ -o $@ $(LDLIBS) -lpthread

.PHONY: e2e
e2e: $B/tests/e2e/load $B/bin/apictl ## the stories on the running cluster (E2E=pattern)
	$(Q)B=$B tests/e2e/run.sh $(E2E)

# ---- conformance: a real gateway on free ports, byte by byte; make conformance CASES=pattern ----
.PHONY: conformance
conformance: gateway $B/bin/toolkit $(if $(findstring keycloak,$(CASES)),| build/tools/keycloak) ## what clients of a gateway see, raw sockets and signals included
	$(Q)tests/conformance/run.py $B $(if $(CASES),'$(CASES)')

# ---- simulation: the operator in one process, on a cluster and a bus in memory; SEED=n make sim tells one line by line ----
SEEDS ?= 2000
FROM  ?= 1
SIM   := $B/tests/sim/sim
$(SIM): LINK_TEST += -Wl,--wrap=PEM_read_bio_PUBKEY
$(SIM): $(call obj,$(wildcard tests/sim/*.c)) $(call obj,tests/support/store.c tests/support/fields.c) $(service_obj) $B/libcore.a $B/libgateway.a
	@mkdir -p $(@D)
	$(Q)$(LINK_TEST) $(filter %.o,$^) $B/libcore.a $B/libgateway.a $B/libcore.a -o $@ $(LDLIBS)

.PHONY: sim soak
sim: $(SIM) ## the operator in memory: crashes, lost messages, failing calls (SEED=n: one of them, told)
	$(Q)$(if $(SEED),$< --seed $(SEED) --trace,$< --named tests/sim/seeds && $< --seeds $(SEEDS))
soak: $(SIM) ## the same for SEEDS=n seeds from FROM=n; every five hundredth once more with 200 APIs
	$(Q)$< --seeds $(SEEDS) --from $(FROM)
	$(Q)$< --seeds $$((($(SEEDS) + 499) / 500)) --from $(FROM) --apis 200 --edits 400 --pace-ms 500

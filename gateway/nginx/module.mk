# The gateway: nginx' dynamic module ($B/gateway/ngx_http_apim_module.so) and the launcher ($B/bin/gateway).
#
# Debian's nginx-dev brings headers and the configure script of exactly the nginx that runs; configure is run once in a copy and
# tells the headers' settings and the module's place in the filter chain. The module's sources are compiled like all others.
NGINX_DEV  ?= /usr/share/nginx/src
NGINX_TREE := $(BUILD)/nginx
NGINX_INC  := $(addprefix -isystem $(NGINX_TREE)/,src/core src/event src/event/modules src/os/unix objs src/http src/http/modules src/http/v2)
GATEWAY_MODULE := $B/gateway/ngx_http_apim_module.so

module_obj   := $(call obj,$(call src,gateway/nginx))
launcher_obj := $(call obj,$(wildcard gateway/launcher/*.c))

gateway: $(GATEWAY_MODULE) $B/bin/gateway $B/bin/gateway-usage $B/bin/build-gateway ## the gateway: nginx module and launcher

$(NGINX_TREE)/objs/ngx_auto_config.h: gateway/nginx/config $(NGINX_DEV)/conf_flags
	@echo "  NGINX configure"
	$(Q)rm -rf $(NGINX_TREE) && mkdir -p $(@D) && cp -r $(NGINX_DEV)/. $(NGINX_TREE)
	$(Q)module=$(CURDIR)/gateway/nginx && cd $(NGINX_TREE) && . ./conf_flags && \
		./configure "$${NGX_CONF_FLAGS[@]}" --add-dynamic-module=$$module >configure.log 2>&1 || { tail -20 configure.log; exit 1; }
$(NGINX_TREE)/objs/ngx_auto_config.h: SHELL := /bin/bash
$(NGINX_TREE)/objs/ngx_http_apim_module_modules.c: $(NGINX_TREE)/objs/ngx_auto_config.h

# nginx' macros convert freely and have empty arguments: those warnings are off here.
$B/obj/gateway/nginx/%.o: gateway/nginx/%.c | $(NGINX_TREE)/objs/ngx_auto_config.h
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(COMPILE) $(ALL_CFLAGS) -Wno-pedantic -Wno-undef $(NGINX_INC) -c $< -o $@

$B/gateway/modules.o: $(NGINX_TREE)/objs/ngx_http_apim_module_modules.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(STD) $(OPT) -g -fPIC $(SANFLAGS) $(NGINX_INC) -c $< -o $@

# Only what nginx looks for is visible: our names must not meet those of the program or of other libraries. (What the static
# libraries have is for programs.)
$(GATEWAY_MODULE): $B/gateway/modules.o $(module_obj) $B/libgateway.a gateway/nginx/module.map
	@mkdir -p $(@D)
	@echo "  LD   $@"
	$(Q)$(CC) -shared $(filter-out -pie,$(ALL_LDFLAGS)) -Wl,--version-script=gateway/nginx/module.map -Wl,-Bsymbolic \
		$(filter %.o %.a,$^) -o $@ $(SCHEMA_SHARED) $(filter-out $(SCHEMA_LDLIBS),$(CORE_LDLIBS))

PKG_gateway/launcher := $(call pc,libcrypto)
$B/obj/gateway/launcher/template.o: gateway/launcher/nginx.conf.in
$B/bin/gateway: $(launcher_obj) $B/libgateway.a
	@mkdir -p $(@D)
	@echo "  LD   $@"
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@ $(CORE_LDLIBS)
# Beside nginx, when usage is published: the only part of a gateway that knows the bus.
usage_obj := $(call obj,$(call src,gateway/usage)) $B/obj/gateway/nginx/text.o
$B/bin/gateway-usage: $B/obj/gateway/usage/main.o $(usage_obj) $B/libcore.a $B/libgateway.a
	@mkdir -p $(@D)
	@echo "  LD   $@"
	$(Q)$(CC) $(ALL_LDFLAGS) $(filter %.o,$^) $B/libcore.a $B/libgateway.a $B/libcore.a -o $@ $(LDLIBS)

# The build stage of images calls it by this name.
$B/bin/build-gateway: $B/bin/gateway
	$(Q)ln -sf gateway $@

# Unit tests of what needs no nginx: each is linked with the files that it is about.
$B/tests/unit/gateway/nginx/test_resolv: $B/obj/gateway/nginx/resolv.o
$B/tests/unit/gateway/nginx/test_text: $B/obj/gateway/nginx/text.o
$B/tests/unit/gateway/launcher/test_cpu: $B/obj/gateway/launcher/cpu.o
$B/tests/unit/gateway/launcher/test_key: $B/obj/gateway/launcher/key.o
$B/tests/unit/gateway/launcher/test_render: $(addprefix $B/obj/gateway/launcher/,render.o settings.o template.o)
$B/tests/unit/gateway/usage/test_tally: $(usage_obj)

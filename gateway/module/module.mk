# The nginx module, built with the sources and the very configure flags of Debian's nginx: it only loads into that one.
NGX_SRC := /usr/share/nginx/src
NGX     := $B/gateway/module

gateway: $B/gateway/ngx_http_apim_module.so

$(NGX)/objs/Makefile: gateway/module/config gateway/module/module.mk | $B/libgateway.a
	@mkdir -p $B/gateway
	@echo "  CONF nginx module"
	$(Q)rm -rf $(NGX) && cp -r $(NGX_SRC) $(NGX)
	$(Q)cd $(NGX) && . ./conf_flags && APIM_ROOT=$(CURDIR) \
		APIM_LIBS="$(abspath $B/libgateway.a) $(CORE_LDLIBS) $(SANFLAGS)" \
		./configure "$${NGX_CONF_FLAGS[@]}" --with-cc-opt="-O2 -g -fPIC -std=gnu17 $(SANFLAGS)" \
		--with-ld-opt="-Wl,-z,relro,-z,now $(SANFLAGS)" --add-dynamic-module=$(CURDIR)/gateway/module >configure.log 2>&1 \
		|| { tail -20 configure.log; exit 1; }

$B/gateway/ngx_http_apim_module.so: $(NGX)/objs/Makefile $(wildcard gateway/module/*.[ch] gateway/core/*.h) $B/libgateway.a
	@echo "  NGX  $@"
	$(Q)rm -f $(NGX)/objs/ngx_http_apim_module.so
	$(Q)$(MAKE) -C $(NGX) --no-print-directory -f objs/Makefile modules >$(NGX)/make.log 2>&1 || { tail -40 $(NGX)/make.log; exit 1; }
	$(Q)cp $(NGX)/objs/ngx_http_apim_module.so $@

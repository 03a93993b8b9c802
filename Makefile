# Trunkline. `make demo` and `make test` do everything, packages included.
#
#   make          build/trunkline, the server
#   make demo     a simulated call, no account needed
#   make run      the server, with the settings from .env; ARGS=--check tries them
#   make tools    the stand-ins and the like, into build/release/
#   make test     every gate; ends with "N passed, N failed"
#   make bench    many calls at once, measured
#   make fuzz     every fuzz target for FUZZ_SECONDS each
#   make mutate   breaks the code on purpose, to see the tests notice
#   make check-image, make check-fresh   the Dockerfile, and the README's commands, in a bare Debian
#   make format, make lint, make clean

CFLAGS       ?= -O2 -g
FLAVOR       ?= release
FUZZ_SECONDS ?= 600
OUT          := build/$(FLAVOR)
JOBS         := $(shell nproc)
MACHINE      := $(shell uname -m)

WARN     := -std=c11 -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Werror
BASE     := -D_GNU_SOURCE -I. $(WARN) -MMD -MP -pthread

# Return addresses and jumps that only land where they should, where the CPU can.
x86_64_HARDEN  := -fcf-protection
aarch64_HARDEN := -mbranch-protection=standard
release_FLAGS  := $(if $(filter -O0,$(CFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2) \
                  -fstack-protector-strong -fstack-clash-protection -fPIE $($(MACHINE)_HARDEN)
asan_FLAGS     := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
tsan_FLAGS     := -O1 -fno-omit-frame-pointer -fsanitize=thread
fuzz_FLAGS     := $(asan_FLAGS) -fsanitize=fuzzer-no-link
release_LINK   := -pie -Wl,-z,relro,-z,now,-z,noexecstack
asan_LINK      := -fsanitize=address,undefined
tsan_LINK      := -fsanitize=thread
fuzz_LINK      := -fsanitize=fuzzer,address,undefined
ifeq ($(FLAVOR),fuzz)
CC := clang
endif

LIBS      := -lcivetweb -lcurl -lsqlite3 -l:libbearssl.a -lwslay -lcjson -l:libspeexdsp.a -lm -lpthread
TOOL_LIBS := -lssl -lcrypto -lcjson -lm -lpthread

common_SRC  := $(addprefix common/,$(addsuffix .c, \
  base64 bell buf clock digest hist json log resolver ring schema schema_text tls tls_sessions trust ws_client ws_dial \
  ws_frame ws_upgrade))
audio_SRC   := $(addprefix audio/,$(addsuffix .c, \
  convert g711 resample wav))
server_SRC  := $(addprefix server/,$(addsuffix .c, \
  agents/agent_file agents/agent_set agents/agents agents/describe agents/load agents/parts agents/profile \
  agents/reader agents/slurp agents/template agents/url \
  call/agent_caller call/agent_cost call/agent_events call/agent_loop call/agent_mail call/agent_record call/agent_tools \
  call/agent_transfer call/answers call/brief call/call_journal call/call_json call/caller_loop call/calls \
  call/cost call/cues call/endings call/gaps call/history call/hooks call/journal call/journal_store \
  call/ledger call/mail call/parting call/playout call/prices call/recorder call/recording_file call/sequencer \
  call/spending call/stats call/stereo call/timeline call/toolbox call/twilio_recording call/transfers call/uplink config \
  config_check config_print config_table config_warnings model/access \
  model/health model/realtime model/realtime_tools model/session phone/form phone/media_stream phone/signature phone/twiml \
  web/outgoing work/outbound work/outbound_ask work/outbound_news work/outbound_place work/outbound_row \
  work/outbound_rules work/outbound_show work/text_model \
  call/record_fill call/records call/search store/store_records web/records_api \
  work/knowledge work/knowledge_folder work/knowledge_index work/knowledge_passages work/knowledge_query \
  store/store store/store_calls store/store_db store/store_queue store/store_readers store/store_retain store/store_schema \
  store/store_writer \
  web/call_list web/connections web/control web/doors web/fields web/health_probe web/http web/hub web/inflight web/intake \
  web/jwt web/known_call web/openapi web/outbox_api web/operator web/recording web/recording_twilio web/routes web/server web/sockets web/status web/watch \
  web/webhooks web/writer \
  work/fetch work/jobs work/outbox work/outbox_plan work/outbox_queue work/outbox_rows \
  work/signing work/tool_call work/tool_list work/twilio_media work/twilio_rest work/work))
# The stand-ins share no code with the server, nor with each other.
phone_SRC   := $(filter-out %/main.c,$(wildcard tools/phone/*.c))
standin_SRC := $(filter-out %/main.c,$(wildcard tools/standin_model/*.c))
relay_SRC   := $(wildcard tools/relay/*.c)
rest_SRC    := $(wildcard tools/twilio_rest/*.c)
bench_SRC   := $(wildcard tools/measure/*.c)
sink_SRC    := $(wildcard tools/webhook_sink/*.c)
text_SRC    := $(wildcard tools/text_model/*.c)

# Commands are shown by `make V=1`.
Q    := $(if $(V),,@)
LINK  = @echo "  link $@"
LINK += $(if $(V),&& set -x,) && $(CC) $(CFLAGS) $($(FLAVOR)_LINK) $(LDFLAGS) -o $@

objects = $(patsubst %.c,$(OUT)/%.o,$(1))
binaries = $(patsubst tests/%.c,$(OUT)/tests/%,$(wildcard $(1)))

phone_TEST   := $(call binaries,tests/test_phone*.c)
standin_TEST := $(call binaries,tests/test_standin*.c)
unit_BIN     := $(call binaries,tests/test_*.c)
bridge_TEST  := $(filter-out $(phone_TEST) $(standin_TEST),$(unit_BIN))
helper_SRC   := $(filter-out tests/test_% tests/fuzz_% tests/planted_%,$(wildcard tests/*.c))
fuzz_BIN     := $(call binaries,tests/fuzz_*.c)
# Wrong on purpose, to see that the run notices.
planted_FUZZ := $(call binaries,tests/planted_fuzz_*.c)
planted_TEST := $(filter-out $(planted_FUZZ),$(call binaries,tests/planted_*.c))
tool_BIN     := $(OUT)/watch $(if $(phone_SRC),$(OUT)/phone) $(if $(standin_SRC),$(OUT)/standin-model) \
                $(OUT)/twilio-rest $(if $(relay_SRC),$(OUT)/relay) $(if $(bench_SRC),$(OUT)/bench) $(if $(sink_SRC),$(OUT)/webhook-sink) $(OUT)/text-model

.PHONY: all server tools unit fuzzers demo run test bench fuzz mutate check-image check-fresh packages format lint clean
all: $(if $(filter release,$(FLAVOR)),build/trunkline,$(OUT)/trunkline)
build/trunkline: build/release/trunkline
	$(Q)cp $< $@
server: $(OUT)/trunkline
tools: $(tool_BIN)
unit: $(unit_BIN)
fuzzers: $(fuzz_BIN) $(planted_FUZZ)

$(OUT)/trunkline: $(OUT)/server/main.o $(OUT)/server.a $(OUT)/audio.a $(OUT)/common.a
	$(LINK) $^ $(LIBS)
$(OUT)/watch: $(OUT)/tools/watch/main.o $(OUT)/common.a
	$(LINK) $^ -lcjson -lm
$(OUT)/phone: $(OUT)/tools/phone/main.o $(OUT)/phone.a
	$(LINK) $^ $(TOOL_LIBS)
$(OUT)/standin-model: $(OUT)/tools/standin_model/main.o $(OUT)/standin.a
	$(LINK) $^ $(TOOL_LIBS)
$(OUT)/twilio-rest: $(call objects,$(rest_SRC))
	$(LINK) $^ $(TOOL_LIBS)
# Not a stand-in but a yardstick: what TLS and JSON cost must cost it the same.
$(OUT)/relay: $(call objects,$(relay_SRC)) $(OUT)/common.a
	$(LINK) $^ $(filter-out -lcivetweb -lcurl -lsqlite3 -l:libspeexdsp.a,$(LIBS))
$(OUT)/bench: $(call objects,$(bench_SRC))
	$(LINK) $^ -lcjson -lm
$(OUT)/text-model: $(call objects,$(text_SRC))
	$(LINK) $^ $(TOOL_LIBS)
$(OUT)/webhook-sink: $(call objects,$(sink_SRC))
	$(LINK) $^ $(TOOL_LIBS)

$(OUT)/common.a: $(call objects,$(common_SRC))
$(OUT)/audio.a: $(call objects,$(audio_SRC))
$(OUT)/server.a: $(call objects,$(server_SRC))
$(OUT)/phone.a: $(call objects,$(phone_SRC))
$(OUT)/standin.a: $(call objects,$(standin_SRC))
$(OUT)/helpers.a: $(call objects,$(helper_SRC))
$(OUT)/%.a:
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(OUT)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  cc $<"
	$(Q)$(CC) $(CFLAGS) $(BASE) $($(FLAVOR)_FLAGS) -c -o $@ $<

# The document as a C string, a line a line.
$(OUT)/openapi.inc: server/web/openapi.json
	@mkdir -p $(@D)
	$(Q)sed 's/\\/\\\\/g; s/"/\\"/g; s/.*/"&\\n"/' $< >$@
$(OUT)/server/web/openapi.o: $(OUT)/openapi.inc
$(OUT)/server/web/openapi.o: BASE += -I$(OUT)

# A test links what its level may see; the linker drops the rest. The far ends in
# the helpers use OpenSSL, so that BearSSL is not tested with itself.
$(bridge_TEST): %: %.o $(OUT)/helpers.a $(OUT)/server.a $(OUT)/audio.a $(OUT)/common.a
	$(LINK) $^ $(LIBS) $(TOOL_LIBS) -lcmocka
$(planted_TEST): %: %.o
	$(LINK) $^ -lcmocka
$(planted_FUZZ): %: %.o
	$(LINK) $^
$(phone_TEST): %: %.o $(OUT)/phone.a
	$(LINK) $^ $(TOOL_LIBS) -lcmocka
$(standin_TEST): %: %.o $(OUT)/standin.a
	$(LINK) $^ $(TOOL_LIBS) -lcmocka
$(fuzz_BIN): %: %.o $(OUT)/server.a $(OUT)/audio.a $(OUT)/common.a
	$(LINK) $^ $(LIBS)

packages:
	tools/install-packages build

demo:
	@tools/install-packages demo
	@$(MAKE) -s --no-print-directory -j$(JOBS) FLAVOR=release all $(addprefix build/release/,watch phone standin-model)
	@tools/demo
run: build/trunkline
	@tools/run .env $(ARGS)
test:
	@tools/install-packages test
	@tests/run
bench:
	@tools/install-packages demo
	@$(MAKE) --no-print-directory -j$(JOBS) FLAVOR=release all tools
	@tools/bench
fuzz:
	@tools/install-packages test
	@tests/run-fuzz $(FUZZ_SECONDS)
mutate:
	@tools/install-packages test
	@tests/mutate
check-image:
	@tools/install-packages docker
	@tools/check-dockerfile
check-fresh:
	@tools/install-packages docker
	@tools/check-fresh

format:
	clang-format -i $$(git ls-files '*.c' '*.h')
lint:
	clang-format --dry-run -Werror $$(git ls-files '*.c' '*.h')
clean:
	rm -rf build

-include $(shell find $(OUT) -name '*.d' -type f 2>/dev/null)

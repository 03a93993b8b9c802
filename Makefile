# Trunkline. `make demo` and `make test` do everything, packages included.
#
#   make          build/trunkline, the server
#   make demo     a simulated call, no account needed
#   make run      the server, with the settings from .env; ARGS=--check tries them
#   make tools    the stand-ins and the like, into build/release/
#   make test     what everybody runs; ends with "N passed, N failed"
#   make test-more   what takes longer, or tests the tests
#   make bench    many calls at once, measured
#   make chaos    a call for each of many faults, and what its caller heard; FAULTS="…" for some
#   make soak HOURS=1   mixed calls with faults for so long; memory, latencies and endings over the time
#   make fuzz     every fuzz target for FUZZ_SECONDS each
#   make mutate   every mutant: breaks the code on purpose, to see the tests notice
#   make check-image, make check-fresh   the Dockerfile, and the README's commands, in a bare Debian
#   make docs     server/SETTINGS.md, server/web/API.md and .env.example, made of the program
#   make format, make lint, make clean

CFLAGS       ?= -O2 -g
FLAVOR       ?= release
FUZZ_SECONDS ?= 600
OUT          := build/$(FLAVOR)
JOBS         := $(shell nproc)
comma        := ,
MACHINE      := $(shell uname -m)

WARN     := -std=c11 -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Werror
BASE     := -D_GNU_SOURCE -I. $(WARN) -MMD -MP -pthread

# Return addresses and jumps that only land where they should, where the CPU can.
x86_64_HARDEN  := -fcf-protection
aarch64_HARDEN := -mbranch-protection=standard
# An HTTP worker of CivetWeb has 100 KB of stack, whatever ulimit says: a frame that would not leave
# room for those above it does not compile. The largest is agent_loop's, 51 KB on a thread with 256.
release_FLAGS  := -Wframe-larger-than=57344 $(if $(filter -O0,$(CFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2) \
                  -fstack-protector-strong -fstack-clash-protection -fPIE $($(MACHINE)_HARDEN)
# What a sanitizer says needs lines, and no variables: a tenth less to compile.
checked_FLAGS  := -O1 -g1 -fno-omit-frame-pointer
asan_FLAGS     := $(checked_FLAGS) -fsanitize=address,undefined -fno-sanitize-recover=all
tsan_FLAGS     := $(checked_FLAGS) -fsanitize=thread
fuzz_FLAGS     := $(asan_FLAGS) -fsanitize=fuzzer-no-link
release_LINK   := -pie -Wl,-z,relro,-z,now,-z,noexecstack
# Some 300 programs are linked for the tests, by gold, where there is one, in a third of the time.
checked_LINK   := $(if $(shell command -v ld.gold),-fuse-ld=gold)
asan_LINK      := $(checked_LINK) -fsanitize=address,undefined
tsan_LINK      := $(checked_LINK) -fsanitize=thread
fuzz_LINK      := $(checked_LINK) -fsanitize=fuzzer,address,undefined
ifeq ($(FLAVOR),fuzz)
asan_CC := $(CC)
CC := clang
endif

# What our own code asks for memory by is led to common/memory.c. gold takes what shared
# libraries ask for to be meant as well, and so that file is linked in any case.
WRAP      := -Wl,-u,__wrap_malloc $(patsubst %,-Wl$(comma)--wrap=%,malloc calloc realloc aligned_alloc strdup strndup)
# So does what tells of threads, in a unit test (tests/threads.c).
TEST_LIBS := -lcmocka -Wl,-u,__wrap_pthread_create -Wl,--wrap=pthread_create -Wl,--wrap=mg_start2
LIBS      := $(WRAP) -lcivetweb -lcurl -lsqlite3 -l:libbearssl.a -lwslay -lcjson -l:libspeexdsp.a -lm -lpthread
TOOL_LIBS := -lssl -lcrypto -lcjson -lm -lpthread

# Sources are found by folder; a new file needs no line here.
common_SRC  := $(sort $(wildcard common/*.c))
audio_SRC   := $(sort $(wildcard audio/*.c))
server_SRC  := $(filter-out server/main.c,$(sort $(wildcard server/*.c server/*/*.c server/*/*/*.c)))
# What fuzz targets are about is built for them once more, by clang; what they need besides is asan's.
fuzz_PARTS  := agents/* config/* knowledge/* line/keys/keys model/* model/text/* phone/* voice/voice_file web/* web/api/place web/api/steer
ifeq ($(FLAVOR),fuzz)
server_SRC  := $(wildcard $(patsubst %,server/%.c,$(fuzz_PARTS)))
endif
# The stand-ins share a kit among themselves, and no code with the server.
kit_SRC     := $(wildcard tools/kit/*.c)
phone_SRC   := $(filter-out %/main.c,$(wildcard tools/phone/*.c))
standin_SRC := $(filter-out %/main.c,$(wildcard tools/standin_model/*.c))
relay_SRC   := $(wildcard tools/relay/*.c)
rest_SRC    := $(wildcard tools/twilio_rest/*.c)
bench_SRC   := $(wildcard tools/measure/*.c)
sink_SRC    := $(wildcard tools/webhook_sink/*.c)
text_SRC    := $(filter-out %/main.c,$(wildcard tools/text_model/*.c))

# Commands are shown by `make V=1`.
Q    := $(if $(V),,@)
LINK  = $(Q)$(info $()  link $@)$(CC) $(CFLAGS) $($(FLAVOR)_LINK) $(LDFLAGS) -o $@

objects = $(patsubst %.c,$(OUT)/%.o,$(1))
binaries = $(patsubst tests/%.c,$(OUT)/tests/%,$(wildcard $(1)))

kit_TEST     := $(call binaries,tests/unit/tools/test_kit*.c)
phone_TEST   := $(call binaries,tests/unit/tools/test_phone*.c)
standin_TEST := $(call binaries,tests/unit/tools/test_standin*.c)
text_TEST    := $(call binaries,tests/unit/tools/test_text*.c)
unit_BIN     := $(call binaries,tests/unit/*.c tests/unit/*/*.c tests/unit/*/*/*.c)
bridge_TEST  := $(filter-out $(kit_TEST) $(phone_TEST) $(standin_TEST) $(text_TEST),$(unit_BIN))
peers_SRC    := $(wildcard tests/peers/*.c)
fuzz_BIN     := $(call binaries,tests/fuzz/*.c)
asan_A       := $(addprefix build/asan/,server.a audio.a common.a)
# Wrong on purpose, to see that the run notices.
planted_FUZZ := $(call binaries,tests/planted/planted_fuzz_*.c)
planted_TEST := $(filter-out $(planted_FUZZ),$(call binaries,tests/planted/*.c))
tool_BIN     := $(OUT)/watch $(if $(phone_SRC),$(OUT)/phone) $(if $(standin_SRC),$(OUT)/standin-model) \
                $(OUT)/meddle.so $(OUT)/twilio-rest $(if $(relay_SRC),$(OUT)/relay) $(if $(bench_SRC),$(OUT)/bench) $(if $(sink_SRC),$(OUT)/webhook-sink) $(OUT)/text-model

.PHONY: of_asan all server tools unit fuzzers demo run test test-more bench chaos soak fuzz mutate check-image check-fresh packages docs format lint clean
all: $(if $(filter release,$(FLAVOR)),build/trunkline,$(OUT)/trunkline)
build/trunkline: build/release/trunkline
	$(Q)cp $< $@
server: $(OUT)/trunkline $(OUT)/starved
tools: $(tool_BIN)
unit: $(filter-out $(if $(filter tsan,$(FLAVOR)),$(call binaries,$(shell grep -rl '^ONE_THREAD;$$' tests/unit))),$(unit_BIN))
fuzzers: $(fuzz_BIN) $(planted_FUZZ)

$(OUT)/trunkline: $(OUT)/server/main.o $(OUT)/server.a $(OUT)/audio.a $(OUT)/common.a
	$(LINK) $^ $(LIBS)
# Whose memory is refused by order (tools/chaos/starve.c).
$(OUT)/starved: $(OUT)/server/main.o $(OUT)/tools/chaos/starve.o $(OUT)/server.a $(OUT)/audio.a $(OUT)/common.a
	$(LINK) $^ $(LIBS) -rdynamic
$(OUT)/watch: $(OUT)/tools/watch/main.o $(OUT)/kit.a
	$(LINK) $^ -lcjson -lm
$(OUT)/phone: $(OUT)/tools/phone/main.o $(OUT)/phone.a $(OUT)/kit.a
	$(LINK) $^ $(TOOL_LIBS)
$(OUT)/standin-model: $(OUT)/tools/standin_model/main.o $(OUT)/standin.a $(OUT)/kit.a
	$(LINK) $^ $(TOOL_LIBS)
$(OUT)/twilio-rest: $(call objects,$(rest_SRC)) $(OUT)/kit.a
	$(LINK) $^ $(TOOL_LIBS)
# Not a stand-in but a yardstick: what TLS and JSON cost must cost it the same.
$(OUT)/relay: $(call objects,$(relay_SRC)) $(OUT)/common.a $(OUT)/kit.a
	$(LINK) $^ $(filter-out -lcivetweb -lcurl -lsqlite3 -l:libspeexdsp.a,$(LIBS))
$(OUT)/bench: $(call objects,$(bench_SRC)) $(OUT)/kit.a
	$(LINK) $^ -lcjson -lm
$(OUT)/meddle.so: tools/chaos/meddle.c
	@mkdir -p $(@D)
	$(LINK) $(BASE) -fPIC -shared $< -ldl
$(OUT)/text-model: $(OUT)/tools/text_model/main.o $(OUT)/text.a $(OUT)/kit.a
	$(LINK) $^ $(TOOL_LIBS)
$(OUT)/webhook-sink: $(call objects,$(sink_SRC)) $(OUT)/kit.a
	$(LINK) $^ $(TOOL_LIBS)

$(OUT)/common.a: $(call objects,$(common_SRC))
$(OUT)/audio.a: $(call objects,$(audio_SRC))
$(OUT)/server.a: $(call objects,$(server_SRC))
$(OUT)/kit.a: $(call objects,$(kit_SRC))
$(OUT)/phone.a: $(call objects,$(phone_SRC))
$(OUT)/standin.a: $(call objects,$(standin_SRC))
$(OUT)/text.a: $(call objects,$(text_SRC))
$(OUT)/peers.a: $(call objects,$(peers_SRC))
$(OUT)/unit.a: $(OUT)/tests/unit.o $(OUT)/tests/threads.o
$(OUT)/%.a:
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# No process but the compiler: what starts one a thousand times feels it.
$(OUT)/%.o: %.c
	@$(if $(wildcard $(@D)/.),,mkdir -p $(@D))
	$(Q)$(info $()  cc $<)$(CC) $(CFLAGS) $(BASE) $($(FLAVOR)_FLAGS) -c -o $@ $<

# The document as a C string, a line a line.
$(OUT)/openapi.inc: server/web/page/openapi.json
	@mkdir -p $(@D)
	$(Q)sed 's/\\/\\\\/g; s/"/\\"/g; s/.*/"&\\n"/' $< >$@
$(OUT)/server/web/page/openapi.o: $(OUT)/openapi.inc
$(OUT)/server/web/page/openapi.o: BASE += -I$(OUT)

# A test links main, unless it has its own, and what its level may see; the linker drops the
# rest. The far ends in tests/peers use OpenSSL, so that BearSSL is not tested with itself.
$(unit_BIN) $(fuzz_BIN): | build/tmp
# What tests write for a while; tests/run removes it.
build/tmp:
	@mkdir -p $@
$(bridge_TEST): %: %.o $(OUT)/unit.a $(OUT)/peers.a $(OUT)/server.a $(OUT)/audio.a $(OUT)/common.a
	$(LINK) $^ $(LIBS) $(TOOL_LIBS) $(TEST_LIBS)
$(planted_TEST): %: %.o
	$(LINK) $^ -lcmocka
$(planted_FUZZ): %: %.o
	$(LINK) $^
$(kit_TEST): %: %.o $(OUT)/unit.a $(OUT)/kit.a
	$(LINK) $^ $(TOOL_LIBS) $(TEST_LIBS)
$(phone_TEST): %: %.o $(OUT)/unit.a $(OUT)/phone.a $(OUT)/kit.a
	$(LINK) $^ $(TOOL_LIBS) $(TEST_LIBS)
$(standin_TEST): %: %.o $(OUT)/unit.a $(OUT)/standin.a $(OUT)/kit.a
	$(LINK) $^ $(TOOL_LIBS) $(TEST_LIBS)
$(text_TEST): %: %.o $(OUT)/unit.a $(OUT)/text.a $(OUT)/kit.a
	$(LINK) $^ $(TOOL_LIBS) $(TEST_LIBS)
$(fuzz_BIN): %: %.o $(OUT)/server.a $(OUT)/common.a $(asan_A)
	$(LINK) $^ $(LIBS)
ifeq ($(FLAVOR),fuzz)
$(asan_A): of_asan
of_asan:
	$(Q)$(MAKE) --no-print-directory FLAVOR=asan CC="$(asan_CC)" $(asan_A)
endif

packages:
	tools/install-packages build

demo:
	@tools/install-packages demo
	@$(MAKE) -s --no-print-directory -j$(JOBS) FLAVOR=release all $(addprefix build/release/,watch phone standin-model text-model twilio-rest)
	@tools/demo
run: build/trunkline
	@tools/run .env $(ARGS)
test:
	@tools/install-packages test
	@tests/run
test-more:
	@tools/install-packages test
	@tests/run more
bench:
	@tools/install-packages demo
	@$(MAKE) --no-print-directory -j$(JOBS) FLAVOR=release all tools
	@tools/bench
chaos:
	@tools/install-packages test
	@$(MAKE) --no-print-directory -j$(JOBS) FLAVOR=release all tools
	@tools/chaos/chaos $(FAULTS)
soak:
	@tools/install-packages test
	@$(MAKE) --no-print-directory -j$(JOBS) FLAVOR=release all tools
	@HOURS=$(HOURS) tools/chaos/soak
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

docs:
	@tools/install-packages test
	@$(MAKE) -s --no-print-directory FLAVOR=asan build/asan/tests/unit/test_docs
	@DOCS=write build/asan/tests/unit/test_docs
format:
	clang-format -i $$(git ls-files '*.c' '*.h')
lint:
	clang-format --dry-run -Werror $$(git ls-files '*.c' '*.h')
clean:
	rm -rf build

-include $(shell find $(OUT) -name '*.d' -type f 2>/dev/null)

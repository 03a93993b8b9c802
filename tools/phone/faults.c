#include "tools/phone/faults.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *id, *help;
	struct fault usual;
} table[FAULT_COUNT] = {
#define X(id, value, at_ms, help) [FAULT_##id] = { #id, help, { true, value, at_ms } },
	FAULTS(X)
#undef X
};

const char *fault_name(enum fault_id id, char out[WORD_SIZE])
{
	return word_of(table[id].id, out);
}

static int number(const char *from, long *out, const char **end)
{
	char *stop;

	*out = strtol(from, &stop, 10);
	*end = stop;
	return isdigit((unsigned char)*from) ? 0 : -1;
}

int fault_set(struct fault faults[FAULT_COUNT], const char *spec)
{
	size_t n = strcspn(spec, "=@");
	const char *at = spec + n;

	for (int i = 0; i < FAULT_COUNT; i++) {
		struct fault f = table[i].usual;
		char name[WORD_SIZE];

		if (strlen(fault_name((enum fault_id)i, name)) != n || strncmp(name, spec, n) != 0)
			continue;
		if (*at == '=' && strncmp(at, "=rst", 4) == 0)
			f.value = 0, at += 4;
		else if (*at == '=' && strncmp(at, "=fin", 4) == 0)
			f.value = 1, at += 4;
		else if (*at == '=' && number(at + 1, &f.value, &at) != 0)
			return -1;
		if (*at == '@' && number(at + 1, &f.at_ms, &at) != 0)
			return -1;
		if (*at)
			return -1;
		faults[i] = f;
		return 0;
	}
	return -1;
}

void faults_help(void)
{
	for (int i = 0; i < FAULT_COUNT; i++) {
		char usual[48] = "", name[WORD_SIZE];

		if (table[i].usual.value && table[i].usual.at_ms)
			snprintf(usual, sizeof usual, " (%ld @%ld)", table[i].usual.value, table[i].usual.at_ms);
		else if (table[i].usual.value)
			snprintf(usual, sizeof usual, " (%ld)", table[i].usual.value);
		else if (table[i].usual.at_ms)
			snprintf(usual, sizeof usual, " (@%ld)", table[i].usual.at_ms);
		printf("  %-22s %s%s\n", fault_name((enum fault_id)i, name), table[i].help, usual);
	}
}

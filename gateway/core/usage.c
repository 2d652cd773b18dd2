#include "gateway/core/usage.h"

#include <string.h>

enum {
	MAGIC = 0x75736731, /* the number at its end is the layout's */
};

struct head {
	uint32_t magic;
	uint32_t lost;
};

enum text {
	API,
	VERSION,
	OPERATION,
	APPLICATION,
	TEXTS
};

/* The texts follow without anything between them. */
struct record {
	uint32_t ms;
	uint32_t backend_ms;
	uint16_t status;
	uint16_t sandbox;
	uint16_t length[TEXTS];
};

size_t usage_begin(uint32_t lost, char to[USAGE_MAX_DATAGRAM])
{
	struct head h = { .magic = MAGIC, .lost = lost };

	memcpy(to, &h, sizeof(h));
	return sizeof(h);
}

/* Not in the middle of a character of UTF-8. */
static uint16_t bounded(struct span s)
{
	size_t n = s.n;

	if (n > USAGE_MAX_TEXT)
		for (n = USAGE_MAX_TEXT; n > 0 && ((unsigned char)s.at[n] & 0xc0) == 0x80;)
			n--;
	return (uint16_t)n;
}

size_t usage_write(const struct usage *u, char to[USAGE_MAX_DATAGRAM], size_t n)
{
	const struct span texts[TEXTS] = { u->api, u->version, u->operation, u->application };
	struct record r = {
		.ms = u->ms, .backend_ms = u->backend_ms, .status = u->status, .sandbox = u->sandbox
	};
	size_t size = sizeof(r);
	char *at = to + n;

	for (size_t i = 0; i < TEXTS; i++)
		size += r.length[i] = bounded(texts[i]);
	if (n > USAGE_MAX_DATAGRAM || size > USAGE_MAX_DATAGRAM - n)
		return n;
	memcpy(at, &r, sizeof(r));
	at += sizeof(r);
	for (size_t i = 0; i < TEXTS; at += r.length[i++])
		if (r.length[i] > 0)
			memcpy(at, texts[i].at, r.length[i]);
	return n + size;
}

bool usage_read(struct usage_reader *r, const char *bytes, size_t n)
{
	struct head h;

	if (n < sizeof(h))
		return false;
	memcpy(&h, bytes, sizeof(h));
	*r = (struct usage_reader){ .at = bytes + sizeof(h), .end = bytes + n, .lost = h.lost };
	return h.magic == MAGIC;
}

bool usage_next(struct usage_reader *r, struct usage *ret)
{
	struct span *const texts[TEXTS] = { &ret->api, &ret->version, &ret->operation,
		&ret->application };
	struct record record;

	if ((size_t)(r->end - r->at) < sizeof(record))
		return false;
	memcpy(&record, r->at, sizeof(record));
	r->at += sizeof(record);
	*ret = (struct usage){ .ms = record.ms,
		.backend_ms = record.backend_ms,
		.status = record.status,
		.sandbox = record.sandbox == 1 };
	for (size_t i = 0; i < TEXTS; i++) {
		if (record.length[i] > USAGE_MAX_TEXT ||
			record.length[i] > (size_t)(r->end - r->at)) {
			r->at = r->end;
			return false;
		}
		*texts[i] = (struct span){ r->at, record.length[i] };
		r->at += record.length[i];
	}
	return true;
}

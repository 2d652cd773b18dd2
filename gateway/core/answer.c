#include "gateway/core/answer.h"

#include <strings.h>

#include "lib/base/arena.h"
#include "lib/base/str.h"

static struct span rest_of(struct span s, size_t n)
{
	return (struct span){ s.at + n, s.n - n };
}

/* Up to the line's end; *rest is what follows. False: the line has not come whole. */
static bool next_line(struct span *rest, struct span *ret)
{
	const char *end = rest->n > 0 ? memchr(rest->at, '\n', rest->n) : NULL;
	size_t n;

	if (!end)
		return false;
	n = (size_t)(end - rest->at);
	*ret = (struct span){ rest->at, n > 0 && rest->at[n - 1] == '\r' ? n - 1 : n };
	*rest = rest_of(*rest, n + 1);
	return true;
}

static bool starts_with(struct span s, const char *text)
{
	size_t n = strlen(text);

	return s.n >= n && memcmp(s.at, text, n) == 0;
}

/* "HTTP/1.1 200 OK" → 200; 0: no such line */
static int status_of(struct span line)
{
	int status = 0;

	if ((!starts_with(line, "HTTP/1.1 ") && !starts_with(line, "HTTP/1.0 ")) || line.n < 12 ||
		(line.n > 12 && line.at[12] != ' '))
		return 0;
	for (size_t i = 9; i < 12; i++) {
		if (line.at[i] < '0' || line.at[i] > '9')
			return 0;
		status = status * 10 + (line.at[i] - '0');
	}
	return status;
}

static struct span trimmed(struct span s)
{
	while (s.n > 0 && (*s.at == ' ' || *s.at == '\t'))
		s = rest_of(s, 1);
	while (s.n > 0 && (s.at[s.n - 1] == ' ' || s.at[s.n - 1] == '\t'))
		s.n--;
	return s;
}

bool answer_header(const struct answer *answer, const char *name, struct span *ret)
{
	struct span rest = answer->headers;
	size_t n = strlen(name);
	struct span line;

	while (next_line(&rest, &line)) {
		if (line.n <= n || line.at[n] != ':' || strncasecmp(line.at, name, n) != 0)
			continue;
		*ret = trimmed(rest_of(line, n + 1));
		return true;
	}
	return false;
}

/* Status line and headers; *rest begins with the body. */
static enum answer_state read_head(struct span *rest, struct answer *ret)
{
	struct span line;

	if (!next_line(rest, &line))
		return ANSWER_PARTIAL;
	ret->status = status_of(line);
	if (ret->status < 100)
		return ANSWER_BROKEN;
	ret->headers = (struct span){ rest->at, 0 };
	while (next_line(rest, &line)) {
		if (line.n == 0)
			return ANSWER_COMPLETE;
		ret->headers.n = (size_t)(rest->at - ret->headers.at);
	}
	return ANSWER_PARTIAL;
}

/* false: no number, or one beyond what anybody would receive. */
static bool read_number(struct span digits, unsigned int base, size_t *ret)
{
	size_t n = 0;

	if (digits.n == 0 || digits.n > 8)
		return false;
	for (size_t i = 0; i < digits.n; i++) {
		char c = digits.at[i];
		unsigned int d = c >= '0' && c <= '9' ? (unsigned int)(c - '0')
				 : (c | 0x20) >= 'a' && (c | 0x20) <= 'f'
					 ? (unsigned int)((c | 0x20) - 'a') + 10
					 : 99;

		if (d >= base)
			return false;
		n = n * base + d;
	}
	*ret = n;
	return true;
}

static enum answer_state read_chunks(struct arena *a, struct span rest, struct span *ret)
{
	struct span line;
	struct str body;
	size_t n;

	str_init(&body, a, rest.n + 1);
	while (next_line(&rest, &line)) {
		const char *extension = line.n > 0 ? memchr(line.at, ';', line.n) : NULL;

		if (extension)
			line.n = (size_t)(extension - line.at);
		if (!read_number(trimmed(line), 16, &n))
			return ANSWER_BROKEN;
		if (n == 0) {
			*ret = (struct span){ body.ptr, body.len };
			return ANSWER_COMPLETE;
		}
		if (rest.n < n)
			return ANSWER_PARTIAL;
		str_addn(&body, rest.at, n);
		rest = rest_of(rest, n);
		if (!next_line(&rest, &line))
			return ANSWER_PARTIAL;
		if (line.n > 0)
			return ANSWER_BROKEN;
	}
	return ANSWER_PARTIAL;
}

static enum answer_state read_body(
	struct arena *a, struct span rest, bool is_end, struct answer *ret)
{
	struct span value;
	size_t n;

	if (ret->status == 204 || ret->status == 304)
		return ANSWER_COMPLETE;
	if (answer_header(ret, "Transfer-Encoding", &value))
		return value.n == 7 && strncasecmp(value.at, "chunked", 7) == 0
			       ? read_chunks(a, rest, &ret->body)
			       : ANSWER_BROKEN;
	if (!answer_header(ret, "Content-Length", &value)) {
		ret->body = rest;
		return is_end ? ANSWER_COMPLETE : ANSWER_PARTIAL;
	}
	if (!read_number(value, 10, &n))
		return ANSWER_BROKEN;
	if (rest.n < n)
		return ANSWER_PARTIAL;
	ret->body = (struct span){ rest.at, n };
	return ANSWER_COMPLETE;
}

enum answer_state answer_read(
	struct arena *a, struct span received, bool is_end, struct answer *ret)
{
	struct span rest = received;
	enum answer_state state;

	do {
		*ret = (struct answer){ .body = { "", 0 } };
		state = read_head(&rest, ret);
	} while (state == ANSWER_COMPLETE && ret->status < 200);
	if (state == ANSWER_COMPLETE)
		state = read_body(a, rest, is_end, ret);
	return state == ANSWER_PARTIAL && is_end ? ANSWER_BROKEN : state;
}

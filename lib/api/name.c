#include "lib/api/name.h"

#include "lib/base/arena.h"
#include "lib/base/str.h"

enum {
	MAX_LABEL = 63,
	MAX_SUBDOMAIN = 253,
	MAX_PORT = 15,
	MAX_IMAGE = 512,
	MAX_TAG_PART = 100, /* of 128; the content hash follows */
};

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z');
}

/* Lower-case letters and digits with dashes between them. */
static bool is_label(const char *text, size_t n)
{
	if (n == 0 || text[0] == '-' || text[n - 1] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_lower(text[i]) && !is_digit(text[i]) && text[i] != '-')
			return false;
	return true;
}

bool name_is_label(const char *text)
{
	return text && strlen(text) <= MAX_LABEL && is_label(text, strlen(text));
}

bool name_is_service(const char *text)
{
	return name_is_label(text) && is_lower(text[0]);
}

/* Unlike DNS, Kubernetes does not bound the parts between dots. */
bool name_is_subdomain(const char *text)
{
	if (!text || strlen(text) > MAX_SUBDOMAIN)
		return false;
	for (;;) {
		size_t n = strcspn(text, ".");

		if (!is_label(text, n))
			return false;
		if (text[n] == '\0')
			return true;
		text += n + 1;
	}
}

bool name_is_port(const char *text)
{
	bool letter = false;

	if (!name_is_label(text) || strlen(text) > MAX_PORT || strstr(text, "--"))
		return false;
	for (; *text; text++)
		letter = letter || is_lower(*text);
	return letter;
}

bool name_is_annotation(const char *text)
{
	const char *slash = text ? strchr(text, '/') : NULL;
	const char *name = slash ? slash + 1 : text;
	size_t prefix = slash ? (size_t)(slash - text) : 0;
	size_t n = name ? strlen(name) : 0;

	if (n == 0 || n > MAX_LABEL || !is_alnum(name[0]) || !is_alnum(name[n - 1]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_alnum(name[i]) && !strchr("-_.", name[i]))
			return false;
	/* Of the prefix only the characters: Kubernetes is lenient with upper case here. */
	for (size_t i = 0; i < prefix; i++)
		if (!is_alnum(text[i]) && !strchr("-.", text[i]))
			return false;
	return !slash || (prefix > 0 && prefix <= MAX_SUBDOMAIN);
}

bool name_is_env(const char *text)
{
	if (str_empty(text) || is_digit(text[0]) || str_eq(text, ".") || str_starts(text, ".."))
		return false;
	for (; *text; text++)
		if (!is_alnum(*text) && !strchr("_-.", *text))
			return false;
	return true;
}

bool name_is_image(const char *text)
{
	if (str_empty(text) || strlen(text) > MAX_IMAGE || !is_alnum(text[0]))
		return false;
	for (; *text; text++)
		if (!is_alnum(*text) && !strchr("._-/:@", *text))
			return false;
	return true;
}

char *name_for_tag(struct arena *a, const char *text)
{
	struct str s;

	str_init(&s, a, MAX_TAG_PART + 1);
	for (; *text && s.len < MAX_TAG_PART; text++) {
		bool inner = *text == '.' || *text == '-';

		if (is_alnum(*text) || *text == '_' || (inner && s.len > 0))
			str_addc(&s, *text);
		else if (s.len > 0)
			str_addc(&s, '-');
	}
	if (s.len == 0)
		str_addc(&s, '0');
	return s.ptr;
}

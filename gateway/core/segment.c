#include "gateway/core/segment.h"

#include "lib/base/err.h"
#include "lib/base/str.h"

/* The text before the next parameter; *rest begins behind that parameter, or at is NULL when there
 * was none. */
static struct span text_before(struct span *rest)
{
	const char *open = rest->n > 0 ? memchr(rest->at, '{', rest->n) : NULL;
	struct span text = { rest->at, open ? (size_t)(open - rest->at) : rest->n };
	const char *close = open ? memchr(open, '}', rest->n - text.n) : NULL;
	size_t used = close ? (size_t)(close - rest->at) + 1 : rest->n;

	*rest = close ? (struct span){ close + 1, rest->n - used } : (struct span){ 0 };
	return text;
}

bool segment_has_parameter(struct span segment)
{
	return segment.n > 0 && memchr(segment.at, '{', segment.n);
}

bool segment_is_parameter(struct span segment)
{
	return segment.n > 2 && segment.at[0] == '{' &&
	       memchr(segment.at, '}', segment.n) == segment.at + segment.n - 1;
}

bool segment_parameters_ok(struct span segment, struct err *err)
{
	const char *open = NULL;
	const char *end = segment.at + segment.n;

	for (const char *p = segment.at; p < end; p++) {
		if (*p == '{' && open)
			return err_set(err, ERR_INVALID, "a \"{\" inside of a parameter");
		if (*p == '}' && !open)
			return err_set(err, ERR_INVALID, "a \"}\" without \"{\"");
		if (*p == '}' && p == open + 1)
			return err_set(err, ERR_INVALID, "a parameter without a name");
		if (*p == '}' && p + 1 < end && p[1] == '{')
			return err_set(err, ERR_INVALID,
				"two parameters side by side; put text between them");
		if (*p == '{')
			open = p;
		if (*p == '}')
			open = NULL;
	}
	return !open || err_set(err, ERR_INVALID, "a \"{\" without \"}\"");
}

static bool begins(struct span value, struct span text)
{
	return value.n >= text.n && (text.n == 0 || memcmp(value.at, text.at, text.n) == 0);
}

bool segment_matches(struct span segment, struct span value)
{
	struct span text = text_before(&segment);

	if (!begins(value, text))
		return false;
	value.at += text.n;
	value.n -= text.n;
	/* Taking the first place that fits leaves the most for what follows. */
	while (segment.at) {
		const char *found;

		if (value.n == 0)
			return false;
		value.at++; /* a parameter is one character at least */
		value.n--;
		text = text_before(&segment);
		if (!segment.at) /* the last text has to end the value */
			return value.n >= text.n &&
			       begins((struct span){ value.at + value.n - text.n, text.n }, text);
		found = memmem(value.at, value.n, text.at, text.n);
		if (!found)
			return false;
		value.n -= (size_t)(found - value.at) + text.n;
		value.at = found + text.n;
	}
	return value.n == 0;
}

static size_t own_text(struct span segment)
{
	size_t n = 0;

	while (segment.at)
		n += text_before(&segment).n;
	return n;
}

static int compare_text(struct span x, struct span y)
{
	size_t n = x.n < y.n ? x.n : y.n;
	int order = n > 0 ? memcmp(x.at, y.at, n) : 0;

	return order ? order : (x.n > y.n) - (x.n < y.n);
}

int segment_compare(struct span x, struct span y)
{
	size_t own_x = own_text(x);
	size_t own_y = own_text(y);

	if (own_x != own_y)
		return own_x > own_y ? -1 : 1;
	while (x.at && y.at) {
		int order = compare_text(text_before(&x), text_before(&y));

		if (order)
			return order;
	}
	return (x.at != NULL) - (y.at != NULL);
}

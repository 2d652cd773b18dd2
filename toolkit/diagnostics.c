#include <stdarg.h>

#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/yaml/yaml.h"
#include "toolkit/model.h"

static bool is_known(const struct toolkit_diagnostics *list, const char *document, const char *code,
	const char *path)
{
	vec_foreach (const struct toolkit_diagnostic *, d, &list->list)
		if (str_eq(d->code, code) && str_eq(d->path, path) && str_eq(d->document, document))
			return true;
	return false;
}

static void add(struct reader *r, enum toolkit_severity severity, const char *code, struct place p,
	const char *fmt, va_list ap) PRINTF_LIKE(5, 0);

static void add(struct reader *r, enum toolkit_severity severity, const char *code, struct place p,
	const char *fmt, va_list ap)
{
	struct toolkit_diagnostics *list = r->diagnostics;
	struct toolkit_diagnostic *d;
	char message[512];

	p = settled(r, p);
	if (is_known(list, r->document, code, p.path))
		return;
	*(severity == TOOLKIT_ERROR ? &list->errors : &list->warnings) += 1;
	if (list->list.n >= TOOLKIT_MAX_DIAGNOSTICS)
		return;
	(void)vsnprintf(message, sizeof(message), fmt, ap);
	d = arena_alloc(r->a, sizeof(*d));
	d->severity = severity;
	d->code = code;
	d->document = r->document;
	d->line = yaml_line(r->lines, p.at ? p.at : p.around);
	d->path = p.path;
	d->message = arena_dup(r->a, message);
	vec_add(r->a, &list->list, d);
}

bool refuse(struct reader *r, const char *code, struct place p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(r, TOOLKIT_ERROR, code, p, fmt, ap);
	va_end(ap);
	return false;
}

void warn(struct reader *r, const char *code, struct place p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(r, TOOLKIT_WARNING, code, p, fmt, ap);
	va_end(ap);
}

struct place settled(struct reader *r, struct place p)
{
	if (p.key)
		p.path = *p.path ? arena_printf(r->a, "%s.%s", p.path, p.key) : p.key;
	p.key = NULL;
	return p;
}

struct place inside(struct reader *r, struct place p, const char *key)
{
	return (struct place){
		.path = settled(r, p).path,
		.key = key,
		.at = json_get(p.at, key),
		.around = p.at ? p.at : p.around,
	};
}

struct place member(struct reader *r, struct place p, const struct json *v)
{
	return (struct place){ .path = settled(r, p).path, .key = json_key(v), .at = v };
}

struct place element(struct reader *r, struct place p, size_t i, const struct json *v)
{
	return (struct place){ .path = arena_printf(r->a, "%s[%zu]", settled(r, p).path, i),
		.at = v };
}

const char *text_of(struct reader *r, const struct json *v)
{
	return json_str(v) ? json_str(v) : yaml_written(r->lines, v);
}

char *toolkit_diagnostic_text(struct arena *a, const struct toolkit_diagnostic *d)
{
	struct str s;

	str_init(&s, a, (size_t)16 * 1024);
	if (*d->document)
		str_addf(&s, "%s:", d->document);
	if (d->line > 0)
		str_addf(&s, "%zu:", d->line);
	if (s.len > 0)
		str_addc(&s, ' ');
	if (d->severity == TOOLKIT_WARNING)
		str_add(&s, "warning: ");
	if (*d->path)
		str_addf(&s, "%s: ", d->path);
	str_add(&s, d->message);
	return s.ptr;
}

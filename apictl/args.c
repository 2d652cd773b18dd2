#include "apictl/args.h"

#include <errno.h>
#include <limits.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

enum flag_type {
	TEXT,
	LIST,
	NUMBER,
	YES
};

struct flag_row {
	const char *name;
	char letter; /* 0: none */
	enum flag_type type;
	unsigned int flag;
	size_t offset;
	const char *value; /* how --help calls the value */
	const char *help;
};

#define AT(field) offsetof(struct args, field)

static const struct flag_row rows[] = {
	{ "name", 'n', TEXT, FLAG_NAME, AT(name), "NAME", "name of the API" },
	{ "from-file", 'f', LIST, FLAG_FILE, AT(files), "FILE",
		"OpenAPI document, or project folder; give it again for more documents" },
	{ "replicas", 0, NUMBER, FLAG_REPLICAS, AT(replicas), "N", "gateway pods to start with" },
	{ "mode", 'm', TEXT, FLAG_MODE, AT(mode), "MODE", "see above" },
	{ "override", 0, YES, FLAG_OVERRIDE, AT(override), NULL,
		"replace what exists, and build even if the image exists" },
	{ "namespace", 0, TEXT, FLAG_NAMESPACE, AT(ns), "NAMESPACE",
		"default: that of the kubeconfig" },
	{ "all-namespaces", 'A', YES, FLAG_ALL_NAMESPACES, AT(all_namespaces), NULL,
		"all namespaces" },
	{ "kubeconfig", 0, TEXT, FLAG_EVERYWHERE, AT(kubeconfig), "FILE",
		"how to reach the cluster" },
	{ "context", 0, TEXT, FLAG_EVERYWHERE, AT(context), "NAME", "context of the kubeconfig" },
	{ "help", 'h', YES, FLAG_EVERYWHERE, AT(help), NULL, "this text" },
};

/* ---- one word at a time ---- */

struct words {
	struct arena *arena;
	int n;
	char **at;
	int next;
};

/* Length of an en dash or em dash (UTF-8) at the start of text, or 0. */
static size_t long_dash(const char *text)
{
	return str_starts(text, "\xe2\x80\x93") || str_starts(text, "\xe2\x80\x94") ? 3 : 0;
}

/* NULL at the end. `— from-file=x`, two words on a copied line, is one flag. */
static const char *next_word(struct words *w)
{
	const char *word;
	size_t dash;

	if (w->next >= w->n)
		return NULL;
	word = w->at[w->next++];
	dash = long_dash(word);
	if (!dash)
		return word;
	if (word[dash])
		return arena_printf(w->arena, "--%s", word + dash);
	return w->next < w->n ? arena_printf(w->arena, "--%s", w->at[w->next++]) : "--";
}

/* ---- flags ---- */

static const struct flag_row *row_by_name(const char *name, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strlen(rows[i].name) == n && !strncmp(rows[i].name, name, n))
			return &rows[i];
	return NULL;
}

static const struct flag_row *row_by_letter(char letter)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].letter == letter)
			return &rows[i];
	return NULL;
}

static bool parse_number(const char *flag, const char *text, int64_t *ret, struct err *err)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (end == text || *end || errno || n < 0 || n > INT_MAX)
		return err_set(err, ERR_INVALID, "%s: \"%s\" is not a number, expected 0 or more",
			flag, text);
	*ret = n;
	return true;
}

static bool parse_yes(const char *flag, const char *text, bool *ret, struct err *err)
{
	if (!text || str_eq(text, "true") || str_eq(text, "false")) {
		*ret = !text || str_eq(text, "true");
		return true;
	}
	return err_set(err, ERR_INVALID, "%s: expected true or false, not \"%s\"", flag, text);
}

/* value NULL: none was attached with `=`. */
static bool set_flag(struct words *w, const struct flag_row *row, const char *value,
	struct args *ret, struct err *err)
{
	char *field = (char *)ret + row->offset;
	const char *flag = arena_printf(w->arena, "--%s", row->name);

	if (row->type == YES)
		return parse_yes(flag, value, (bool *)(void *)field, err);
	if (!value)
		value = next_word(w);
	if (str_empty(value))
		return err_set(err, ERR_INVALID, "%s: expected a value, as in %s=%s", flag, flag,
			row->value);
	if (row->type == NUMBER)
		return parse_number(flag, value, (int64_t *)(void *)field, err);
	if (row->type == LIST)
		vec_add(w->arena, (struct vec *)(void *)field, arena_dup(w->arena, value));
	else
		*(const char **)(void *)field = value;
	return true;
}

static bool parse_flag(
	struct words *w, const char *word, unsigned int flags, struct args *ret, struct err *err)
{
	bool is_long = str_starts(word, "--");
	const char *equals = strchr(word, '=');
	const char *value = equals ? equals + 1 : NULL;
	size_t n = equals ? (size_t)(equals - word) : strlen(word);
	const struct flag_row *row = is_long  ? row_by_name(word + 2, n - 2)
				     : n == 2 ? row_by_letter(word[1])
					      : NULL;
	static const struct flag_row namespace_row = { "namespace", 'n', TEXT, FLAG_NAMESPACE,
		AT(ns), "NAMESPACE", NULL };

	/* A command that takes no name has -n for the namespace. */
	if (row && row->flag == FLAG_NAME && !is_long && !(flags & FLAG_NAME))
		row = &namespace_row;
	if (!row || !((flags | FLAG_EVERYWHERE) & row->flag))
		return err_set(err, ERR_INVALID, "unknown flag %.*s", (int)n, word);
	return set_flag(w, row, value, ret, err);
}

/* ---- the whole line ---- */

/* With a positional name, what came with -n is the namespace. */
static bool settle_name(unsigned int flags, struct args *ret, struct err *err)
{
	if (!ret->names.n || !(flags & FLAG_NAME))
		return true;
	if (ret->names.n > 1)
		return err_set(err, ERR_INVALID, "expected one name, not \"%s\" as well",
			(char *)ret->names.at[1]);
	if (ret->name && ret->ns)
		return err_set(err, ERR_INVALID, "the name is given twice: \"%s\" and \"%s\"",
			(char *)ret->names.at[0], ret->name);
	if (ret->name)
		ret->ns = ret->name;
	ret->name = ret->names.at[0];
	return true;
}

bool args_parse(struct arena *a, int argc, char **argv, unsigned int flags, struct args *ret,
	struct err *err)
{
	struct words w = { a, argc, argv, 0 };
	struct args args = { .replicas = -1 };
	bool only_names = false;
	const char *word;

	while ((word = next_word(&w)) != NULL) {
		if (!only_names && str_eq(word, "--"))
			only_names = true;
		else if (!only_names && word[0] == '-' && word[1]) {
			if (!parse_flag(&w, word, flags, &args, err))
				return false;
		} else
			vec_add(a, &args.names, arena_dup(a, word));
	}
	if (!settle_name(flags, &args, err))
		return false;
	*ret = args;
	return true;
}

static void print_row(const struct flag_row *row)
{
	char left[64];
	char letter[8] = "    ";

	if (row->letter)
		(void)snprintf(letter, sizeof(letter), "-%c, ", row->letter);
	(void)snprintf(left, sizeof(left), "%s--%s%s%s", letter, row->name, row->value ? "=" : "",
		row->value ? row->value : "");
	printf("  %-28s %s\n", left, row->help);
}

void args_print_help(unsigned int flags)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if ((flags | FLAG_EVERYWHERE) & rows[i].flag)
			print_row(&rows[i]);
}

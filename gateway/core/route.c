#include "gateway/core/route.h"

#include "gateway/core/segment.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"

/* A literal below a node. */
struct child {
	uint64_t key; /* of its segment */
	struct node *node;
};

struct node {
	struct span segment; /* literal that leads here */
	struct child
		*children; /* sorted by compare(): keys lie together, so a search reads one text */
	size_t n;
	size_t cap;
	struct node **partly; /* "{x}.json", sorted by segment_compare() */
	size_t n_partly;
	struct node *any; /* "{x}" */
	const void *here; /* what ends at this node: contract_path, or route_base of a base path */
	const struct contract_path *rest; /* "*" below this node */
};

struct route_base {
	const struct contract_api *api;
	struct node *paths;
};

struct route_table {
	struct node *bases;
};

/* ---- building ---- */

/* FNV-1a. Texts of one key are sorted like all others: whoever finds many slows nothing down. */
static uint64_t key_of(struct span segment)
{
	uint64_t key = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < segment.n; i++)
		key = (key ^ (unsigned char)segment.at[i]) * UINT64_C(0x100000001b3);
	return key;
}

static int compare(const struct child *x, uint64_t key, struct span segment)
{
	struct span text;

	if (x->key != key)
		return x->key < key ? -1 : 1;
	text = x->node->segment;
	if (text.n != segment.n)
		return text.n < segment.n ? -1 : 1;
	return memcmp(text.at, segment.at, text.n);
}

/* Index of the child with this segment, or where it belongs. */
static size_t position(const struct node *node, uint64_t key, struct span segment)
{
	size_t low = 0;
	size_t high = node->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (compare(&node->children[mid], key, segment) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct node *literal(const struct node *node, struct span segment)
{
	uint64_t key = node->n > 0 ? key_of(segment) : 0;
	size_t i = position(node, key, segment);

	return i < node->n && compare(&node->children[i], key, segment) == 0
		       ? node->children[i].node
		       : NULL;
}

static struct node *literal_made(struct arena *a, struct node *node, struct span segment)
{
	struct node *child = literal(node, segment);
	uint64_t key = key_of(segment);
	size_t i = position(node, key, segment);

	if (child)
		return child;
	if (node->n == node->cap) {
		size_t cap = node->cap ? 2 * node->cap : 4;
		struct child *grown = arena_alloc(a, cap * sizeof(struct child));

		if (node->n > 0)
			memcpy(grown, node->children, node->n * sizeof(struct child));
		node->children = grown;
		node->cap = cap;
	}
	child = arena_alloc(a, sizeof(*child));
	child->segment = segment;
	memmove(node->children + i + 1, node->children + i, (node->n - i) * sizeof(struct child));
	node->children[i] = (struct child){ key, child };
	node->n++;
	return child;
}

/* Templates with such segments are few: each growth is a new array. */
static struct node *partly_made(struct arena *a, struct node *node, struct span segment)
{
	struct node **grown;
	size_t i = 0;
	int order = 1;

	while (i < node->n_partly &&
		(order = segment_compare(node->partly[i]->segment, segment)) < 0)
		i++;
	if (i < node->n_partly && order == 0)
		return node->partly[i];
	grown = arena_alloc(a, (node->n_partly + 1) * sizeof(struct node *));
	for (size_t k = 0; k < node->n_partly; k++)
		grown[k + (k >= i)] = node->partly[k];
	grown[i] = arena_alloc(a, sizeof(struct node));
	grown[i]->segment = segment;
	node->partly = grown;
	node->n_partly++;
	return grown[i];
}

/* Cuts the first segment off a path that begins with "/". */
static struct span cut(struct span *path)
{
	const char *from = path->at + 1;
	const char *slash = memchr(from, '/', path->n - 1);
	struct span segment = { from, slash ? (size_t)(slash - from) : path->n - 1 };

	path->at += segment.n + 1;
	path->n -= segment.n + 1;
	return segment;
}

static void add_path(struct arena *a, struct node *node, const struct contract_path *p)
{
	struct span left = { p->template, strlen(p->template) };

	if (left.n == 1)
		left.n = 0; /* "/": the root of the document */
	while (left.n > 0) {
		struct span segment = cut(&left);

		if (segment.n == 1 && segment.at[0] == '*') {
			node->rest = p;
			return;
		}
		if (segment_is_parameter(segment)) {
			if (!node->any)
				node->any = arena_alloc(a, sizeof(*node->any));
			node = node->any;
		} else if (segment_has_parameter(segment)) {
			node = partly_made(a, node, segment);
		} else {
			node = literal_made(a, node, segment);
		}
	}
	node->here = p;
}

struct route_table *route_table_new(struct arena *a, const struct contract *c)
{
	struct route_table *table = arena_alloc(a, sizeof(*table));

	table->bases = arena_alloc(a, sizeof(*table->bases));
	for (size_t i = 0; i < c->n_apis; i++) {
		const struct contract_api *api = &c->apis[i];
		struct span left = { api->base_path, strlen(api->base_path) };
		struct route_base *base = arena_alloc(a, sizeof(*base));
		struct node *node = table->bases;

		while (left.n > 0)
			node = literal_made(a, node, cut(&left));
		base->api = api;
		base->paths = arena_alloc(a, sizeof(*base->paths));
		for (size_t k = 0; k < api->n_paths; k++)
			add_path(a, base->paths, &api->paths[k]);
		node->here = base;
	}
	return table;
}

/* ---- reading a target ---- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* What one character of a path may not be, decoded or not. */
static const char *refused(unsigned char c, bool encoded)
{
	if (c < 0x20 || c == 0x7f || (c == ' ' && !encoded))
		return "control character in the path";
	if (c == '\\')
		return "backslash in the path";
	if (c == ';')
		return "path parameter";
	if (c == '#' && !encoded)
		return "fragment in the path";
	return c == '/' && encoded ? "encoded slash in the path" : NULL;
}

static const char *decode(struct arena *a, struct span sent, struct span *ret)
{
	char *out = arena_alloc(a, sent.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < sent.n; i++) {
		unsigned char c = (unsigned char)sent.at[i];
		bool encoded = c == '%';
		const char *why;

		if (encoded) {
			int high = i + 2 < sent.n ? hex_digit(sent.at[i + 1]) : -1;
			int low = i + 2 < sent.n ? hex_digit(sent.at[i + 2]) : -1;

			if (high < 0 || low < 0)
				return "broken percent sequence";
			c = (unsigned char)(high << 4 | low);
			i += 2;
		}
		why = refused(c, encoded);
		if (why)
			return why;
		out[n++] = (char)c;
	}
	*ret = (struct span){ out, n };
	return NULL;
}

static bool has_dot_segment(struct span path)
{
	while (path.n > 0) {
		struct span s = cut(&path);

		if (s.n > 0 && s.at[0] == '.' && (s.n == 1 || (s.n == 2 && s.at[1] == '.')))
			return true;
	}
	return false;
}

bool target_read(struct arena *a, struct span raw, struct target *ret, const char **ret_why)
{
	const char *mark = raw.n > 0 ? memchr(raw.at, '?', raw.n) : NULL;
	size_t n = mark ? (size_t)(mark - raw.at) : raw.n;
	struct target t = { .sent = { raw.at, n }, .query = { raw.at + n, raw.n - n } };

	*ret_why = NULL;
	if (n == 0 || raw.at[0] != '/')
		*ret_why = "no path";
	else
		*ret_why = decode(a, t.sent, &t.path);
	for (size_t i = 0; !*ret_why && i < t.query.n; i++)
		if ((unsigned char)t.query.at[i] <= ' ' || strchr("#\x7f", t.query.at[i]))
			*ret_why = "fragment or control character in the query";
	if (!*ret_why && has_dot_segment(t.path))
		*ret_why = "dot segment in the path";
	if (*ret_why)
		return false;
	*ret = t;
	return true;
}

bool target_is_health(const struct target *t)
{
	static const char health[] = "/health";
	const size_t n = sizeof(health) - 1;

	return t->path.n >= n && memcmp(t->path.at, health, n) == 0 &&
	       (t->path.n == n || t->path.at[n] == '/');
}

/* ---- finding ---- */

/* Each node of the trie is visited at most once, since only one path leads to it. */
static const struct contract_path *match(const struct node *node, struct span left)
{
	const struct contract_path *found = NULL;
	struct span below = left;
	struct span segment;

	if (left.n == 0)
		return node->here ? node->here : node->rest;
	segment = cut(&below);
	if (segment.n > 0) {
		const struct node *child = literal(node, segment);

		found = child ? match(child, below) : NULL;
		for (size_t i = 0; !found && i < node->n_partly; i++)
			if (segment_matches(node->partly[i]->segment, segment))
				found = match(node->partly[i], below);
		if (!found && node->any)
			found = match(node->any, below);
	}
	return found ? found : node->rest;
}

static bool has_empty_segment(struct span path)
{
	while (path.n > 0)
		if (cut(&path).n == 0)
			return true;
	return false;
}

void route_find(const struct route_table *table, const struct target *t, struct route *ret)
{
	const struct node *node = table->bases;
	const struct route_base *base = node->here;
	struct span left = t->path;
	struct span rest = left;

	*ret = (struct route){ 0 };
	while (left.n > 0 && (node = literal(node, cut(&left)))) {
		if (node->here) {
			base = node->here;
			rest = left;
		}
	}
	if (!base)
		return;
	ret->api = base->api;
	ret->rest = rest.n > 0 ? rest : (struct span){ "/", 1 };
	if (rest.n > 0 && rest.at[rest.n - 1] == '/')
		rest.n--;
	if (!has_empty_segment(rest))
		ret->path = match(base->paths, rest);
}

/* Characters that stand for themselves in a path: RFC 3986, pchar and "/", without ";". */
static bool stands_for_itself(unsigned char c)
{
	/* One bit for each of 0x20 to 0x3f, 0x40 to 0x5f, 0x60 to 0x7f. */
	static const uint32_t bits[] = { 0x27ffffd2, 0x87ffffff, 0x47fffffe };

	return c >= 0x20 && c < 0x80 && (bits[c / 32 - 1] >> c % 32 & 1);
}

struct span route_forward(struct arena *a, struct span rest, struct span query)
{
	static const char digits[] = "0123456789ABCDEF";
	char *out = arena_alloc(a, 3 * rest.n + query.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < rest.n; i++) {
		unsigned char c = (unsigned char)rest.at[i];

		if (stands_for_itself(c)) {
			out[n++] = (char)c;
		} else {
			out[n++] = '%';
			out[n++] = digits[c >> 4];
			out[n++] = digits[c & 15];
		}
	}
	if (query.n > 0)
		memcpy(out + n, query.at, query.n);
	return (struct span){ out, n + query.n };
}

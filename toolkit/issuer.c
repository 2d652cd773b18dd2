#include "toolkit/issuer.h"

#include <ctype.h>

#include "gateway/core/jwks.h"
#include "gateway/core/signature.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/x509/cert.h"
#include "toolkit/keymanager.h"

/* A set of Securities: sorted by name, each once. */
struct accepted {
	const struct toolkit_security **securities;
	size_t n_securities;
	size_t *numbers; /* of their issuers */
	size_t n;
	size_t *schemes; /* numbers of those that are schemes */
	size_t n_schemes;
	bool key_too; /* each entry of `security` asks for an API key and something else */
};

struct issuers {
	struct arena *a;
	const struct toolkit_inputs *in;
	struct reader *whole;
	struct accepted used;	    /* by any operation */
	struct accepted by_default; /* the default Security; empty until needed */
	struct vec sets;	    /* struct accepted *: those that get numbers */
	struct contract_issuer *list;
	size_t n;
	struct contract_scheme *schemes;
	size_t n_schemes;
	const char *tokens_url; /* the key manager's, for /token below it; or NULL */
	const struct contract_scheme *tokens_of;
	struct vec keys; /* struct model_name *: names of API keys, as documents declare them */
};

/* ---- names ---- */

bool scheme_means_default(const char *scheme)
{
	return str_eq(scheme, "oauth2") || str_eq(scheme, "jwt") || str_eq(scheme, "JWT") ||
	       str_eq(scheme, "bearer") || str_eq(scheme, "Bearer") ||
	       str_eq(scheme, "openIdConnect");
}

static const struct toolkit_security *find(const struct issuers *s, const char *name)
{
	for (size_t i = 0; i < s->in->n_securities; i++)
		if (str_eq(s->in->securities[i].name, name))
			return &s->in->securities[i];
	return NULL;
}

static void insert(struct arena *a, struct accepted *set, const struct toolkit_security *security)
{
	const struct toolkit_security **grown;
	size_t i = 0;

	while (i < set->n_securities && strcmp(set->securities[i]->name, security->name) < 0)
		i++;
	if (i < set->n_securities && str_eq(set->securities[i]->name, security->name))
		return;
	/* Sets are small and made once per `security` list: each growth is a new array. */
	grown = arena_alloc(a, (set->n_securities + 1) * sizeof(const struct toolkit_security *));
	for (size_t k = 0; k < set->n_securities; k++)
		grown[k + (k >= i)] = set->securities[k];
	grown[i] = security;
	set->securities = grown;
	set->n_securities++;
}

static bool is_scheme(const struct toolkit_security *s, enum scheme_type *ret)
{
	static const enum scheme_type types[] = { SCHEME_BASIC, SCHEME_OAUTH, SCHEME_API_KEY };

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_eq_nocase(s->type, scheme_type_name(types[i]))) {
			*ret = types[i];
			return true;
		}
	return false;
}

static void accept(
	struct issuers *s, struct reader *r, struct place p, struct accepted *set, const char *name)
{
	const struct toolkit_security *security = find(s, name);
	enum scheme_type type;

	if (!security)
		refuse(r, "SecurityNotFound", p,
			"there is no Security \"%.100s\"; create it or correct the name", name);
	else if (is_scheme(security, &type))
		insert(s->a, set, security);
	else if (!str_eq_nocase(security->type, "jwt"))
		refuse(r, "SecurityNotSupported", p,
			"Security \"%.100s\" is of type %.40s, which is not supported, expected JWT, Oauth, basic or apiKey",
			name, security->type);
	else if (security->n_issuers == 0)
		refuse(r, "SecurityNotUsable", p, "Security \"%.100s\" has no issuer", name);
	else
		insert(s->a, set, security);
}

static void accept_default(
	struct issuers *s, struct reader *r, struct place p, struct accepted *set)
{
	const char *name = s->in->settings.default_security;

	if (find(s, name))
		accept(s, r, p, set, name);
	else
		refuse(r, "SecurityNotFound", p,
			"needs the default Security \"%.100s\", which does not exist", name);
}

static bool is_key(const struct toolkit_security *s)
{
	enum scheme_type type;

	return s && is_scheme(s, &type) && type == SCHEME_API_KEY;
}

/* A key stands at one place for all documents: where one of them says, else in header api_key. */
static void note_key(struct issuers *s, struct reader *r, const struct model_name *n)
{
	vec_foreach (const struct model_name *, have, &s->keys) {
		if (!str_eq(have->name, n->name))
			continue;
		if (have->in_query != n->in_query || !str_eq(have->place_name, n->place_name))
			refuse(r, "SecurityNotSupported", n->place,
				"another document declares \"%.100s\" at another place", n->name);
		return;
	}
	vec_add(s->a, &s->keys, (void *)(uintptr_t)n);
}

static void accept_name(
	struct issuers *s, struct reader *r, const struct model_name *n, struct accepted *set)
{
	if (is_key(find(s, n->name)))
		note_key(s, r, n);
	if (find(s, n->name) || !n->scheme)
		accept(s, r, n->place, set, n->name);
	else if (scheme_means_default(n->scheme))
		accept_default(s, r, n->place, set);
	else
		refuse(r, "SecurityNotFound", n->place,
			"\"%.100s\" is of type %.40s; create a Security \"%.100s\" of that type",
			n->name, n->scheme, n->name);
}

/* ---- x-wso2-application-security ---- */

static bool is_of_listed_type(const struct toolkit_security *s, const char *listed)
{
	enum scheme_type type;

	if (!is_scheme(s, &type))
		return str_eq(listed, "oauth2") || str_eq(listed, "jwt");
	return str_eq(listed, type == SCHEME_BASIC     ? "basic_auth"
			      : type == SCHEME_API_KEY ? "api_key"
						       : "oauth2");
}

static bool lists(const struct json *types, const struct toolkit_security *security)
{
	json_foreach (v, types)
		if (is_of_listed_type(security, json_str(v)))
			return true;
	return false;
}

static bool has_listed_type(const struct accepted *set, const char *listed)
{
	for (size_t i = 0; i < set->n_securities; i++)
		if (is_of_listed_type(set->securities[i], listed))
			return true;
	return false;
}

/* The extension says types, `security` says whom: they have to mean the same. */
static void check_types(struct reader *r, struct place p, const struct accepted *set)
{
	struct place ext = inside(r, p, "x-wso2-application-security");
	struct place types = inside(r, ext, "security-types");

	if (json_len(types.at) == 0)
		return;
	json_foreach (v, types.at)
		if (!has_listed_type(set, json_str(v)))
			refuse(r, "SecurityNotUsable", types,
				"lists \"%.40s\", but `security` names no Security of that type",
				json_str(v) ? json_str(v) : json_type_name(v));
	for (size_t i = 0; i < set->n_securities; i++)
		if (!lists(types.at, set->securities[i]))
			refuse(r, "SecurityNotUsable", types,
				"does not list the type of Security \"%.100s\", which `security` names",
				set->securities[i]->name);
}

/* The operation's extension, or, for an operation without `security` of its own, the root's. */
static void check_operation_types(
	struct issuers *s, struct reader *r, const struct model_operation *op)
{
	const struct accepted *set =
		op->security && op->security->accepted ? op->security->accepted : &s->by_default;

	if (json_get(op->place.at, "x-wso2-application-security"))
		check_types(r, op->place, set);
	else if (!json_get(op->place.at, "security"))
		check_types(r, (struct place){ .path = "", .at = r->root, .around = r->root }, set);
}

static void check_all_types(struct issuers *s, const struct vec *models)
{
	vec_foreach (struct model *, m, models)
		vec_foreach (const struct model_path *, p, &m->paths)
			vec_foreach (const struct model_operation *, op, &p->operations)
				if (op->secured)
					check_operation_types(s, &m->reader, op);
}

/* Names of one entry are all needed. Those that are carried in one header cannot be, so they are
 * alternatives as they were with the original; an API key beside them is not. */
static bool asks_for_both(
	struct issuers *s, struct reader *r, const struct model_security *security)
{
	const struct model_name *last = security->names.at[security->names.n - 1];
	size_t n_both = 0;
	size_t n = 0;

	for (size_t entry = 0; entry <= last->entry; entry++) {
		bool key = false;
		bool other = false;

		vec_foreach (const struct model_name *, name, &security->names) {
			key = key || (name->entry == entry && is_key(find(s, name->name)));
			other = other || (name->entry == entry && !is_key(find(s, name->name)));
		}
		n += key || other;
		n_both += key && other;
	}
	if (n_both > 0 && n_both < n)
		refuse(r, "SecurityNotSupported", last->place,
			"an API key is asked for besides another Security in one entry of the list and not in "
			"another; expected all or none");
	return n_both > 0;
}

static void use(struct issuers *s, struct reader *r, const struct model_operation *op)
{
	struct model_security *security = op->security;
	struct accepted *set;

	if (!op->secured || (security && security->accepted))
		return;
	if (!security || security->names.n == 0) {
		accept_default(s, r, (struct place){ .path = "security", .around = r->root },
			&s->by_default);
		return;
	}
	set = arena_alloc(s->a, sizeof(*set));
	vec_foreach (const struct model_name *, n, &security->names)
		accept_name(s, r, n, set);
	set->key_too = asks_for_both(s, r, security);
	security->accepted = set;
	vec_add(s->a, &s->sets, set);
}

/* ---- keys ---- */

static bool bad_key(struct issuers *s, const char *security, size_t issuer, const char *why)
{
	struct place p = { .path = arena_printf(s->a, "%s.issuers[%zu].keys", security, issuer) };

	return refuse(s->whole, "InvalidKey", p, "%s", why);
}

static bool read_key(struct issuers *s, const char *security, size_t issuer,
	const struct toolkit_key *from, struct contract_key *to)
{
	struct cert cert;
	struct err err;

	if (!cert_read(s->a, from->bytes, from->n, &cert, &err))
		return bad_key(s, security, issuer, err.msg);
	if (!signature_key_pem(s->a, cert.public_key_pem, &err))
		return bad_key(s, security, issuer, err.msg);
	*to = (struct contract_key){ .id = cert.key_id, .pem = cert.public_key_pem };
	to->not_before = cert.not_after ? cert.not_before : from->not_before;
	to->not_after = cert.not_after ? cert.not_after : from->not_after;
	return true;
}

static int by_key(const void *x, const void *y)
{
	const struct contract_key *a = x;
	const struct contract_key *b = y;
	int order = strcmp(a->id, b->id);

	if (order)
		return order;
	order = (a->not_before > b->not_before) - (a->not_before < b->not_before);
	return order ? order : (a->not_after > b->not_after) - (a->not_after < b->not_after);
}

static void put_jwks(struct issuers *s, const struct toolkit_security *security, size_t number,
	struct contract_issuer *to)
{
	const char *url = security->issuers[number].jwks_url;
	struct contract_target ignored;
	const char *path;
	struct err err;

	if (str_empty(url))
		return;
	if (jwks_url_parse(s->a, url, &ignored, &path, &err))
		to->jwks_url = url;
	else
		bad_key(s, security->name, number,
			arena_printf(s->a, "jwksURL \"%.200s\": %s", url, err.msg));
}

static void put_issuer(struct issuers *s, const struct toolkit_security *security, size_t number,
	struct contract_issuer *to)
{
	const struct toolkit_issuer *from = &security->issuers[number];
	size_t n = 0;

	to->security = security->name;
	to->issuer = from->issuer;
	to->audience = str_empty(from->audience) ? NULL : from->audience;
	to->validate_subscription = from->validate_subscription;
	to->keys = arena_alloc(s->a, (from->n_keys + 1) * sizeof(*to->keys));
	if (str_empty(from->issuer))
		bad_key(s, security->name, number, "the issuer's name is missing");
	put_jwks(s, security, number, to);
	if (from->n_keys == 0 ? !from->jwks_url : from->n_keys > CONTRACT_MAX_KEYS)
		bad_key(s, security->name, number,
			from->n_keys ? "too many keys, the limit is 20"
				     : "no key to verify tokens with");
	else
		for (size_t i = 0; i < from->n_keys; i++)
			to->n_keys += read_key(
				s, security->name, number, &from->keys[i], &to->keys[to->n_keys]);
	if (to->n_keys > 1)
		qsort(to->keys, to->n_keys, sizeof(*to->keys), by_key);
	for (size_t i = 0; i < to->n_keys; i++)
		if (n == 0 || by_key(&to->keys[n - 1], &to->keys[i]) != 0)
			to->keys[n++] = to->keys[i];
	to->n_keys = n;
}

/* ---- numbers ---- */

static void put_issuers(struct issuers *s)
{
	size_t n = 0;

	vec_foreach (const struct accepted *, set, &s->sets)
		for (size_t i = 0; i < set->n_securities; i++)
			insert(s->a, &s->used, set->securities[i]);
	for (size_t i = 0; i < s->used.n_securities; i++)
		n += s->used.securities[i]->n_issuers;
	if (n > CONTRACT_MAX_ISSUERS)
		refuse(s->whole, "LimitExceeded", (struct place){ .path = "securities" },
			"%zu issuers, the limit is %d", n, CONTRACT_MAX_ISSUERS);
	s->list = arena_alloc(s->a, (n + 1) * sizeof(*s->list));
	for (size_t i = 0; i < s->used.n_securities; i++)
		for (size_t k = 0; k < s->used.securities[i]->n_issuers; k++)
			put_issuer(s, s->used.securities[i], k, &s->list[s->n++]);
}

static bool bad_scheme(struct issuers *s, const char *security, const char *code, const char *why)
{
	return refuse(s->whole, code, (struct place){ .path = security }, "%s", why);
}

static bool put_key_manager(
	struct issuers *s, const struct toolkit_security *from, struct contract_scheme *to)
{
	struct key_manager m;
	struct err err;

	if (str_empty(from->endpoint))
		return bad_scheme(s, from->name, "SecurityNotUsable",
			"has no endpoint, expected the URL of the key manager");
	if (!key_manager_of(s->a, from->endpoint, &m, &err))
		return bad_scheme(s, from->name, "InvalidEndpoint", err.msg);
	to->key_manager = m.asked;
	to->is_soap = m.is_soap;
	s->tokens_url = m.tokens_url;
	s->tokens_of = to;
	return true;
}

/* An opaque token does not say whom to ask about it. */
static void check_one_key_manager(struct issuers *s)
{
	const struct contract_scheme *first = NULL;

	for (size_t i = 0; i < s->n_schemes; i++) {
		const struct contract_scheme *to = &s->schemes[i];

		if (to->type != SCHEME_OAUTH || !to->key_manager.url)
			continue;
		if (first)
			bad_scheme(s, to->security, "SecurityNotSupported",
				arena_printf(s->a,
					"is of type Oauth like %.100s; a gateway has one key manager, name one of the two",
					first->security));
		first = to;
	}
}

static void put_key_place(struct issuers *s, struct contract_scheme *to)
{
	to->name = "api_key";
	vec_foreach (const struct model_name *, n, &s->keys) {
		if (!str_eq(n->name, to->security) || str_empty(n->place_name))
			continue;
		to->in_query = n->in_query;
		to->name = arena_dup(s->a, n->place_name);
		for (char *c = (char *)(uintptr_t)to->name; !to->in_query && *c; c++)
			*c = (char)tolower((unsigned char)*c);
	}
}

static void put_schemes(struct issuers *s)
{
	s->schemes = arena_alloc(s->a, (s->used.n_securities + 1) * sizeof(*s->schemes));
	for (size_t i = 0; i < s->used.n_securities; i++) {
		struct contract_scheme *to = &s->schemes[s->n_schemes];

		if (!is_scheme(s->used.securities[i], &to->type))
			continue;
		to->security = s->used.securities[i]->name;
		if (to->type == SCHEME_OAUTH)
			(void)put_key_manager(s, s->used.securities[i], to);
		if (to->type == SCHEME_API_KEY)
			put_key_place(s, to);
		s->n_schemes++;
	}
	check_one_key_manager(s);
	if (s->n_schemes > CONTRACT_MAX_SCHEMES)
		refuse(s->whole, "LimitExceeded", (struct place){ .path = "securities" },
			"%zu Securities of other types than JWT, the limit is %d", s->n_schemes,
			CONTRACT_MAX_SCHEMES);
}

static bool has_security(const struct accepted *set, const char *name)
{
	for (size_t i = 0; i < set->n_securities; i++)
		if (str_eq(set->securities[i]->name, name))
			return true;
	return false;
}

static void put_numbers(struct issuers *s, struct accepted *set)
{
	set->schemes = arena_alloc(s->a, (s->n_schemes + 1) * sizeof(*set->schemes));
	for (size_t i = 0; i < s->n_schemes; i++)
		if (has_security(set, s->schemes[i].security))
			set->schemes[set->n_schemes++] = i;
	set->numbers = arena_alloc(s->a, (s->n + 1) * sizeof(*set->numbers));
	for (size_t i = 0; i < s->n; i++)
		if (has_security(set, s->list[i].security))
			set->numbers[set->n++] = i;
}

struct issuers *issuers_new(struct arena *a, const struct toolkit_inputs *in, struct reader *whole,
	const struct vec *models)
{
	struct issuers *s = arena_alloc(a, sizeof(*s));

	*s = (struct issuers){ .a = a, .in = in, .whole = whole };
	vec_add(a, &s->sets, &s->by_default);
	vec_foreach (struct model *, m, models)
		vec_foreach (const struct model_path *, p, &m->paths)
			vec_foreach (const struct model_operation *, op, &p->operations)
				use(s, &m->reader, op);
	if (whole->diagnostics->errors == 0) /* else sets may lack what could not be found */
		check_all_types(s, models);
	put_issuers(s);
	put_schemes(s);
	vec_foreach (struct accepted *, set, &s->sets)
		put_numbers(s, set);
	return s;
}

struct contract_issuer *issuers_list(const struct issuers *s, size_t *ret_n)
{
	*ret_n = s->n;
	return s->list;
}

struct contract_scheme *issuers_schemes(const struct issuers *s, size_t *ret_n)
{
	*ret_n = s->n_schemes;
	return s->schemes;
}

bool issuers_key_manager(const struct issuers *s, struct contract_endpoint *ret)
{
	if (!s->tokens_url)
		return false;
	*ret = (struct contract_endpoint){ .name = "", .n_urls = 1, .key_manager = s->tokens_of };
	ret->urls = arena_alloc(s->a, sizeof(*ret->urls));
	ret->urls[0] = s->tokens_url;
	return true;
}

bool issuers_name_tiers(const struct issuers *s)
{
	for (size_t i = 0; i < s->n_schemes; i++)
		if (s->schemes[i].is_soap)
			return true;
	return false;
}

void issuers_accepted(const struct issuers *s, const struct model_security *security,
	struct contract_operation *ret)
{
	const struct accepted *set =
		security && security->accepted ? security->accepted : &s->by_default;

	ret->issuers = set->numbers;
	ret->n_issuers = set->n;
	ret->schemes = set->schemes;
	ret->n_schemes = set->n_schemes;
	ret->key_too = set->key_too;
}

#include "lib/api/targetendpoint.h"

#include "lib/api/field.h"
#include "lib/api/finding.h"
#include "lib/api/name.h"
#include "lib/api/object.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

enum {
	MAX_PORT = 65535,
	MAX_PORTS = 100,
	HTTP_PORT = 80,
	HTTPS_PORT = 443,
	PROBE_PERIOD_S = 2,
	PROBE_FAILURES = 3,
};

/* Fields as the schemas have them, before they are made one model. */
struct written {
	const char *application_protocol;
	const char *protocol;
	const char *mode;
	int64_t port;
	int64_t target_port;
	int64_t count;
	int64_t min_replicas;
};

static const struct field spec_fields[] = {
	{ "applicationProtocol", offsetof(struct written, application_protocol), FIELD_STRING, 0, 0,
		0 },
	{ "protocol", offsetof(struct written, protocol), FIELD_STRING, 0, 0, 0 },
	{ "mode", offsetof(struct written, mode), FIELD_STRING, 0, 0, 0 },
	{ "port", offsetof(struct written, port), FIELD_INT, 0, 0, MAX_PORT },
	{ "targetPort", offsetof(struct written, target_port), FIELD_INT, 0, 0, MAX_PORT },
};

static const struct field port_fields[] = {
	{ "name", offsetof(struct target_port, name), FIELD_STRING, 0, 0, 0 },
	{ "port", offsetof(struct target_port, port), FIELD_INT, 0, 0, MAX_PORT },
	{ "targetPort", offsetof(struct target_port, target_port), FIELD_INT, 0, 0, MAX_PORT },
};

static const struct field count_fields[] = {
	{ "count", offsetof(struct written, count), FIELD_INT, 0, INT32_MIN, INT32_MAX },
	{ "minReplicas", offsetof(struct written, min_replicas), FIELD_INT, 0, INT32_MIN,
		INT32_MAX },
};

static const struct field deploy_fields[] = {
	{ "name", offsetof(struct target_endpoint, container_name), FIELD_STRING, 0, 0, 0 },
	{ "dockerImage", offsetof(struct target_endpoint, image), FIELD_STRING, 0, 0, 0 },
	{ "maxReplicas", offsetof(struct target_endpoint, max_replicas), FIELD_INT, 0, INT32_MIN,
		INT32_MAX },
};

static const struct field resource_fields[] = {
	{ "requestCPU", offsetof(struct resources, request_cpu), FIELD_STRING, 0, 0, 0 },
	{ "reqMemory", offsetof(struct resources, request_memory), FIELD_STRING, 0, 0, 0 },
	{ "cpuLimit", offsetof(struct resources, limit_cpu), FIELD_STRING, 0, 0, 0 },
	{ "memoryLimit", offsetof(struct resources, limit_memory), FIELD_STRING, 0, 0, 0 },
};

static const struct resources resource_paths = {
	.request_cpu = "spec.deploy.requestCPU",
	.request_memory = "spec.deploy.reqMemory",
	.limit_cpu = "spec.deploy.cpuLimit",
	.limit_memory = "spec.deploy.memoryLimit",
};

/* ---- protocol and ports ---- */

static void decode_protocol(
	const struct written *w, struct target_endpoint *ret, struct findings *f)
{
	const char *text = w->application_protocol ? w->application_protocol : w->protocol;

	ret->protocol = str_eq_nocase(text, "https") ? "https" : "http";
	if (text && !str_eq_nocase(text, ret->protocol))
		finding_add(f, FINDING_INVALID_FIELD,
			w->application_protocol ? "spec.applicationProtocol" : "spec.protocol",
			"is \"%.32s\", expected http or https", text);
	if (w->application_protocol && w->protocol)
		finding_add(f, FINDING_UNUSED, "spec.protocol", "applicationProtocol is used");
}

static void port_defaults(const struct target_endpoint *te, struct target_port *p)
{
	if (p->port == 0)
		p->port = str_eq(te->protocol, "https") ? HTTPS_PORT : HTTP_PORT;
	if (p->target_port == 0)
		p->target_port = p->port;
}

static bool port_clashes(const struct target_endpoint *te, const struct target_port *p)
{
	vec_foreach (const struct target_port *, other, &te->ports)
		if (str_eq(other->name, p->name) || other->port == p->port)
			return true;
	return false;
}

static void add_port(struct arena *a, const struct json *item, const char *path,
	struct target_endpoint *ret, struct findings *f)
{
	struct target_port *p = arena_alloc(a, sizeof(*p));

	fields_read(f, path, item, port_fields, ARRAY_LEN(port_fields), p);
	if (!p->name)
		p->name = ret->ports.n == 0 ? arena_printf(a, "%s-port", ret->protocol)
					    : arena_printf(a, "port-%zu", ret->ports.n + 1);
	port_defaults(ret, p);
	if (!name_is_port(p->name))
		finding_add(f, FINDING_INVALID_FIELD, field_path(f, path, "name"),
			"\"%.32s\" is not the name of a port, expected at most 15 lower-case letters, digits and \"-\"",
			p->name);
	else if (port_clashes(ret, p))
		finding_add(f, FINDING_INVALID_FIELD, path,
			"has the name or port of an earlier entry, expected both to be different");
	else
		vec_add(a, &ret->ports, p);
}

static void decode_ports(struct arena *a, const struct json *spec, const struct written *w,
	struct target_endpoint *ret, struct findings *f)
{
	const struct json *ports = json_get(spec, "ports");
	struct target_port *p = arena_alloc(a, sizeof(*p));
	size_t i = 0;

	if (field_given(spec, "ports") && !json_is_array(ports))
		finding_add(f, FINDING_INVALID_FIELD, "spec.ports", "is a %s, expected a list",
			json_type_name(ports));
	if (json_is_array(ports) && json_len(ports) > 0) {
		json_foreach (item, ports)
			if (i++ < MAX_PORTS)
				add_port(
					a, item, arena_printf(a, "spec.ports[%zu]", i - 1), ret, f);
		if (w->port != 0)
			finding_add(f, FINDING_UNUSED, "spec.port", "ports is used");
		if (w->target_port != 0)
			finding_add(f, FINDING_UNUSED, "spec.targetPort", "ports is used");
	}
	if (ret->ports.n > 0)
		return;
	*p = (struct target_port){ arena_printf(a, "%s-port", ret->protocol), w->port,
		w->target_port };
	port_defaults(ret, p);
	vec_add(a, &ret->ports, p);
}

/* ---- workload ---- */

static void decode_mode(const struct written *w, struct target_endpoint *ret, struct findings *f)
{
	ret->mode = mode_parse(w->mode);
	if (ret->mode == MODE_UNSET)
		ret->mode = MODE_PRIVATE_JET;
	if (ret->mode == MODE_SHARED)
		ret->mode = MODE_UNKNOWN; /* a word for APIs only */
	if (ret->mode == MODE_UNKNOWN)
		finding_add(f, FINDING_UNKNOWN_MODE, "spec.mode",
			"\"%.32s\" is not a mode, expected privateJet, sidecar or serverless",
			w->mode);
}

static void decode_replicas(const struct written *w, struct target_endpoint *ret,
	const struct json *deploy, struct findings *f)
{
	bool both = field_given(deploy, "count") && field_given(deploy, "minReplicas") &&
		    ret->mode != MODE_SIDECAR;

	ret->min_replicas = field_given(deploy, "minReplicas") ? w->min_replicas : w->count;
	if (both)
		finding_add(f, FINDING_UNUSED, "spec.deploy.count", "minReplicas is used");
	if (ret->min_replicas < 1)
		ret->min_replicas = ret->mode == MODE_SERVERLESS ? 0 : 1;
	if (ret->max_replicas < 0)
		ret->max_replicas = 0;
}

/* Service and container get names from here that the API server would refuse later. */
static void check_names(struct arena *a, struct target_endpoint *ret, struct findings *f)
{
	char *from_name;

	if (target_endpoint_has_workload(ret) && !name_is_service(ret->name))
		finding_add(f, FINDING_INVALID_FIELD, "metadata.name",
			"cannot be the name of a Service, expected at most 63 lower-case letters, digits and \"-\", a letter first");
	if (ret->container_name && !name_is_label(ret->container_name))
		finding_add(f, FINDING_INVALID_FIELD, "spec.deploy.name",
			"\"%.64s\" cannot be the name of a container, expected at most 63 lower-case letters, digits and \"-\"",
			ret->container_name);
	if (ret->image && !name_is_image(ret->image))
		finding_add(f, FINDING_INVALID_FIELD, "spec.deploy.dockerImage",
			"is not an image reference, expected registry/repository:tag");
	if (!ret->image && ret->mode == MODE_SIDECAR)
		finding_add(f, FINDING_INVALID_FIELD, "spec.deploy.dockerImage",
			"is missing, expected the image that gateways run beside them; without one, mode privateJet "
			"means a Service that exists");
	if (ret->container_name)
		return;
	from_name = arena_dup(a, ret->name);
	for (char *c = from_name; *c; c++)
		if (*c == '.')
			*c = '-';
	ret->container_name = from_name;
}

static void note_unused_of_sidecar(const struct json *deploy, struct findings *f)
{
	static const char *const keys[] = { "count", "minReplicas", "maxReplicas" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (field_given(deploy, keys[i]))
			finding_add(f, FINDING_UNUSED, field_path(f, "spec.deploy", keys[i]),
				"a sidecar has the replicas of its gateway");
}

static void note_unused_of_serverless(
	const struct target_endpoint *te, const struct json *spec, struct findings *f)
{
	if (te->ports.n > 1)
		finding_add(f, FINDING_UNUSED, "spec.ports[1]",
			"a Knative Service leads to one port, the first");
	if (target_endpoint_port(te)->port != HTTP_PORT)
		finding_add(f, FINDING_UNUSED,
			field_given(spec, "ports") ? "spec.ports[0].port" : "spec.port",
			"a Knative Service answers at port 80");
}

static void note_unused(const struct json *spec, struct findings *f)
{
	static const char *const keys[] = { "type", "hostname", "endpointName",
		"endpointSecurity" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (field_given(spec, keys[i]))
			finding_add(
				f, FINDING_UNUSED, field_path(f, "spec", keys[i]), "has no effect");
}

void target_endpoint_decode(
	struct arena *a, const struct json *object, struct target_endpoint *ret, struct findings *f)
{
	const struct json *spec = json_get(object, "spec");
	const struct json *deploy = json_get(spec, "deploy");
	struct ref self = ref_of(object);
	struct written w = { 0 };

	*ret = (struct target_endpoint){ .name = self.name ? self.name : "",
		.ns = self.ns ? self.ns : "" };
	if (!json_is_object(deploy))
		finding_add(f, FINDING_INVALID_FIELD, "spec.deploy", "is %s, expected an object",
			deploy ? json_type_name(deploy) : "missing");
	fields_read(f, "spec", spec, spec_fields, ARRAY_LEN(spec_fields), &w);
	fields_read(f, "spec.deploy", deploy, count_fields, ARRAY_LEN(count_fields), &w);
	fields_read(f, "spec.deploy", deploy, deploy_fields, ARRAY_LEN(deploy_fields), ret);
	fields_read(f, "spec.deploy", deploy, resource_fields, ARRAY_LEN(resource_fields),
		&ret->resources);
	decode_protocol(&w, ret, f);
	decode_ports(a, spec, &w, ret, f);
	decode_mode(&w, ret, f);
	decode_replicas(&w, ret, deploy, f);
	resources_check(&ret->resources, &resource_paths, f);
	check_names(a, ret, f);
	note_unused(spec, f);
	if (ret->mode == MODE_SIDECAR)
		note_unused_of_sidecar(deploy, f);
	if (ret->mode == MODE_SERVERLESS)
		note_unused_of_serverless(ret, spec, f);
}

bool target_endpoint_has_workload(const struct target_endpoint *te)
{
	return te->image && te->mode != MODE_SIDECAR;
}

bool target_endpoint_is_sidecar(const struct target_endpoint *te, enum mode of_api)
{
	return te->image && te->mode != MODE_SERVERLESS &&
	       (te->mode == MODE_SIDECAR || of_api == MODE_SIDECAR);
}

const char *target_endpoint_port_name(
	const struct target_endpoint *te, const struct target_port *port)
{
	vec_foreach (const struct target_port *, p, &te->ports)
		if (p->target_port == port->target_port)
			return p->name;
	return port->name;
}

/* Two ports of the Service may lead to one of the container, which is listed once. */
static struct json *container_ports(struct arena *a, const struct target_endpoint *te)
{
	struct json *list = json_array(a);

	vec_foreach (const struct target_port *, p, &te->ports)
		if (str_eq(target_endpoint_port_name(te, p), p->name))
			json_add(list,
				json_format(a, "{'name':%s,'containerPort':%l,'protocol':'TCP'}",
					p->name, p->target_port));
	return list;
}

struct json *target_endpoint_container(
	struct arena *a, const struct target_endpoint *te, int linger_s)
{
	return json_format(a,
		"{'name':%s,'image':%s,'ports':%j,'resources':%j,'readinessProbe':"
		"{'tcpSocket':{'port':%l},'periodSeconds':%d,'failureThreshold':%d},"
		"'lifecycle':{'preStop':{'sleep':{'seconds':%d}}}}",
		te->container_name, te->image, container_ports(a, te),
		resources_json(a, &te->resources), target_endpoint_port(te)->target_port,
		PROBE_PERIOD_S, PROBE_FAILURES, linger_s);
}

const struct target_port *target_endpoint_port(const struct target_endpoint *te)
{
	return te->ports.at[0];
}

char *target_endpoint_url(struct arena *a, const struct target_endpoint *te)
{
	if (te->mode == MODE_SERVERLESS)
		return arena_printf(
			a, "%s://%s.%s.svc.cluster.local", te->protocol, te->name, te->ns);
	return arena_printf(a, "%s://%s.%s:%lld", te->protocol, te->name, te->ns,
		(long long)target_endpoint_port(te)->port);
}

char *target_endpoint_local_url(struct arena *a, const struct target_endpoint *te)
{
	return arena_printf(a, "%s://localhost:%lld", te->protocol,
		(long long)target_endpoint_port(te)->target_port);
}

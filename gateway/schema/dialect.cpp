#include "gateway/schema/dialect.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "gateway/schema/constraints.hpp"
#include "gateway/schema/schema.h"

namespace
{

enum Shape {
	NUMBER,
	DIVISOR,
	COUNT,
	TEXT,
	FLAG,
	ANY,
	LIST,
	NAMES,
	TYPES,
	SCHEMA,
	SCHEMAS,
	ITEMS,
	MEMBERS,
	DEPENDENCIES
};

struct Keyword {
	const char *name;
	Shape shape;
	bool in_place; /* its schemas judge the value itself, not a part of it */
};

constexpr Keyword keywords[] = {
	{ "$ref", TEXT, true },
	{ "additionalItems", SCHEMA, false },
	{ "additionalProperties", SCHEMA, false },
	{ "allOf", SCHEMAS, true },
	{ "anyOf", SCHEMAS, true },
	{ "const", ANY, false },
	{ "contains", SCHEMA, false },
	{ "definitions", MEMBERS, false },
	{ "dependencies", DEPENDENCIES, true },
	{ "else", SCHEMA, true },
	{ "enum", LIST, false },
	{ "exclusiveMaximum", NUMBER, false },
	{ "exclusiveMinimum", NUMBER, false },
	{ "if", SCHEMA, true },
	{ "items", ITEMS, false },
	{ "maxItems", COUNT, false },
	{ "maxLength", COUNT, false },
	{ "maxProperties", COUNT, false },
	{ "maximum", NUMBER, false },
	{ "minItems", COUNT, false },
	{ "minLength", COUNT, false },
	{ "minProperties", COUNT, false },
	{ "minimum", NUMBER, false },
	{ "multipleOf", DIVISOR, false },
	{ "not", SCHEMA, true },
	{ "oneOf", SCHEMAS, true },
	{ "pattern", TEXT, false },
	{ "properties", MEMBERS, false },
	{ "propertyNames", SCHEMA, false },
	{ "required", NAMES, false },
	{ "then", SCHEMA, true },
	{ "type", TYPES, false },
	{ "uniqueItems", FLAG, false },
};

const Keyword *keyword_of(const std::string &name)
{
	for (const Keyword &k : keywords)
		if (name == k.name)
			return &k;
	return nullptr;
}

/* Reads a schema once: every keyword is known and well-formed, every reference leads somewhere, and
 * no schema judges a value by way of itself. Puts our constraints into the place of the library's.
 */
class Reader
{
	Value &root;
	Document::AllocatorType &allocator;
	std::map<const Value *, int> chains; /* longest chain from here on; -1: being looked at */

      public:
	Reader(Document &d) : root(d), allocator(d.GetAllocator())
	{
	}

	void read()
	{
		check(root, "#", 0);
		(void)chain(root, "#");
		replace(root);
	}

      private:
	[[noreturn]] static void refuse(const std::string &at, const std::string &what)
	{
		throw std::runtime_error(at.substr(0, 300) + ": " + what);
	}

	template <class F> static void each(Value &v, const Keyword &k, const std::string &at, F f)
	{
		switch (k.shape) {
		case SCHEMA:
			f(v, at);
			break;
		case SCHEMAS:
			for (rapidjson::SizeType i = 0; i < v.Size(); i++)
				f(v[i], at + '/' + std::to_string(i));
			break;
		case ITEMS:
			if (!v.IsArray())
				return f(v, at);
			for (rapidjson::SizeType i = 0; i < v.Size(); i++)
				f(v[i], at + '/' + std::to_string(i));
			break;
		case MEMBERS:
		case DEPENDENCIES:
			for (auto &m : v.GetObject())
				if (!m.value.IsArray())
					f(m.value, at + '/' + m.name.GetString());
			break;
		default:
			break;
		}
	}

	static bool is_names(const Value &v)
	{
		return v.IsArray() &&
		       std::all_of(v.Begin(), v.End(), [](const Value &x) { return x.IsString(); });
	}

	static bool is_type(const Value &v)
	{
		static const std::set<std::string> types = { "array", "boolean", "integer", "null",
			"number", "object", "string" };

		return v.IsString() && types.count(v.GetString()) > 0;
	}

	static bool is_shaped(const Value &v, Shape shape)
	{
		switch (shape) {
		case NUMBER:
			return v.IsNumber();
		case DIVISOR:
			return v.IsNumber() && v.GetDouble() > 0;
		case COUNT:
			return v.IsUint();
		case TEXT:
			return v.IsString();
		case FLAG:
			return v.IsBool();
		case LIST:
			return v.IsArray() && !v.Empty();
		case NAMES:
			return is_names(v);
		case TYPES:
			return is_type(v) || (v.IsArray() && !v.Empty() &&
						     std::all_of(v.Begin(), v.End(), is_type));
		case SCHEMAS:
			return v.IsArray() && !v.Empty();
		case ITEMS:
			return v.IsObject() || v.IsBool() || v.IsArray();
		case MEMBERS:
		case DEPENDENCIES:
			return v.IsObject();
		default:
			return true;
		}
	}

	void check(Value &v, const std::string &at, int depth)
	{
		if (v.IsBool())
			return;
		if (!v.IsObject())
			refuse(at, "expected a schema");
		if (depth > SCHEMA_MAX_DEPTH)
			refuse(at, "schemas inside schemas more than " +
					   std::to_string(SCHEMA_MAX_DEPTH) + " deep");
		for (auto &m : v.GetObject()) {
			const std::string name = m.name.GetString();
			const Keyword *k = keyword_of(name);
			const std::string here = at + '/' + name;

			if (!k)
				refuse(here, "is not supported");
			if (!is_shaped(m.value, k->shape))
				refuse(here, "is not of the form that this keyword has");
			if (name == "pattern") {
				const std::string error = pattern_error(m.value.GetString());

				if (!error.empty())
					refuse(here,
						"is not a pattern that can be enforced: " + error);
			}
			if (k->shape == DEPENDENCIES)
				for (auto &d : m.value.GetObject())
					if (d.value.IsArray() && !is_names(d.value))
						refuse(here, "expected names of properties");
			each(m.value, *k, here,
				[&](Value &x, const std::string &p) { check(x, p, depth + 1); });
		}
	}

	Value &target(const Value &ref, const std::string &at)
	{
		static const std::string prefix = "#/definitions/";
		const std::string text = ref.GetString();
		const std::string name = text.compare(0, prefix.size(), prefix) == 0
						 ? text.substr(prefix.size())
						 : "";
		auto definitions =
			root.IsObject() ? root.FindMember("definitions") : Value::MemberIterator();

		if (!root.IsObject() || definitions == root.MemberEnd() ||
			name.find_first_of("/~%") != std::string::npos ||
			!definitions->value.HasMember(name.c_str()))
			refuse(at, "leads nowhere");
		return definitions->value[name.c_str()];
	}

	/* How many schemas in a row judge the same value. */
	int chain(Value &v, const std::string &at)
	{
		int longest = 0;

		if (!v.IsObject())
			return 0;
		auto known = chains.find(&v);
		if (known != chains.end()) {
			if (known->second < 0)
				refuse(at, "refers to itself without going deeper into the value");
			return known->second;
		}
		chains[&v] = -1;
		for (auto &m : v.GetObject()) {
			const Keyword *k = keyword_of(m.name.GetString());
			const std::string here = at + '/' + m.name.GetString();

			if (k->shape == TEXT && k->in_place)
				longest = std::max(longest,
					1 + chain(target(m.value, here), m.value.GetString()));
			each(m.value, *k, here, [&](Value &x, const std::string &p) {
				if (k->in_place)
					longest = std::max(longest, 1 + chain(x, p));
			});
		}
		if (longest > SCHEMA_MAX_CHAIN)
			refuse(at, "more than " + std::to_string(SCHEMA_MAX_CHAIN) +
					   " schemas for one value");
		chains[&v] = longest;
		/* Parts of the value are judged by chains of their own. */
		for (auto &m : v.GetObject()) {
			const Keyword *k = keyword_of(m.name.GetString());

			if (!k->in_place)
				each(m.value, *k, at + '/' + m.name.GetString(),
					[&](Value &x, const std::string &p) {
						parts.emplace_back(&x, p);
					});
		}
		if (&v == &root)
			while (!parts.empty()) {
				auto part = parts.back();

				parts.pop_back();
				(void)chain(*part.first, part.second);
			}
		return longest;
	}
	std::vector<std::pair<Value *, std::string>> parts;

	void rename(Value &v, const char *from, const char *to)
	{
		auto m = v.FindMember(from);

		if (m != v.MemberEnd())
			m->name.SetString(rapidjson::StringRef(to));
	}

	void replace(Value &v)
	{
		if (!v.IsObject())
			return;
		for (auto &m : v.GetObject())
			each(m.value, *keyword_of(m.name.GetString()), "",
				[&](Value &x, const std::string &) { replace(x); });
		if (v.HasMember("$ref"))
			return;
		rename(v, "pattern", pattern_key);
		rename(v, "uniqueItems", unique_key);
		rename(v, "multipleOf", multiple_key);
		count_steps(v);
	}

	/* The library looks at allOf before all else. */
	void count_steps(Value &v)
	{
		Value all(rapidjson::kArrayType);
		Value step(rapidjson::kObjectType);
		auto own = v.FindMember("allOf");

		step.AddMember(rapidjson::StringRef(step_key), Value(true), allocator);
		all.PushBack(step, allocator);
		if (own == v.MemberEnd()) {
			v.AddMember("allOf", all, allocator);
			return;
		}
		for (auto &x : own->value.GetArray())
			all.PushBack(x, allocator);
		own->value = all;
	}
};

} // namespace

void dialect_read(Document &schema)
{
	Reader(schema).read();
}

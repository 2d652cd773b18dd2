#include "gateway/schema/schema.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>
#include <vector>

#include "gateway/schema/constraints.hpp"
#include "gateway/schema/dialect.hpp"
#include "gateway/schema/json.hpp"

using valijson::ValidationResults;
using valijson::adapters::RapidJsonAdapter;
using Context = std::vector<std::string>;

namespace
{

constexpr unsigned parse_flags = rapidjson::kParseIterativeFlag |
				 rapidjson::kParseFullPrecisionFlag |
				 rapidjson::kParseValidateEncodingFlag;
constexpr int steps_for_errors = 20000;

bool names_differ(const Value &object)
{
	std::vector<std::pair<const char *, size_t>> names;

	names.reserve(object.MemberCount());
	for (const auto &m : object.GetObject())
		names.emplace_back(m.name.GetString(), m.name.GetStringLength());
	std::sort(names.begin(), names.end(), [](const auto &x, const auto &y) {
		const int order = memcmp(x.first, y.first, std::min(x.second, y.second));

		return order != 0 ? order < 0 : x.second < y.second;
	});
	return std::adjacent_find(names.begin(), names.end(), [](const auto &x, const auto &y) {
		return x.second == y.second && memcmp(x.first, y.first, x.second) == 0;
	}) == names.end();
}

/* 1.0 is an integer to JSON Schema, and the number 1. */
void settle_number(Value &v)
{
	constexpr double exact = 9007199254740992;
	const double x = v.IsDouble() ? v.GetDouble() : 0.5;

	if (x == std::floor(x) && std::fabs(x) <= exact)
		v.SetInt64(static_cast<int64_t>(x));
}

void look_through(Value &v, int levels)
{
	if (levels < 0)
		throw TooMuch("is nested too deeply");
	if (v.IsArray()) {
		for (Value &x : v.GetArray())
			look_through(x, levels - 1);
	} else if (v.IsObject()) {
		if (!names_differ(v))
			throw TooMuch("has a member twice");
		for (auto &m : v.GetObject())
			look_through(m.value, levels - 1);
	} else {
		settle_number(v);
	}
}

/* Whole errors only. */
class Errors
{
	char *at;
	size_t room;
	int n = 0;

      public:
	Errors(char *buffer, size_t size) : at(buffer), room(size)
	{
		if (size > 0)
			*at = '\0';
	}
	void add(const std::string &text)
	{
		if (n >= SCHEMA_MAX_ERRORS || text.size() + 2 >= room)
			return;
		memcpy(at, text.data(), text.size());
		memcpy(at + text.size(), ", ", 3);
		at += text.size() + 2;
		room -= text.size() + 2;
		n++;
	}
	bool is_empty() const
	{
		return n == 0;
	}
};

/* "<root>", "[\"items\"]", "[0]" → "/items/0" */
std::string pointer(const Context &context)
{
	std::string path;

	for (size_t i = 1; i < context.size() && path.size() < 300; i++) {
		std::string step = context[i].substr(1, context[i].size() - 2);

		if (step.size() >= 2 && step.front() == '"')
			step = step.substr(1, step.size() - 2);
		path += '/' + step.substr(0, 100);
	}
	return path;
}

/* What only repeats that something inside is wrong. */
bool is_echo(const std::string &text)
{
	static const char *const echoes[] = { "Failed to validate against child schema #",
		"Failed to validate against schema associated with property name",
		"Failed to validate item #" };

	return std::any_of(std::begin(echoes), std::end(echoes),
		[&text](const char *echo) { return text.compare(0, strlen(echo), echo) == 0; });
}

void add_error(Errors &errors, const ValidationResults::Error &e)
{
	std::string text = e.description.substr(0, 300);

	if (is_echo(text))
		return;
	while (!text.empty() && (text.back() == '.' || text.back() == ' '))
		text.pop_back();
	/* Not in the middle of a character. */
	while (e.description.size() > 300 && !text.empty() && (text.back() & 0x80))
		text.pop_back();
	errors.add(pointer(e.context) + ": " + text);
}

} // namespace

struct schema {
	valijson::Schema compiled;
};

static bool judge(const struct schema *s, const Value &body, int steps, ValidationResults *results)
{
	valijson::Validator validator;

	allow_steps(steps);
	return validator.validate(s->compiled, RapidJsonAdapter(body), results);
}

/* n bytes of it: a long list may have one error at its end. Errors are kept until all are known. */
static void explain(const struct schema *s, const Value &body, size_t n, Errors &errors)
{
	ValidationResults results;
	ValidationResults::Error e;

	try {
		(void)judge(s, body, steps_for_errors + static_cast<int>(n / 10), &results);
	} catch (const TooMuch &) {
		/* What was found until then is told. */
	}
	while (results.popError(e))
		add_error(errors, e);
	if (errors.is_empty())
		errors.add(": does not match the schema");
}

struct schema *schema_new(const char *text, size_t n, char *why, size_t why_size)
{
	if (n > SCHEMA_MAX_TEXT) {
		(void)snprintf(why, why_size, "longer than %d bytes", SCHEMA_MAX_TEXT);
		return nullptr;
	}
	try {
		auto s = std::make_unique<schema>();
		valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
		Document d;

		d.Parse<parse_flags>(text, n);
		if (d.HasParseError())
			throw std::runtime_error(rapidjson::GetParseError_En(d.GetParseError()));
		look_through(
			d, 2 * SCHEMA_MAX_DEPTH); /* a level of its own for each "properties" */
		dialect_read(d);
		constraints_register(parser);
		parser.populateSchema(RapidJsonAdapter(d), s->compiled);
		return s.release();
	} catch (const std::exception &e) {
		(void)snprintf(why, why_size, "%s", e.what());
	}
	return nullptr;
}

void schema_free(struct schema *s)
{
	delete s;
}

bool schema_check(const struct schema *s, const char *body, size_t n, char *errors, size_t size)
{
	Errors out(errors, size);

	try {
		Document d;

		if (n > SCHEMA_MAX_BODY)
			throw TooMuch("is too large to be validated");
		if (memchr(body, '\0', n))
			throw TooMuch("is not JSON: a byte of value 0"); /* would be its end */
		d.Parse<parse_flags>(body, n);
		if (d.HasParseError())
			throw TooMuch(std::string("is not JSON: ") +
				      rapidjson::GetParseError_En(d.GetParseError()) + " At byte " +
				      std::to_string(d.GetErrorOffset()));
		look_through(d, SCHEMA_MAX_DEPTH);
		if (judge(s, d, SCHEMA_MAX_STEPS, nullptr))
			return true;
		explain(s, d, n, out);
	} catch (const std::exception &e) {
		out.add(std::string(": ") + e.what());
	}
	return false;
}

#include "gateway/schema/constraints.hpp"

#include <cmath>
#include <cstdio>
#include <map>
#include <memory>
#include <re2/re2.h>
#include <set>
#include <valijson/constraint_builder.hpp>
#include <valijson/constraints/concrete_constraints.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <vector>

#include "gateway/schema/json.hpp"

using valijson::ConstraintBuilder;
using valijson::ValidationResults;
using valijson::adapters::Adapter;
using valijson::constraints::Constraint;
using valijson::constraints::PolyConstraint;
using Context = std::vector<std::string>;

namespace
{

constexpr size_t max_pattern_memory = 1 << 20;

thread_local int steps_left;

template <class Own> class OwnConstraint : public PolyConstraint
{
	Constraint *cloneInto(void *at) const override
	{
		return new (at) Own(static_cast<const Own &>(*this));
	}
	size_t sizeOf() const override
	{
		return sizeof(Own);
	}
};

/* Stands in every schema, in front: alternatives inside alternatives would take time that grows
 * exponentially with a body's depth. An object costs as much as it has members, since the library
 * looks for each property among all of them. */
class Step : public OwnConstraint<Step>
{
      public:
	explicit Step(const Adapter &)
	{
	}
	bool validate(const Adapter &value, const Context &, ValidationResults *) const override
	{
		size_t size = 0;

		if (value.isObject())
			(void)value.getObjectSize(size);
		else if (value.isArray() && value.getArraySize(size))
			size /= 8;
		steps_left -= 1 + static_cast<int>(size);
		if (steps_left < 0)
			throw TooMuch("takes too many steps to validate");
		return true;
	}
};

/* The library's own patterns are std::regex: exponential time, and recursion by the length of the
 * text. */
std::shared_ptr<RE2> compile(const std::string &pattern)
{
	RE2::Options options;

	options.set_log_errors(false);
	options.set_max_mem(max_pattern_memory);
	return std::make_shared<RE2>(pattern, options);
}

class Pattern : public OwnConstraint<Pattern>
{
	std::string text;
	std::shared_ptr<RE2> re;

      public:
	explicit Pattern(const Adapter &value) : text(value.asString()), re(compile(text))
	{
	}
	bool validate(const Adapter &value, const Context &context,
		ValidationResults *results) const override
	{
		if (!value.isString() || RE2::PartialMatch(value.asString(), *re))
			return true;
		if (results)
			results->pushError(
				context, "Does not match the pattern " + text.substr(0, 200));
		return false;
	}
};

/* 19.99 is a multiple of 0.01, though neither is exactly what is written. */
class MultipleOf : public OwnConstraint<MultipleOf>
{
	double divisor = 0;

      public:
	explicit MultipleOf(const Adapter &value)
	{
		(void)number_of(value, divisor);
	}
	static bool number_of(const Adapter &value, double &ret)
	{
		int64_t i;

		if (!value.isNumber())
			return false;
		if (value.isInteger() && value.getInteger(i))
			ret = static_cast<double>(i);
		else if (!value.getDouble(ret))
			return false;
		return true;
	}
	bool validate(const Adapter &value, const Context &context,
		ValidationResults *results) const override
	{
		double x, times;

		if (!number_of(value, x))
			return true;
		times = x / divisor;
		if (std::fabs(times - std::round(times)) <= 1e-12 * std::max(1.0, std::fabs(times)))
			return true;
		if (results)
			results->pushError(context,
				"Value should be a multiple of " + std::to_string(divisor));
		return false;
	}
};

/* A text that equal values have in common, whatever the order of their members. */
void add_canonical(const Adapter &value, std::string &out)
{
	if (value.isArray()) {
		out += '[';
		value.applyToArray([&out](const Adapter &element) {
			add_canonical(element, out);
			out += ',';
			return true;
		});
		out += ']';
	} else if (value.isObject()) {
		std::map<std::string, std::string> members;

		value.applyToObject([&members](const std::string &key, const Adapter &member) {
			add_canonical(member, members[key]);
			return true;
		});
		out += '{';
		for (const auto &m : members)
			out += std::to_string(m.first.size()) + ':' + m.first + m.second + ',';
		out += '}';
	} else if (value.isString()) {
		const std::string s = value.asString();

		out += '"' + std::to_string(s.size()) + ':' + s;
	} else if (value.isNumber()) {
		char digits[40] = "";
		int64_t i;
		double x;

		if (value.getInteger(i))
			(void)snprintf(digits, sizeof(digits), "%lld", static_cast<long long>(i));
		else if (value.getDouble(x))
			(void)snprintf(digits, sizeof(digits), "%.17g", x);
		out += digits;
	} else {
		out += value.isNull() ? "null" : value.asBool() ? "true" : "false";
	}
}

/* The library compares every element with every other one. */
class Unique : public OwnConstraint<Unique>
{
	bool is_asked;

      public:
	explicit Unique(const Adapter &value) : is_asked(value.isBool() && value.asBool())
	{
	}
	bool validate(const Adapter &value, const Context &context,
		ValidationResults *results) const override
	{
		std::set<std::string> seen;
		bool differ = true;

		if (!is_asked || !value.isArray())
			return true;
		value.applyToArray([&](const Adapter &element) {
			std::string text;

			add_canonical(element, text);
			differ = seen.insert(std::move(text)).second;
			return differ;
		});
		if (!differ && results)
			results->pushError(context, "Elements of array must be unique.");
		return differ;
	}
};

template <class Own> class Builder : public ConstraintBuilder
{
	Constraint *make(const Adapter &value) const override
	{
		return new Own(value);
	}
};

} // namespace

void constraints_register(valijson::SchemaParser &parser)
{
	parser.addConstraintBuilder(step_key, new Builder<Step>());
	parser.addConstraintBuilder(pattern_key, new Builder<Pattern>());
	parser.addConstraintBuilder(unique_key, new Builder<Unique>());
	parser.addConstraintBuilder(multiple_key, new Builder<MultipleOf>());
}

std::string pattern_error(const std::string &pattern)
{
	return compile(pattern)->error();
}

void allow_steps(int n)
{
	steps_left = n;
}

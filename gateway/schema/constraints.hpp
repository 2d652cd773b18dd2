/* Constraints that take the place of the library's own, which a stranger's body could make take
 * minutes, or that the library lacks. Each stands in a schema under a name that none can have. */
#ifndef GATEWAY_SCHEMA_CONSTRAINTS_HPP
#define GATEWAY_SCHEMA_CONSTRAINTS_HPP

#include <string>

#include "gateway/schema/json.hpp"

namespace valijson
{
class SchemaParser;
}

constexpr char step_key[] = "\001step";
constexpr char pattern_key[] = "\001pattern";
constexpr char unique_key[] = "\001unique";
constexpr char multiple_key[] = "\001multiple";

void constraints_register(valijson::SchemaParser &parser);

/* What is wrong with a pattern; "": nothing. */
std::string pattern_error(const std::string &pattern);

/* Beyond that many schemas that contain step_key, judging ends with TooMuch. */
void allow_steps(int n);

#endif

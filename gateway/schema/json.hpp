/* Values of RapidJSON, which throws where it would end the process: valijson's header says so to
 * it, which is why it comes first everywhere. */
#ifndef GATEWAY_SCHEMA_JSON_HPP
#define GATEWAY_SCHEMA_JSON_HPP

/* clang-format off */
#if !VALIJSON_USE_EXCEPTIONS
#error "the Makefile says so to all files that include valijson"
#endif
#include <valijson/adapters/rapidjson_adapter.hpp>
#include <rapidjson/error/en.h>
#include <stdexcept>
/* clang-format on */

using Document = rapidjson::Document;
using Value = rapidjson::Value;

/* A body that is refused before or while it is judged. */
struct TooMuch : std::runtime_error {
	using std::runtime_error::runtime_error;
};

#endif

/* The dialect of schemas; see schema.h. */
#ifndef GATEWAY_SCHEMA_DIALECT_HPP
#define GATEWAY_SCHEMA_DIALECT_HPP

#include "gateway/schema/json.hpp"

/* Throws a std::runtime_error that says where what is wrong. Makes of the schema one for the
 * library: our constraints in the place of its own. */
void dialect_read(Document &schema);

#endif

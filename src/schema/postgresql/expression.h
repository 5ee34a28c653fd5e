// Expressions as the server prints them, read far enough to say what they cannot do. Not a parser of SQL: what is not
// understood is not promised. Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "schema/postgresql/table.h"

namespace backout::schema::postgresql {

/// It can be computed for every row without an error: comparisons, AND/OR/NOT, IS NULL, concatenation, a few functions
/// of text, constants. No arithmetic (it overflows), no casts but to text, no functions of users.
bool cannot_fail(std::string_view expression, const std::vector<Column>& columns);
/// A CHECK of which every comparison has one of these columns: NULL in all of them satisfies it.
bool holds_for_null(std::string_view check, const std::vector<Column>& columns);
/// It names a function, operator or type that is in a schema of the users'.
bool calls_users_code(std::string_view expression);
/// It calls nothing at all: a constant.
bool is_constant(std::string_view expression);
/// "NULL" or "NULL::text".
bool is_null_constant(std::string_view expression);
/// The sequence of nextval('public.orders_id_seq'::regclass), or empty.
std::string sequence_of(std::string_view default_text);

}  // namespace backout::schema::postgresql

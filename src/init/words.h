// Words: small readings that several detectors share. Pure, and tolerant: text that is not as expected gives nothing.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "init/draft.h"

namespace backout::init {

/// The words of a command line, quotes and backslashes taken off as a shell or systemd does. No expansion.
std::vector<std::string> words_of(std::string_view line);

/// Sections of an INI file (systemd units, supervisor, git configuration), keys in order; a later line that begins
/// with a space, or follows a backslash, goes on with the value. Comments (# ;) are dropped.
struct Section {
  std::string name;
  std::vector<std::pair<std::string, std::string>> keys;
  /// The last value of a key, or empty.
  std::string get(std::string_view key) const;
  std::vector<std::string> all(std::string_view key) const;
};
std::vector<Section> parse_ini(std::string_view text);
const Section* find_section(const std::vector<Section>& sections, std::string_view name);

/// "NAME=VALUE" lines of an environment file; quotes are taken off.
std::map<std::string, std::string> parse_environment(std::string_view text);

/// A port among the words of a server's command line ("--bind 127.0.0.1:8000", "-p 8000"), or nothing.
std::optional<int> port_of(const std::vector<std::string>& words);
/// "127.0.0.1:8000", ":8000", "8000", "tcp://0.0.0.0:8000" -> 8000.
std::optional<int> port_in(std::string_view address);
/// "PORT=8000", "SHOP_PORT=8000", "LISTEN_ADDRESS=127.0.0.1:8000": the port that a variable says, unless it is that of
/// a database or another server.
std::optional<int> port_of_variable(std::string_view assignment);
/// A port that the text of a program is likely to listen on; with the number of the line.
std::optional<std::pair<int, int>> port_in_source(std::string_view text);

/// What a service does, by its name and its command line.
Role role_of(std::string_view name, std::string_view command);

/// May the words be written into a file that others read? False when one looks like a secret: a URL with a password,
/// SECRET_KEY=..., --token ....
bool holds_secret(const std::vector<std::string>& words);
bool is_secret_name(std::string_view name);
/// A URL without what stands between "//" and "@" when that holds a password; and whether it did.
std::pair<std::string, bool> without_password(const std::string& url);

/// A name of letters, digits, '.', '_' and '-' made from any text; empty when nothing is left.
std::string as_name(std::string_view text);
/// SQL that belongs to the code, by its path: the steps that make the schema, not what was saved of a database.
bool is_sql_of_the_code(std::string_view path);
/// The last part of a path.
std::string base_name(std::string_view path);
std::string parent_of(std::string_view path);
/// The first text in quotes after `at`, on the same line; empty when there is none.
std::string quoted_after(std::string_view text, size_t at);
std::vector<std::string_view> lines_of(std::string_view text);

}  // namespace backout::init

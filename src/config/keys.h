// Keys: the one table of everything that backout.yaml may say. The shape check, "did you mean", the defaults and
// docs/configuration.md come from it; a key that is not in keys.cc does not exist.
//
// Paths: "code.source.git"; "[]" is each element of a list, "*" each name that the user chooses. Where an element takes
// several forms, the form stands in the brackets: "services[systemd].drain". "<command>" is a command written as a map.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace backout::config {

enum class Type {
  kText,      // any scalar
  kWord,      // a scalar that ends up as an argument of a program: not empty, not beginning with '-'
  kName,      // [A-Za-z0-9._-], for ids and file names
  kPath,      // a file name, relative to the directory of backout.yaml
  kAbsolute,  // an absolute path on a host
  kUrl,       // http:// or https://
  kUrlOrMap,  // kUrl, or keys at path.x
  kNamesOrTrue,
  kSecret,  // where a secret is: $NAME, or an absolute path
  kWhole,   // a whole number from least to most
  kFlag,    // true or false
  kTextOrFlag,
  kSpan,       // a duration
  kChoice,     // one of `choices`
  kCommand,    // a string for sh -c, a list as argv, or a map (<command>)
  kArgv,       // a string for sh -c, or a list as argv
  kList,       // elements at path[]
  kOneOrList,  // one element, or a list of them, at path[]
  kMap,        // keys at path.x; without any in the table: anything
  kForms,      // a map in one of several forms (kForms table); for checks also one line of text
  kAnything,   // not looked into
};

/// The `fallback` of keys that must be there when the map around them is.
inline constexpr std::string_view kRequired = "required";

struct Key {
  std::string_view path;
  Type type;
  std::string_view doc;            // one line
  std::string_view example;        // a whole entry, as a user would write it: shown with "expected ..."
  std::string_view fallback = {};  // what holds when it is not said; empty: nothing
  std::string_view choices = {};   // "releases|in-place"
  long least = 0, most = 0;        // kWhole
  std::string_view instead = {};   // not built yet: what this version does instead
};
std::span<const Key> all_keys();

/// One form of a map: recognised by the one of `heads` that it has.
struct Form {
  std::string_view path;  // "services[]"
  std::string_view name;  // "systemd"
  std::vector<std::string_view> heads;
};
const std::vector<Form>& all_forms();

/// The key at a path of the table, or null.
const Key* find_key(std::string_view path);
/// The key for `name` in the map at `path` ("" is the top): the one so named, else the one for free names.
const Key* key_in(std::string_view path, std::string_view name);
/// The names that the map at `path` knows, without "*". Empty and no free names: anything goes.
std::vector<std::string> names_in(std::string_view path);
/// Where else a key of that name exists, seen from the map at `path`: "services" for "drain" at the top, "process
/// services" for "log" in services[systemd]. At most one, the first.
std::optional<std::string> home_of(std::string_view path, std::string_view name);
/// "a duration", "one of releases, in-place": what a key takes, in words.
std::string expected(const Key& key);
std::string joined(std::string_view path, std::string_view name);

}  // namespace backout::config

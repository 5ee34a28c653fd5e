#include "config/shape.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "config/keys.h"

namespace backout::config {
namespace {

constexpr size_t kLongestQuote = 60;

std::string in_words(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull: return "nothing";
    case Node::Kind::kText: return fmt::format("'{}'", shortened(one_line(node.text), kLongestQuote));
    case Node::Kind::kList: return "a list";
    case Node::Kind::kMap: return "keys and values";
  }
  return "something else";
}

/// "code.build[]" as a person would say it: "an element of code.build".
std::string spoken(std::string_view path) {
  if (path.ends_with("[]")) return fmt::format("an element of {}", spoken(path.substr(0, path.size() - 2)));
  std::string text(path);
  for (const Form& form : all_forms())
    text = replaced(std::move(text), fmt::format("{}[{}]", form.path.substr(0, form.path.size() - 2), form.name),
                    form.path.substr(0, form.path.size() - 2));
  for (const std::string_view part : {"[]", ".*"}) text = replaced(std::move(text), part, "");
  return replaced(std::move(text), "<command>", "a command");
}

bool is_name(std::string_view text) {
  static constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  return !text.empty() && text.size() <= 200 && text.find_first_not_of(kAllowed) == std::string_view::npos &&
         text.front() != '-' && text.front() != '.';
}

bool is_url(std::string_view text) {
  for (const std::string_view scheme : {"http://", "https://"})
    if (text.starts_with(scheme) && text.size() > scheme.size() &&
        text.find_first_of(" \t\n\"'<>") == std::string_view::npos)
      return true;
  return false;
}

bool is_place_of_secret(std::string_view text) {
  if (text.starts_with('/')) return text.size() > 1;
  return text.starts_with('$') && text.size() > 1 && (std::isdigit(static_cast<unsigned char>(text[1])) == 0) &&
         text.substr(1).find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") ==
             std::string_view::npos;
}

/// nearest(), and the commonest slip that it misses in short words: two neighbours changed over.
std::optional<std::string> nearest_key(const std::string& word, const std::vector<std::string>& known) {
  if (auto near = nearest(word, known)) return near;
  for (size_t at = 0; at + 1 < word.size() && word.size() < 40; ++at) {
    std::string changed = word;
    std::swap(changed[at], changed[at + 1]);
    if (std::find(known.begin(), known.end(), changed) != known.end()) return changed;
  }
  return std::nullopt;
}

bool is_true_or_names(const Node& node) {
  if (node.is_text()) return node.text == "true";
  return node.is_list() && !node.items.empty() &&
         std::all_of(node.items.begin(), node.items.end(),
                     [](const Node& item) { return item.is_text() && !item.text.empty(); });
}

class Shape {
 public:
  explicit Shape(Findings& findings) : findings_(findings) {}

  void map(const Node& node, const std::string& path) {
    const std::vector<std::string> known = names_in(path);
    const Key* free = find_key(joined(path, "*"));
    if (known.empty() && free == nullptr) return;                              // a part that is not looked into
    const bool all_names_count = free != nullptr && free->type != Type::kMap;  // a header may be called x-request-id
    for (const Entry& entry : node.entries) {
      if (entry.key.starts_with("x-") && !all_names_count) continue;
      const Key* key = key_in(path, entry.key);
      if (key == nullptr)
        unknown(entry, path, known);
      else
        value(entry.value, *key, entry.place);
    }
  }

 private:
  void unknown(const Entry& entry, const std::string& path, const std::vector<std::string>& known) {
    const std::string here = path.empty() ? "" : fmt::format(" in {}", spoken(path));
    std::string message = fmt::format("unknown key '{}'{}", shortened(entry.key, kLongestQuote), here);
    if (const auto near = nearest_key(entry.key, known)) {
      findings_.error(entry.place, fmt::format("{}: did you mean '{}'?", message, *near));
      return;
    }
    if (const auto home = home_of(path, entry.key)) message += fmt::format("; it belongs in {}", *home);
    findings_.error(entry.place, message, "known here: " + join(known, ", ") + "; keys that begin with x- are yours");
  }

  void wrong(const Node& node, const Key& key) {
    const std::string got = key.type == Type::kSecret && node.is_text() ? "another text" : in_words(node);
    findings_.error(node.place, fmt::format("{}: expected {}, got {}", spoken(key.path), expected(key), got),
                    fmt::format("for example: {}", key.example));
  }

  void value(const Node& node, const Key& key, const Place& place) {
    if (!key.instead.empty())
      findings_.warning(place, fmt::format("not built yet: {}: {}", spoken(key.path), key.instead));
    switch (key.type) {
      case Type::kAnything: return;
      case Type::kMap:
        if (node.is_null() && key.path == "hosts.*") return;
        if (!node.is_map()) return wrong(node, key);
        return map(node, std::string(key.path));
      case Type::kList:
        if (!node.is_list()) return wrong(node, key);
        if (const Key* element = find_key(fmt::format("{}[]", key.path)))
          for (const Node& item : node.items) value(item, *element, item.place);
        return;
      case Type::kOneOrList: {
        const Key& element = *find_key(fmt::format("{}[]", key.path));
        if (node.is_list() && !node.items.empty()) {
          for (const Node& item : node.items) value(item, element, item.place);
        } else if (!node.is_text() || !scalar_fits(node.text, element)) {
          wrong(node, key);
        }
        return;
      }
      case Type::kForms: return forms(node, key);
      case Type::kUrlOrMap:
        if (node.is_map()) return map(node, std::string(key.path));
        if (!node.is_text() || !is_url(node.text)) wrong(node, key);
        return;
      case Type::kNamesOrTrue:
        if (!is_true_or_names(node)) wrong(node, key);
        return;
      case Type::kCommand:
        if (node.is_map()) {
          map(node, "<command>");
          if (node.entry("run") == nullptr)
            findings_.error(node.place, fmt::format("{}: a command needs run", spoken(key.path)),
                            "for example: {run: make}");
          return;
        }
        return argv(node, key);
      case Type::kArgv: return argv(node, key);
      case Type::kText:
      case Type::kWord:
      case Type::kName:
      case Type::kPath:
      case Type::kAbsolute:
      case Type::kUrl:
      case Type::kSecret:
      case Type::kWhole:
      case Type::kFlag:
      case Type::kTextOrFlag:
      case Type::kSpan:
      case Type::kChoice:
        if (!node.is_text() || !scalar_fits(node.text, key)) wrong(node, key);
        return;
    }
  }

  static bool scalar_fits(const std::string& text, const Key& key) {
    switch (key.type) {
      case Type::kText:
      case Type::kTextOrFlag: return true;
      case Type::kWord: return !text.empty() && text.front() != '-';
      case Type::kPath: return !text.empty() && text.front() != '~';
      case Type::kAbsolute: return text.starts_with('/');
      case Type::kName: return is_name(text);
      case Type::kUrl: return is_url(text);
      case Type::kSecret: return is_place_of_secret(text);
      case Type::kFlag: return flag_of(text).has_value();
      case Type::kSpan: return parse_duration(text).has_value();
      case Type::kWhole: {
        const std::optional<long> number = whole_of(text);
        return number && *number >= key.least && *number <= key.most;
      }
      case Type::kChoice: {
        const std::vector<std::string> choices = split(key.choices, '|');
        return std::find(choices.begin(), choices.end(), text) != choices.end();
      }
      case Type::kCommand:
      case Type::kArgv:
      case Type::kList:
      case Type::kOneOrList:
      case Type::kMap:
      case Type::kUrlOrMap:
      case Type::kNamesOrTrue:
      case Type::kForms:
      case Type::kAnything: return false;
    }
    return false;
  }

  void argv(const Node& node, const Key& key) {
    if (node.is_text() && !trimmed(node.text).empty()) return;
    if (!node.is_list() || node.items.empty()) return wrong(node, key);
    for (const Node& word : node.items)
      if (!word.is_text())
        findings_.error(word.place,
                        fmt::format("{}: every word of a command is text, got {}", spoken(key.path), in_words(word)),
                        "for example: [make, install]");
    if (node.items.front().is_text() && node.items.front().text.empty())
      findings_.error(node.items.front().place, fmt::format("{}: the program has no name", spoken(key.path)));
  }

  void forms(const Node& node, const Key& key) {
    if (node.is_text() && key.path == "checks[]") return;  // one line: the reader of checks parses it
    if (!node.is_map()) return wrong(node, key);
    const std::string_view form = form_of(key.path, node);
    const std::string list(key.path.substr(0, key.path.size() - 2));
    if (!form.empty()) return map(node, fmt::format("{}[{}]", list, form));
    std::vector<std::string> heads;
    for (const Form& candidate : all_forms())
      if (candidate.path == key.path) heads.insert(heads.end(), candidate.heads.begin(), candidate.heads.end());
    for (const Entry& entry : node.entries)
      if (const auto near = nearest_key(entry.key, heads);
          near && *near != entry.key && !entry.key.starts_with("x-") && !known_in_some_form(list, entry.key))
        findings_.error(entry.place, fmt::format("unknown key '{}' in {}: did you mean '{}'?", entry.key, list, *near));
    findings_.error(node.place, fmt::format("{}: an element says exactly one of {}", list, join(heads, ", ")),
                    fmt::format("for example: {}", key.example));
  }

  static bool known_in_some_form(const std::string& list, std::string_view name) {
    for (const Form& form : all_forms())
      if (find_key(fmt::format("{}[{}].{}", list, form.name, name)) != nullptr) return true;
    return false;
  }

  Findings& findings_;
};

}  // namespace

void check_shape(const Node& root, Findings& findings) { Shape(findings).map(root, ""); }

std::string_view form_of(std::string_view path, const Node& element) {
  std::string_view found;
  int heads = 0;
  for (const Form& form : all_forms()) {
    if (form.path != path) continue;
    for (const std::string_view head : form.heads)
      if (element.entry(head) != nullptr) found = form.name, ++heads;
  }
  return heads == 1 ? found : std::string_view();
}

std::optional<long> whole_of(std::string_view text) {
  long number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<bool> flag_of(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

}  // namespace backout::config

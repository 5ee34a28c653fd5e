#include "init/words.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"

namespace backout::init {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

std::optional<int> number_in(std::string_view text) {
  int number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc() || end != text.data() + text.size() || number < 1 || number > 65535) return std::nullopt;
  return number;
}

bool is_option_for_a_port(std::string_view word) {
  while (word.starts_with('-')) word.remove_prefix(1);
  static constexpr std::string_view kOptions[] = {"b",    "bind",    "p",    "port",        "l",      "listen",
                                                  "addr", "address", "http", "http-socket", "binding"};
  return std::find(std::begin(kOptions), std::end(kOptions), word) != std::end(kOptions);
}

bool is_address(std::string_view word) {
  const size_t colon = word.rfind(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view host = word.substr(0, colon);
  return host.empty() || host == "localhost" || host == "[::]" || host == "*" ||
         (std::isdigit(static_cast<unsigned char>(host.front())) != 0 &&
          host.find_first_not_of("0123456789.") == std::string_view::npos);
}

}  // namespace

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool inside = false;
  char quote = 0;
  for (size_t at = 0; at < line.size(); ++at) {
    const char c = line[at];
    if (c == '\\' && quote != '\'' && at + 1 < line.size()) {
      word += line[++at];
      inside = true;
    } else if (quote != 0) {
      if (c == quote)
        quote = 0;
      else
        word += c;
    } else if (c == '"' || c == '\'') {
      quote = c;
      inside = true;
    } else if (is_space(c) || c == '\n') {
      if (inside) words.push_back(std::move(word));
      word.clear();
      inside = false;
    } else {
      word += c;
      inside = true;
    }
  }
  if (inside) words.push_back(std::move(word));
  return words;
}

std::string Section::get(std::string_view key) const {
  std::string value;
  for (const auto& [word, text] : keys)
    if (word == key) value = text;
  return value;
}

std::vector<std::string> Section::all(std::string_view key) const {
  std::vector<std::string> values;
  for (const auto& [word, text] : keys)
    if (word == key) values.push_back(text);
  return values;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::vector<Section> parse_ini(std::string_view text) {
  std::vector<Section> sections;
  bool goes_on = false;
  for (const std::string_view line : lines_of(text)) {
    const std::string_view plain = trimmed(line);
    if (plain.empty() || plain.front() == '#' || plain.front() == ';') continue;
    Section* section = sections.empty() ? nullptr : &sections.back();
    if (section != nullptr && !section->keys.empty() &&
        (goes_on || (is_space(line.front()) && plain.find('=') == std::string_view::npos && plain.front() != '['))) {
      std::string& value = section->keys.back().second;
      if (goes_on && value.ends_with('\\')) value.pop_back();
      value += " " + std::string(plain);
      goes_on = plain.ends_with('\\');
      continue;
    }
    goes_on = false;
    if (plain.front() == '[' && plain.find(']') != std::string_view::npos) {
      sections.push_back({std::string(trimmed(plain.substr(1, plain.find(']') - 1))), {}});
      continue;
    }
    const size_t equals = plain.find('=');
    if (section == nullptr || equals == std::string_view::npos) continue;
    std::string value(trimmed(plain.substr(equals + 1)));
    if (const size_t comment = value.find(" ;"); comment != std::string::npos) value.resize(comment);
    goes_on = value.ends_with('\\');
    section->keys.emplace_back(trimmed(plain.substr(0, equals)), trimmed(value));
  }
  return sections;
}

const Section* find_section(const std::vector<Section>& sections, std::string_view name) {
  for (const Section& section : sections)
    if (section.name == name) return &section;
  return nullptr;
}

std::map<std::string, std::string> parse_environment(std::string_view text) {
  std::map<std::string, std::string> variables;
  for (std::string_view line : lines_of(text)) {
    line = trimmed(line);
    if (line.starts_with("export ")) line = trimmed(line.substr(7));
    const size_t equals = line.find('=');
    if (line.empty() || line.front() == '#' || equals == std::string_view::npos || equals == 0) continue;
    const std::vector<std::string> words = words_of(line.substr(equals + 1));
    variables[std::string(trimmed(line.substr(0, equals)))] = words.empty() ? "" : words.front();
  }
  return variables;
}

std::optional<int> port_in(std::string_view address) {
  while (address.ends_with('/')) address.remove_suffix(1);
  const size_t colon = address.rfind(':');
  return number_in(colon == std::string_view::npos ? address : address.substr(colon + 1));
}

std::optional<int> port_of(const std::vector<std::string>& words) {
  for (size_t at = 0; at < words.size(); ++at) {
    const std::string& word = words[at];
    const size_t equals = word.find('=');
    if (word.starts_with('-') && equals != std::string::npos && is_option_for_a_port(word.substr(0, equals)))
      if (const auto port = port_in(std::string_view(word).substr(equals + 1))) return port;
    if (word.starts_with('-') && is_option_for_a_port(word) && at + 1 < words.size())
      if (const auto port = port_in(words[at + 1])) return port;
    if ((word.starts_with("-b") || word.starts_with("-p")) && word.size() > 2)
      if (const auto port = port_in(std::string_view(word).substr(2))) return port;
    if ((word == "runserver" || word == "http.server") && at + 1 < words.size())
      if (const auto port = port_in(words[at + 1])) return port;
    if (const auto port = port_of_variable(word)) return port;
    if (is_address(word))
      if (const auto port = port_in(word)) return port;
  }
  return std::nullopt;
}

std::optional<int> port_of_variable(std::string_view assignment) {
  const size_t equals = assignment.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  const std::string name = lower(assignment.substr(0, equals));
  const std::string_view value = assignment.substr(equals + 1);
  for (const std::string_view other : {"db", "database", "pg", "postgres", "mysql", "redis", "smtp", "mail", "cache",
                                       "amqp", "rabbit", "metrics", "statsd", "mongo", "debug"})
    if (name.find(other) != std::string::npos) return std::nullopt;
  if (name == "port" || name.ends_with("_port")) return number_in(value);
  for (const std::string_view end : {"address", "addr", "bind", "listen"})
    if (name.ends_with(end) && is_address(value)) return port_in(value);
  return std::nullopt;
}

std::optional<std::pair<int, int>> port_in_source(std::string_view text) {
  int number = 0;
  for (const std::string_view line : lines_of(text)) {
    ++number;
    const std::string words = lower(line.substr(0, 400));
    const std::string_view plain = trimmed(words);
    if (plain.starts_with("//") || plain.starts_with('#') || plain.starts_with('*')) continue;
    if (words.find("listen") == std::string::npos && words.find("port") == std::string::npos &&
        words.find("bind") == std::string::npos && words.find("addr") == std::string::npos)
      continue;
    if (plain.starts_with("import ") || plain.starts_with("from ") || plain.find("import(") != std::string_view::npos)
      continue;
    for (size_t at = 0; at < words.size();) {
      const size_t begin = words.find_first_of("0123456789", at);
      if (begin == std::string::npos) break;
      const size_t end = std::min(words.find_first_not_of("0123456789", begin), words.size());
      at = end;
      const auto is_other = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_';
      };
      if ((begin > 0 && is_other(words[begin - 1])) || (end < words.size() && is_other(words[end]))) continue;
      const auto port = number_in(std::string_view(words).substr(begin, end - begin));
      if (port && *port >= 1024) return std::pair(*port, number);
    }
  }
  return std::nullopt;
}

Role role_of(std::string_view name, std::string_view command) {
  const std::string all = lower(name) + " " + lower(command);
  const auto has = [&](std::initializer_list<std::string_view> words) {
    return std::any_of(words.begin(), words.end(),
                       [&](std::string_view word) { return all.find(word) != std::string::npos; });
  };
  if (has({"gunicorn", "uvicorn", "daphne", "hypercorn", "puma", "unicorn", "runserver", "waitress", "http.server"}))
    return Role::kWeb;
  if (has({" beat", "celerybeat", "-beat", "_beat", "scheduler", "rqscheduler", "clockwork", "clock.rb"}))
    return Role::kBeat;
  if (has({"worker", "celery", "sidekiq", "resque", "rqworker", "rq ", "consumer", "queue", "delayed_job", "dramatiq",
           "huey"}))
    return Role::kWorker;
  return Role::kWeb;
}

bool is_secret_name(std::string_view name) {
  const std::string words = lower(name);
  for (const std::string_view part :
       {"pass", "pwd", "secret", "token", "api_key", "api-key", "apikey", "access_key", "access-key", "private_key",
        "private-key", "credential", "auth", "bearer", "cookie", "_dsn", "database_url"})
    if (words.find(part) != std::string::npos) return true;
  return false;
}

std::pair<std::string, bool> without_password(const std::string& url) {
  const size_t slashes = url.find("://");
  if (slashes == std::string::npos) return {url, false};
  const size_t begin = slashes + 3;
  const size_t end = std::min(url.find_first_of("/?#", begin), url.size());
  const size_t at = url.substr(0, end).rfind('@');
  if (at == std::string::npos || at < begin) return {url, false};
  const std::string user = url.substr(begin, at - begin);
  // "git@host" is a login; "x:y@host" has a password, and "TOKEN@host" over http is one.
  if (user.find(':') == std::string::npos && !url.starts_with("http")) return {url, false};
  return {url.substr(0, begin) + url.substr(at + 1), true};
}

namespace {

/// A value that is a key by its looks: a known beginning, or long, without words, with digits and letters of both
/// cases.
bool looks_like_key(std::string_view value) {
  for (const std::string_view begin :
       {"sk_live_", "sk_test_", "rk_live_", "ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "xapp-",
        "AKIA", "ASIA", "eyJ", "SG.", "hf_", "AIza", "npm_"})
    if (value.starts_with(begin) && value.size() >= begin.size() + 6) return true;
  constexpr size_t kLong = 24;
  if (value.size() < kLong || value.find_first_of("/.:, ") != std::string_view::npos) return false;
  const auto has = [&](int (*kind)(int)) {
    return std::any_of(value.begin(), value.end(), [&](unsigned char c) { return kind(c) != 0; });
  };
  return has(std::isdigit) && has(std::isupper) && has(std::islower);
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789:.") == std::string_view::npos;
}

/// The word after -p, -u or -a, where that is a password: not a port, a path or a plain name of a user.
bool is_given_to(std::string_view flag, std::string_view value) {
  if (flag == "-p") return !is_number(value) && !value.starts_with('/') && !value.starts_with('-');
  if (flag == "-u" || flag == "--user") return value.find(':') != std::string_view::npos;
  return false;
}

}  // namespace

bool holds_secret(const std::vector<std::string>& words) {
  std::string_view before;
  bool database_client = false;
  for (const std::string& word : words) {
    if (without_password(word).second) return true;
    const size_t scheme = word.find("://");
    if (scheme != std::string::npos && word.find('@', scheme) != std::string::npos) return true;
    const size_t value = word.find_first_of("=:");
    if (word.starts_with("-") && is_secret_name(std::string_view(word).substr(0, value))) return true;
    if (value != std::string::npos && scheme == std::string::npos && is_secret_name(word)) return true;
    if (scheme != std::string::npos && word.find('=', scheme) != std::string::npos &&
        is_secret_name(std::string_view(word).substr(scheme)))
      return true;
    if (is_given_to(before, word)) return true;
    if (database_client && word.size() > 2 && (word.starts_with("-p") || word == "-a")) return true;
    if (looks_like_key(value == std::string::npos ? std::string_view(word) : std::string_view(word).substr(value + 1)))
      return true;
    const std::string program = base_name(word);
    database_client = database_client || program.starts_with("mysql") || program.starts_with("mariadb");
    if (before.empty() && program == "redis-cli") database_client = true;
    if (database_client && word == "-a") return true;
    before = word;
  }
  return false;
}

std::string as_name(std::string_view text) {
  std::string name;
  for (const char c : text.substr(0, 100)) {
    const bool fits = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-';
    if (fits)
      name += c;
    else if (!name.empty() && name.back() != '-')
      name += '-';
  }
  while (name.ends_with('-') || name.ends_with('.')) name.pop_back();
  const size_t begin = name.find_first_not_of("-.");
  return begin == std::string::npos ? "" : name.substr(begin);
}

bool is_sql_of_the_code(std::string_view path) {
  const std::string name = base_name(path);
  if (name == "schema.sql" || name == "structure.sql") return true;
  const std::vector<std::string> parts = split(parent_of(path), '/');
  return std::any_of(parts.begin(), parts.end(), [](std::string_view part) {
    return part == "migrations" || part == "migrate" || part == "fixtures" || part == "seeds";
  });
}

std::string base_name(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const size_t slash = path.rfind('/');
  return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

std::string parent_of(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return "";
  return std::string(path.substr(0, std::max<size_t>(slash, 1)));
}

std::string quoted_after(std::string_view text, size_t at) {
  const size_t begin = text.find_first_of("'\"\n", at);
  if (begin == std::string_view::npos || text[begin] == '\n') return "";
  const size_t end = text.find_first_of(std::array{text[begin], '\n', '\0'}.data(), begin + 1);
  if (end == std::string_view::npos || text[end] == '\n') return "";
  return std::string(text.substr(begin + 1, end - begin - 1));
}

}  // namespace backout::init

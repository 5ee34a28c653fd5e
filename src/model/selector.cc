#include "model/selector.h"

#include <cctype>

#include "base/text.h"

namespace backout {
namespace {

constexpr size_t kLongestSelector = 4096, kMostMatchers = 32;

bool begins_name(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool in_name(char c) { return begins_name(c) || std::isdigit(static_cast<unsigned char>(c)) != 0; }

/// Takes tokens from the front of a text.
class Tokens {
 public:
  explicit Tokens(std::string_view text) : rest_(text) {}

  void skip_blanks() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t' || rest_.front() == '\n'))
      rest_.remove_prefix(1);
  }
  bool take(std::string_view what) {
    if (!rest_.starts_with(what)) return false;
    rest_.remove_prefix(what.size());
    return true;
  }
  /// A name; empty when there is none. Those of metrics may have colons.
  std::string name(bool colons) {
    size_t size = 0;
    while (size < rest_.size() && (in_name(rest_[size]) || (colons && rest_[size] == ':')) &&
           (size > 0 || !std::isdigit(rest_[0])))
      ++size;
    std::string found(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return found;
  }
  /// A quoted text: "", '' with escapes, or `` as it stands.
  std::optional<std::string> quoted() {
    if (rest_.empty()) return std::nullopt;
    const char quote = rest_.front();
    if (quote != '"' && quote != '\'' && quote != '`') return std::nullopt;
    std::string value;
    for (size_t at = 1; at < rest_.size(); ++at) {
      const char c = rest_[at];
      if (c == quote) {
        rest_.remove_prefix(at + 1);
        return value;
      }
      if (c != '\\' || quote == '`') {
        value += c;
        continue;
      }
      if (++at == rest_.size()) return std::nullopt;
      value += rest_[at] == 'n' ? '\n' : rest_[at] == 't' ? '\t' : rest_[at];
    }
    return std::nullopt;
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

std::string_view sign_of(Selector::Relation relation) {
  switch (relation) {
    case Selector::Relation::kIs: return "=";
    case Selector::Relation::kIsNot: return "!=";
    case Selector::Relation::kMatches: return "=~";
    case Selector::Relation::kMatchesNot: return "!~";
  }
  return "=";
}

}  // namespace

std::string label_quoted(std::string_view value) {
  std::string text = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') text += '\\';
    if (c == '\n')
      text += "\\n";
    else
      text += c;
  }
  return text + '"';
}

Result<Selector> Selector::parse(std::string_view text) {
  const auto invalid = [&](std::string_view why) {
    return Error{
        Code::kInvalid, fmt::format("'{}' is no selector: {}", shortened(one_line(text), 80), why),
        "for example: http_requests_total{code=~\"5..\"}; for an expression, record it under a name of its own"};
  };
  if (text.size() > kLongestSelector) return invalid("it is too long");
  Selector selector;
  Tokens tokens(text);
  tokens.skip_blanks();
  selector.name_ = tokens.name(true);
  tokens.skip_blanks();
  if (tokens.take("{")) {
    for (tokens.skip_blanks(); !tokens.take("}"); tokens.skip_blanks()) {
      Matcher matcher{.label = tokens.name(false)};
      if (matcher.label.empty()) return invalid("a label is missing before '" + shortened(tokens.rest(), 20) + "'");
      tokens.skip_blanks();
      if (tokens.take("=~"))
        matcher.relation = Relation::kMatches;
      else if (tokens.take("!~"))
        matcher.relation = Relation::kMatchesNot;
      else if (tokens.take("!="))
        matcher.relation = Relation::kIsNot;
      else if (!tokens.take("="))
        return invalid("expected =, !=, =~ or !~ after " + matcher.label);
      tokens.skip_blanks();
      std::optional<std::string> value = tokens.quoted();
      if (!value) return invalid("the value of " + matcher.label + " is not in quotes");
      matcher.value = std::move(*value);
      tokens.skip_blanks();
      const bool more = tokens.take(",");
      if (!more && !tokens.rest().starts_with('}'))
        return invalid("expected , or } after the value of " + matcher.label);
      if (matcher.label == "__name__" && matcher.relation == Relation::kIs && selector.name_.empty())
        selector.name_ = matcher.value;
      else
        selector.matchers_.push_back(std::move(matcher));
      if (selector.matchers_.size() > kMostMatchers) return invalid("it has too many labels");
    }
  }
  tokens.skip_blanks();
  if (!tokens.rest().empty())
    return invalid("nothing may follow, and there is '" + shortened(one_line(tokens.rest()), 20) + "'");
  if (selector.name_.empty()) return invalid("it names no metric");
  for (const Matcher& matcher : selector.matchers_) {
    std::shared_ptr<const Pattern> pattern;
    if (matcher.relation == Relation::kMatches || matcher.relation == Relation::kMatchesNot) {
      auto compiled = Pattern::compile("^(?s:" + matcher.value + ")$");
      if (!compiled) return invalid(compiled.error().message);
      pattern = std::make_shared<const Pattern>(std::move(*compiled));
    }
    selector.patterns_.push_back(std::move(pattern));
  }
  return selector;
}

bool Selector::matches(std::string_view name, const Labels& labels) const {
  if (name != name_) return false;
  for (size_t at = 0; at < matchers_.size(); ++at) {
    const auto found = labels.find(matchers_[at].label);
    const std::string_view value = found == labels.end() ? std::string_view() : std::string_view(found->second);
    switch (matchers_[at].relation) {
      case Relation::kIs:
        if (value != matchers_[at].value) return false;
        break;
      case Relation::kIsNot:
        if (value == matchers_[at].value) return false;
        break;
      case Relation::kMatches:
        if (!patterns_[at]->found_in(value)) return false;
        break;
      case Relation::kMatchesNot:
        if (patterns_[at]->found_in(value)) return false;
        break;
    }
  }
  return true;
}

std::string Selector::text() const {
  std::vector<std::string> parts;
  for (const Matcher& matcher : matchers_)
    parts.push_back(fmt::format("{}{}{}", matcher.label, sign_of(matcher.relation), label_quoted(matcher.value)));
  return parts.empty() ? name_ : fmt::format("{}{{{}}}", name_, join(parts, ","));
}

}  // namespace backout

#include "watch/log/log.h"

#include <charconv>

#include "base/text.h"
#include "host/log_script.h"
#include "model/log_lines.h"
#include "watch/log/error_lines.h"
#include "watch/pace.h"

namespace backout::watch {
namespace {

constexpr size_t kLongestUnfinished = 64U << 10;

struct Part {
  std::string raw;
  std::vector<std::string> head;
  size_t begin = 0, end = 0;  // of the text in `raw`, whole lines
  std::string_view text() const { return std::string_view(raw).substr(begin, end - begin); }
};

int64_t whole_number(const std::string& text) {
  int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

int minutes_east(const std::string& zone) {
  if (zone.size() != 5) return 0;
  const auto number = static_cast<int>(whole_number(zone.substr(1)));
  return (zone[0] == '-' ? -1 : 1) * (number / 100 * 60 + number % 100);
}

/// Has any line of it a time of its own?
bool has_times(std::string_view text, int zone) {
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    if (time_of(text.substr(start, end - start), zone)) return true;
    start = end + 1;
  }
  return false;
}

class LogSource : public Source {
 public:
  LogSource(std::string place, bool journal, ErrorLines::Rules rules, host::Host& host)
      : place_(std::move(place)), journal_(journal), rules_(std::move(rules)), host_(host) {}

  Result<Seen> look(const Scope& scope, const Json& position, const std::stop_token& stop) override {
    ErrorLines lines(rules_);
    lines.remember(get(position, "memory"));
    const Json& from = get(position, "place");
    Seen seen;
    auto part = from.is_object() ? further(from, stop) : first(stop);
    if (stop.stop_requested()) return Pace::nothing_new(position);
    if (!part) {
      Seen nothing = blind(position, part.error().message);
      // What comes back under the name is another file, also when it gets the number of the one that went.
      if (part.error().code == Code::kNotFound && from.is_object()) nothing.position["place"]["gone"] = true;
      return nothing;
    }
    const int zone = minutes_east(part->head.back());
    if (!from.is_object()) {
      begin(scope, *part, zone, lines, seen);
    } else {
      note_gaps(*part, seen);
      lines.read(part->text(), zone, scope.now);
    }
    seen.occurrences = lines.take();
    seen.figures = {{"lines", lines.lines()}, {"errors", lines.errors()}, {"compared", lines.has_learnt()}};
    if (lines.kinds_left_out() > 0)
      seen.remarks.push_back(counted(lines.kinds_left_out(), "more kind") + " of error lines, not told one by one");
    seen.position = {{"place", place_after(*part)}, {"memory", lines.memory()}};
    return seen;
  }

 private:
  Result<Part> ask(std::vector<std::string> words, std::string_view answer, size_t heads,
                   const std::stop_token& stop) const {
    host::Command command = host::shell(journal_ ? host::kJournalScript : host::kLogScript, std::move(words));
    command.timeout = Millis(10'000);
    command.output_limit = kMostOfLog + (64U << 10);
    auto result = TRY(host_.run(command, stop));
    if (!result.ok()) return Error{Code::kUnavailable, place_ + " cannot be read: " + result.why_not_ok(), ""};
    Part part;
    part.raw = std::move(result.out);
    const size_t end = std::min(part.raw.find('\n'), part.raw.size());
    part.head = split(std::string_view(part.raw).substr(0, end), ' ');
    if (part.head[0] == "missing")
      return Error{Code::kNotFound, journal_ ? "there is no unit " + place_ : place_ + " is not there", ""};
    if (part.head[0] != answer || part.head.size() != heads)
      return Error{Code::kCorrupt, place_ + ": the host gave no answer that can be read", ""};
    return part;
  }

  /// What is there at the first look; the text is read later, so that it lies where it stays.
  Result<Part> first(const std::stop_token& stop) const {
    return with_text(ask({"mark", place_, std::to_string(kHabitBytes)}, "marked", 4, stop));
  }
  Result<Part> further(const Json& from, const std::stop_token& stop) const {
    const std::string limit = std::to_string(kMostOfLog);
    if (journal_)
      return with_text(
          ask({"scan", place_, get_string(from, "cursor", "-"), std::to_string(get_int(from, "since")), limit}, "read",
              6, stop));
    auto part =
        ask({"scan", place_, std::to_string(get_int(from, "inode")), std::to_string(get_int(from, "offset")), limit},
            "read", 6, stop);
    if (part && get_bool(from, "gone") && part->head[4] == "continued") {
      part = ask({"scan", place_, "0", "0", limit}, "read", 6, stop);
      if (part) part->head[4] = "lost";
    }
    return with_text(std::move(part));
  }
  /// A line that is not finished is left for the next look, unless it is a very long one.
  Result<Part> with_text(Result<Part> part) const {
    if (!part) return part;
    const size_t head_end = part->raw.find('\n');
    part->begin = head_end == std::string::npos ? part->raw.size() : head_end + 1;
    part->end = part->raw.size();
    if (journal_) return part;
    const size_t newline = part->raw.rfind('\n');
    const size_t finished = newline == std::string::npos ? part->begin : std::max(part->begin, newline + 1);
    if (part->raw.size() - finished <= kLongestUnfinished) part->end = finished;
    return part;
  }

  void begin(const Scope& scope, const Part& part, int zone, ErrorLines& lines, Seen& seen) const {
    std::string_view after;
    if (has_times(part.text(), zone))
      after = lines_since(part.text(), scope.cutover, zone);
    else if (scope.now - scope.cutover > kSoon)
      after = part.text();
    lines.learn(part.text().substr(0, part.text().size() - after.size()));
    lines.read(after, zone, scope.now);
    if (after.size() == part.text().size() && after.size() + kLongestUnfinished >= kHabitBytes)
      seen.remarks.push_back(
          told(fmt::format("of {} only the last {} were read", place_, bytes_for_people(kHabitBytes))));
    if (rules_.templates && !lines.has_learnt())
      seen.remarks.push_back(
          told("no line of " + place_ + " is known to be the old release's: no kind of error can be called new"));
  }

  void note_gaps(Part& part, Seen& seen) const {
    const int64_t skipped = whole_number(part.head[3]);
    if (skipped > 0 || (journal_ && part.text().size() >= kMostOfLog)) {  // cut in the middle of a line
      part.begin += std::min(part.text().find('\n'), part.text().size());
      seen.remarks.push_back(
          told(fmt::format("{} of {} were skipped: too much was new",
                           bytes_for_people(static_cast<uint64_t>(std::max<int64_t>(skipped, 0))), place_)));
    }
    if (part.head[4] == "lost")
      seen.remarks.push_back(told(place_ + " was replaced, and what was written before that is gone"));
    if (part.head[4] == "truncated")
      seen.remarks.push_back(told(place_ + " was cut short: it is read from its beginning"));
  }

  Json place_after(const Part& part) const {
    if (journal_) return {{"cursor", part.head[1]}, {"since", whole_number(part.head[2])}};
    const auto unfinished = static_cast<int64_t>(part.raw.size() - part.end);
    const int64_t offset = whole_number(part.head[2]);
    return {{"inode", whole_number(part.head[1])}, {"offset", offset - std::min(offset, unfinished)}};
  }

  const std::string place_;
  const bool journal_;
  const ErrorLines::Rules rules_;
  host::Host& host_;
};

Result<std::vector<Pattern>> compiled_list(const Json& list) {
  std::vector<Pattern> patterns;
  for (const Json& each : list) {
    if (!each.is_string()) return Error{Code::kInvalid, "log: an expression is not text", ""};
    patterns.push_back(TRY(Pattern::compile(each.get<std::string>())));
  }
  return patterns;
}

}  // namespace

Result<std::unique_ptr<Source>> make_log(const Json& subject, host::Host& host) {
  const bool journal = !get_string(subject, "journal").empty();
  const std::string place = get_string(subject, journal ? "journal" : "log");
  const bool fits = journal ? place[0] != '-' : place.starts_with('/');
  if (!fits || place.find('\0') != std::string::npos)
    return Error{Code::kInvalid, "log: needs an absolute path, or the unit of a journal",
                 "for example: log: /var/log/shop/app.log"};
  ErrorLines::Rules rules;
  rules.errors = TRY(compiled_list(get(subject, "errors")));
  rules.ignore = TRY(compiled_list(get(subject, "ignore")));
  rules.templates = get_bool(subject, "templates", true);
  return std::unique_ptr<Source>(std::make_unique<LogSource>(place, journal, std::move(rules), host));
}

}  // namespace backout::watch

#include <algorithm>

#include "base/text.h"
#include "watch/access_log/format.h"
#include "watch/access_log/format_words.h"

namespace backout::watch {
namespace {

constexpr std::string_view kCommon = "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent";
constexpr std::string_view kCombined =
    "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" "
    "\"$http_user_agent\"";

/// The usual variables for a column, best first.
struct Usual {
  Column column;
  std::vector<std::string_view> names;
};
const std::vector<Usual>& usual_variables() {
  static const std::vector<Usual> all = {
      {Column::kClient,
       {"remote_addr", "realip_remote_addr", "http_x_forwarded_for", "http_x_real_ip", "proxy_protocol_addr",
        "peer_addr"}},
      {Column::kTime, {"msec", "epoch_us", "epoch_ms", "epoch_s", "time_iso8601", "time_local", "time_other"}},
      {Column::kRequest, {"request"}},
      {Column::kMethod, {"request_method"}},
      {Column::kPath, {"request_uri", "uri", "document_uri"}},
      {Column::kStatus, {"status", "upstream_status"}},
      {Column::kDuration, {"upstream_response_time", "request_time", "duration_us", "duration_ms", "duration_s"}},
  };
  return all;
}

struct UsualKey {
  Column column;
  std::string_view key;
  DurationUnit unit = DurationUnit::kSeconds;
};
/// What common servers and libraries write: nginx with escape=json, Caddy, Traefik, Envoy, pino-http and the like.
constexpr UsualKey kUsualKeys[] = {
    {Column::kStatus, "status"},
    {Column::kStatus, "status_code"},
    {Column::kStatus, "http_status"},
    {Column::kStatus, "response_code"},
    {Column::kStatus, "statusCode"},
    {Column::kStatus, "DownstreamStatus"},
    {Column::kStatus, "res.statusCode"},
    {Column::kDuration, "upstream_response_time"},
    {Column::kDuration, "request_time"},
    {Column::kDuration, "duration_ms", DurationUnit::kMillis},
    {Column::kDuration, "duration"},
    {Column::kDuration, "Duration", DurationUnit::kNanos},
    {Column::kDuration, "responseTime", DurationUnit::kMillis},
    {Column::kDuration, "response_time_ms", DurationUnit::kMillis},
    {Column::kDuration, "latency_ms", DurationUnit::kMillis},
    {Column::kDuration, "duration_us", DurationUnit::kMicros},
    {Column::kTime, "msec"},
    {Column::kTime, "time_iso8601"},
    {Column::kTime, "@timestamp"},
    {Column::kTime, "timestamp"},
    {Column::kTime, "time"},
    {Column::kTime, "ts"},
    {Column::kTime, "time_local"},
    {Column::kTime, "start_time"},
    {Column::kTime, "StartUTC"},
    {Column::kClient, "remote_addr"},
    {Column::kClient, "client_ip"},
    {Column::kClient, "remote_ip"},
    {Column::kClient, "request.client_ip"},
    {Column::kClient, "request.remote_ip"},
    {Column::kClient, "ClientHost"},
    {Column::kClient, "client"},
    {Column::kClient, "ip"},
    {Column::kClient, "req.remoteAddress"},
    {Column::kRequest, "request"},
    {Column::kMethod, "request_method"},
    {Column::kMethod, "method"},
    {Column::kMethod, "request.method"},
    {Column::kMethod, "RequestMethod"},
    {Column::kMethod, "req.method"},
    {Column::kPath, "request_uri"},
    {Column::kPath, "uri"},
    {Column::kPath, "path"},
    {Column::kPath, "url"},
    {Column::kPath, "request.uri"},
    {Column::kPath, "RequestPath"},
    {Column::kPath, "req.url"},
};

bool is_path(std::string_view name) { return name == "request_uri" || name == "uri" || name == "document_uri"; }
bool is_query(std::string_view name) { return name == "args" || name == "query_string" || name == "is_args"; }

}  // namespace

class FormatCompiler {
 public:
  FormatCompiler(std::string_view text, const Naming& naming) : text_(text), naming_(naming) {}

  Result<Format> run() {
    const std::string_view name = trimmed(text_);
    if (name == "json") return json();
    if (name.empty() || name == "combined") {
      words_ = TRY(nginx_words(kCombined));
    } else if (name == "common") {
      words_ = TRY(nginx_words(kCommon));
    } else if (name == "vhost_combined") {
      words_ = TRY(nginx_words("$host:$server_port " + std::string(kCombined)));
    } else if (name.find('$') != std::string_view::npos) {
      words_ = TRY(nginx_words(name));
    } else if (name.find('%') != std::string_view::npos) {
      words_ = TRY(apache_words(name));
      format_.time_is_end_ = false;
    } else {
      return wrong("is not known");
    }
    columns_.assign(words_.size(), Column::kNone);
    TRY_VOID(choose_all());
    TRY_VOID(make_moves());
    return std::move(format_);
  }

 private:
  Error wrong(const std::string& what) const {
    return {Code::kInvalid, fmt::format("access log: the format '{}' {}", shortened(one_line(text_), 80), what),
            "write 'combined', 'common', 'vhost_combined', 'json', or the string of log_format or LogFormat"};
  }

  Result<Format> json() {
    format_.is_json_ = true;
    format_.time_form_ = TimeForm::kAny;
    const std::pair<Column, const std::string*> named[] = {{Column::kClient, &naming_.client},
                                                           {Column::kRelease, &naming_.release},
                                                           {Column::kStatus, &naming_.status},
                                                           {Column::kDuration, &naming_.duration},
                                                           {Column::kTime, &naming_.time}};
    for (const auto& [column, key] : named) {
      if (key->empty()) continue;
      format_.json_.want(*key, column, unit_of(*key));
      have(column);
    }
    for (const UsualKey& each : kUsualKeys) {
      if (named_has(each.column)) continue;
      format_.json_.want(std::string(each.key), each.column, each.unit);
    }
    for (const Column column : {Column::kClient, Column::kTime, Column::kRequest, Column::kMethod, Column::kPath,
                                Column::kStatus, Column::kDuration})
      have(column);
    return std::move(format_);
  }
  bool named_has(Column column) const {
    return (column == Column::kClient && !naming_.client.empty()) ||
           (column == Column::kStatus && !naming_.status.empty()) ||
           (column == Column::kDuration && !naming_.duration.empty()) ||
           (column == Column::kTime && !naming_.time.empty());
  }
  void have(Column column) { format_.has_[static_cast<size_t>(column)] = true; }

  Result<void> choose_all() {
    TRY_VOID(choose_named(Column::kRelease, naming_.release, "release"));
    TRY_VOID(choose_named(Column::kClient, naming_.client, "client"));
    TRY_VOID(choose_named(Column::kStatus, naming_.status, "status"));
    TRY_VOID(choose_named(Column::kDuration, naming_.duration, "duration"));
    TRY_VOID(choose_named(Column::kTime, naming_.time, "time"));
    for (const Usual& usual : usual_variables()) {
      if (format_.has(usual.column)) continue;
      if ((usual.column == Column::kMethod || usual.column == Column::kPath) && format_.has(Column::kRequest)) continue;
      for (const std::string_view name : usual.names)
        if (take(usual.column, name)) break;
    }
    if (!format_.has(Column::kStatus)) return wrong("has no status");
    if (!format_.has(Column::kTime)) return wrong("has no time");
    for (size_t i = 0; i < words_.size(); ++i) {
      if (columns_[i] == Column::kTime) format_.time_form_ = TRY(time_form_of(words_[i].text));
      if (columns_[i] == Column::kDuration) format_.duration_unit_ = unit_of(words_[i].text);
    }
    return {};
  }
  Result<void> choose_named(Column column, const std::string& given, std::string_view what) {
    if (given.empty()) return {};
    const std::string name = TRY(variable_name(given));
    if (take(column, name)) return {};
    std::vector<std::string> there;
    for (const FormatWord& word : words_)
      if (word.variable) there.push_back(word.written);
    return Error{
        Code::kInvalid,
        fmt::format("access log: {} '{}' is no variable of the log format", what, shortened(one_line(given), 60)),
        fmt::format("the format has {}", shortened(one_line(join(there, " ")), 300))};
  }
  bool take(Column column, std::string_view name) {
    for (size_t i = 0; i < words_.size(); ++i) {
      if (!words_[i].variable || words_[i].text != name || columns_[i] != Column::kNone) continue;
      columns_[i] = column;
      have(column);
      return true;
    }
    return false;
  }

  Result<void> make_moves() {
    size_t i = 0;
    if (!words_.empty() && !words_[0].variable) format_.start_ = words_[i++].text;
    size_t last = 0;  // behind the last move that is wanted nothing has to be found
    while (i < words_.size()) {
      const Column column = columns_[i];
      std::string until;
      bool keep = false;
      const FormatWord* word = &words_[i++];
      while (i < words_.size() && words_[i].variable && is_query(words_[i].text) &&
             (is_path(word->text) || is_query(word->text)))
        word = &words_[i++];  // "%U%q", "$uri$is_args$args": one path
      if (i < words_.size() && words_[i].variable) {
        if (!is_path(words_[i].text)) {
          if (nothing_wanted_from(i) && column == Column::kNone) break;
          return wrong(fmt::format("has {} and {} side by side: where one ends cannot be told", word->written,
                                   words_[i].written));
        }
        until = "/";
        keep = true;
      } else if (i < words_.size()) {
        until = words_[i++].text;
      }
      Format::Move& move = format_.moves_.emplace_back(column, std::move(until));
      move.keep = keep;
      if (!move.until.empty() && !keep) move.width = width_of(column);
      move.seconds = column == Column::kDuration && !move.until.empty() && (move.first == ' ' || move.first == '"');
      if (format_.moves_.back().column != Column::kNone) last = format_.moves_.size();
    }
    format_.moves_.erase(format_.moves_.begin() + static_cast<ptrdiff_t>(last), format_.moves_.end());
    return {};
  }
  uint8_t width_of(Column column) const {
    if (column == Column::kStatus) return 3;
    if (column != Column::kTime) return 0;
    return format_.time_form_ == TimeForm::kLocal ? 26 : format_.time_form_ == TimeForm::kIso ? 25 : 0;
  }
  bool nothing_wanted_from(size_t i) const {
    return std::all_of(columns_.begin() + static_cast<ptrdiff_t>(i), columns_.end(),
                       [](Column each) { return each == Column::kNone; });
  }

  std::string_view text_;
  const Naming& naming_;
  std::vector<FormatWord> words_;
  std::vector<Column> columns_;
  Format format_;
};

Result<Format> Format::compile(const std::string& text, const Naming& naming) {
  return FormatCompiler(text, naming).run();
}

}  // namespace backout::watch

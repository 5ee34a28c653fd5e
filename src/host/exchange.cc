#include "host/exchange.h"

#include "base/ids.h"
#include "base/text.h"

namespace backout::host {
namespace {

/// sh could not open the script: somebody removed it since prepare(). Nothing of it has run.
bool shim_is_gone(const Reply& reply) {
  return reply.lines.empty() && (reply.end.exit_status == 127 || reply.end.exit_status == 2) && reply.end.signal == 0;
}

Result<Reply> ask_once(const Transport& transport, const std::vector<std::string>& words, const Order& order,
                       Millis timeout, size_t output_limit, std::stop_token stop) {
  Reply reply;
  Answer answer(
      order.nonce(), [&](std::string_view word, std::string_view rest) { reply.lines[std::string(word)] = rest; },
      [&](bool is_error, std::string_view bytes) { (is_error ? reply.err : reply.out).add(bytes, output_limit); });
  os::ProcessSpec spec = transport.shim(words);
  spec.stdin_text = order.text();
  spec.timeout = timeout;
  spec.output_limit = 1 << 16;  // of the raw stream, which the answer's reader has seen whole
  spec.on_stdout = [&](std::string_view chunk) { answer.feed(chunk); };
  reply.end = TRY(os::run_process(spec, std::move(stop)));
  return reply;
}

}  // namespace

std::string new_nonce() { return "\x1E" + random_hex(16); }

Error refusal(const Asker& asker, std::string_view words) {
  const size_t space = words.find(' ');
  const std::string_view kind = words.substr(0, space);
  const std::string rest = space == std::string_view::npos ? "" : one_line(words.substr(space + 1));
  const std::string site = one_line(asker.guard.site);
  const std::string state = asker.root + "/sites/" + escaped_site(asker.guard.site);
  const auto say = [&](Code code, std::string text, std::string next) {
    return Error{code, asker.host + ": " + text, std::move(next)};
  };
  if (kind == "owner")
    return say(
        Code::kRefused, fmt::format("{} is run from another journal ({}); nothing was done", site, rest),
        fmt::format(
            "act from the state directory of that journal (--state); when it is gone for good, remove {}/owner on {}",
            state, asker.host));
  if (kind == "token")
    return say(Code::kRefused,
               fmt::format("somebody has taken over {} since (token {}, ours is {}); nothing was done", site, rest,
                           asker.guard.token),
               "see: backout status");
  if (kind == "exists") return say(Code::kRefused, "attempt " + rest + " was made before; nothing was done", "");
  if (kind == "busy") return say(Code::kBusy, rest + "; nothing was done", "try again in a minute");
  if (kind == "full")
    return say(Code::kNoSpace, rest + ": the disk is full; nothing was done", "make room there and try again");
  if (kind == "tools")
    return say(Code::kUnsupported, "there is no " + rest + " on it; nothing was done",
               "install util-linux and coreutils there");
  if (kind == "absent") return say(Code::kNotFound, rest + " does not exist", "");
  if (kind == "denied") return say(Code::kDenied, rest + " cannot be read", "");
  if (kind == "alive")
    return say(Code::kTimedOut, "processes do not end even when killed: " + rest, "look at them there");
  return say(Code::kDenied, rest + "; nothing was done", "");
}

Result<Reply> ask(Transport& transport, const Asker& asker, const std::vector<std::string>& words, const Order& order,
                  Millis timeout, size_t output_limit, std::stop_token stop) {
  Reply reply = TRY(ask_once(transport, words, order, timeout, output_limit, stop));
  if (shim_is_gone(reply)) {
    (void)TRY(transport.prepare(true));
    reply = TRY(ask_once(transport, words, order, timeout, output_limit, std::move(stop)));
  }
  if (const auto refused = reply.lines.find("refused"); refused != reply.lines.end())
    return refusal(asker, refused->second);
  if (reply.lines.empty() && !reply.end.cancelled) return transport.silence(reply.end);
  return reply;
}

}  // namespace backout::host

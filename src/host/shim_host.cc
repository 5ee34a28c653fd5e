#include "base/text.h"
#include "host/attempt_session.h"
#include "host/exchange.h"
#include "host/own_site.h"
#include "host/transport.h"
#include "os/file.h"

namespace backout::host {
namespace {

constexpr Millis kShortCall{60'000};  // the shim waits 30 s for a site's lock at most
constexpr size_t kReadLimit = 256U << 20;
constexpr Millis kAnswerSlack{500};  // between the command's own timeout at another machine and our patience
constexpr int kTimeoutStatus = 124;  // of coreutils timeout

/// Every host: the shim behind a transport. At this machine, looking as ourselves needs no shim, nor does what only
/// reads and writes the state of a site (own_site.h).
class ShimHost : public Host {
 public:
  ShimHost(HostName name, std::unique_ptr<Transport> transport)
      : name_(std::move(name)), transport_(std::move(transport)) {}

  const HostName& name() const override { return name_; }
  bool is_local() const override { return transport_->in_reach(); }

  Result<CommandResult> run(const Command& command, std::stop_token stop) override {
    Order order(new_nonce());
    TRY_VOID(order.add(command));
    if (is_local() && command.user.empty()) return run_here(command, std::move(stop));
    const Asker asker = TRY(this->asker({}));
    if (!is_local()) order.set("seconds", (command.timeout.count() + 999) / 1000);
    const Millis patience = is_local() ? command.timeout : command.timeout + kAnswerSlack;
    Reply reply = TRY(ask(*transport_, asker, {"run"}, order, patience, command.output_limit, std::move(stop)));
    CommandResult result;
    result.truncated = reply.out.truncated || reply.end.truncated;
    result.out = std::move(reply.out.bytes);
    result.err = std::move(reply.end.err);
    result.took = reply.end.took;
    result.cancelled = reply.end.cancelled;
    result.timed_out = reply.end.timed_out;
    if (result.cancelled || result.timed_out) return result;
    const auto ended = reply.lines.find("exit");
    if (ended == reply.lines.end()) return transport_->silence(reply.end);
    result.exit_status = std::atoi(ended->second.c_str());
    if (result.exit_status > 128 && result.exit_status <= 192)
      result.signal = std::exchange(result.exit_status, 0) - 128;
    if (!is_local() && result.exit_status == kTimeoutStatus && result.took >= command.timeout) result.timed_out = true;
    return result;
  }

  Result<std::string> read(const std::string& path) override {
    if (is_local()) return os::read_file(path).with_context(name_.str());
    const Asker asker = TRY(this->asker({}));
    Order order(new_nonce());
    order.set("path", path);
    Reply reply = TRY(ask(*transport_, asker, {"read"}, order, kShortCall, kReadLimit));
    if (!reply.has("ended")) return transport_->silence(reply.end);
    if (reply.out.truncated)
      return Error{Code::kInvalid, name_.str() + ": " + one_line(path) + " is too large to read", ""};
    return std::move(reply.out.bytes);
  }

  Result<void> claim(const Guard& guard) override {
    if (is_local()) return OwnSite(TRY(asker(guard))).claim();
    const Reply reply = TRY(ask_about(guard, {"claim"}, {}, kShortCall, 0));
    return expect(reply, "claimed");
  }

  Result<CommandResult> attempt(const Guard& guard, const AttemptId& id, const Command& command,
                                const std::function<void(std::string_view)>& on_output, std::stop_token stop) override {
    TRY_VOID(check(guard, id));
    const Asker asker = TRY(this->asker(guard));
    return AttemptSession(*transport_, asker, id, command, on_output, std::move(stop)).run();
  }

  Result<AttemptState> inspect(const Guard& guard, const AttemptId& id) override {
    TRY_VOID(check(guard, id));
    Reply reply = TRY(ask_about(guard, {"inspect", id.str()}, {}, kShortCall, kReadLimit));
    const auto line = reply.lines.find("state");
    if (line == reply.lines.end()) return transport_->silence(reply.end);
    const std::vector<std::string> words = split(line->second, ' ');
    AttemptState state;
    if (words.size() > 1) state.running_for = Millis(std::atoll(words[1].c_str()));
    state.result.out = std::move(reply.out.bytes);
    state.result.err = std::move(reply.err.bytes);
    state.result.truncated = reply.has("cut");
    if (words[0] == "never") return state;
    if (words[0] == "running") state.kind = AttemptState::Kind::kRunning;
    if (words[0] == "lost") state.kind = AttemptState::Kind::kLost;
    if (words[0] == "finished") {
      const auto status = reply.lines.find("status");
      if (status == reply.lines.end()) return transport_->silence(reply.end);
      state.kind = AttemptState::Kind::kFinished;
      TRY_VOID(read_status(status->second, state.result).with_context(name_.str()));
    }
    return state;
  }

  Result<void> kill(const Guard& guard, const AttemptId& id, Millis grace) override {
    TRY_VOID(check(guard, id));
    Order extra(new_nonce());
    extra.set("grace", grace.count());
    const Reply reply = TRY(ask_about(guard, {"kill", id.str()}, std::move(extra), kShortCall + grace, 0));
    return expect(reply, "ended");
  }

  Result<void> forget(const Guard& guard, const std::vector<AttemptId>& keep) override {
    if (is_local() && TRY(OwnSite(TRY(asker(guard))).forget(keep))) return {};
    std::string names = " ";
    for (const AttemptId& id : keep) names += id.str() + " ";
    Order extra(new_nonce());
    extra.set("keep", names);
    const Reply reply = TRY(ask_about(guard, {"forget"}, std::move(extra), kShortCall, 0));
    return expect(reply, "forgotten");
  }

 private:
  Result<Asker> asker(const Guard& guard) {
    auto prepared = TRY(transport_->prepare(is_local()));
    return Asker{name_.str(), guard, std::move(prepared)};
  }

  static Result<void> check(const Guard& guard, const AttemptId& id) {
    if (guard.site.empty() || guard.journal.empty() || guard.token < 0)
      return Error{Code::kInvalid, "acting needs a site, a journal and a token", ""};
    if (!is_attempt_id(id.str())) return Error{Code::kInvalid, "not an attempt's name: " + one_line(id.str()), ""};
    return {};
  }

  Result<Reply> ask_about(const Guard& guard, const std::vector<std::string>& words, std::optional<Order> order,
                          Millis timeout, size_t limit) {
    const Asker asker = TRY(this->asker(guard));
    if (!order) order.emplace(new_nonce());
    order->set("root", asker.root).add(guard);
    return ask(*transport_, asker, words, *order, timeout, limit);
  }

  Result<void> expect(const Reply& reply, std::string_view word) const {
    if (!reply.has(word)) return transport_->silence(reply.end);
    return {};
  }

  static Result<CommandResult> run_here(const Command& command, std::stop_token stop) {
    os::ProcessSpec spec;
    spec.argv = command.argv;
    spec.cwd = command.cwd.empty() ? "/" : command.cwd;
    spec.env = command.env;
    spec.stdin_text = command.stdin_text;
    spec.timeout = command.timeout;
    spec.output_limit = command.output_limit;
    spec.own_session = true;
    auto ended = os::run_process(spec, std::move(stop));
    CommandResult result;
    if (!ended) {  // as a shell would answer, so that local and remote look the same
      if (ended.error().code != Code::kNotFound && ended.error().code != Code::kDenied) return std::move(ended).error();
      result.exit_status = ended.error().code == Code::kNotFound ? 127 : 126;
      result.err = "backout: " + ended.error().message + "\n";
      return result;
    }
    result.exit_status = ended->exit_status;
    result.signal = ended->signal;
    result.timed_out = ended->timed_out;
    result.cancelled = ended->cancelled;
    result.truncated = ended->truncated;
    result.out = std::move(ended->out);
    result.err = std::move(ended->err);
    result.took = ended->took;
    return result;
  }

  const HostName name_;
  const std::unique_ptr<Transport> transport_;
};

}  // namespace

std::unique_ptr<Host> make_local_host(HostName name, std::string root) {
  return std::make_unique<ShimHost>(std::move(name), make_local_transport(std::move(root)));
}

std::unique_ptr<Host> make_ssh_host(HostName name, std::string destination, std::string root,
                                    std::vector<std::string> ssh_options) {
  return std::make_unique<ShimHost>(
      std::move(name), make_ssh_transport(std::move(destination), std::move(root), std::move(ssh_options)));
}

}  // namespace backout::host

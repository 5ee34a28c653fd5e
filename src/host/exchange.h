// Exchange: one question to a shim and its whole answer, for everything but the attempt itself (attempt_session.h).
#pragma once
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "host/shim.h"
#include "host/transport.h"

namespace backout::host {

struct Reply {
  std::map<std::string, std::string, std::less<>> lines;  // by first word; the last of a kind
  Kept out, err;
  os::ProcessResult end;  // of the program that carried it
  bool has(std::string_view word) const { return lines.contains(word); }
};

/// Who asks whom, for messages.
struct Asker {
  std::string host;
  Guard guard;
  std::string root;
};
/// What the words after "refused" mean.
Error refusal(const Asker& asker, std::string_view words);

/// A new nonce for one question.
std::string new_nonce();

/// Asks. An answer of "refused" becomes its error; none at all, what the transport makes of the silence.
Result<Reply> ask(Transport& transport, const Asker& asker, const std::vector<std::string>& words, const Order& order,
                  Millis timeout, size_t output_limit, std::stop_token stop = {});

}  // namespace backout::host

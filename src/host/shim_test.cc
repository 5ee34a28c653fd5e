#include "host/shim.h"

#include <gtest/gtest.h>

#include "os/file.h"
#include "os/process.h"

namespace backout::host {
namespace {

constexpr const char* kNonce = "\x1Eno-nce";

struct Heard {
  std::vector<std::string> lines;
  std::string out, err;
};
Heard heard(const std::vector<std::string>& pieces) {
  Heard all;
  Answer answer(
      kNonce,
      [&](std::string_view word, std::string_view rest) { all.lines.push_back(fmt::format("{}|{}", word, rest)); },
      [&](bool is_error, std::string_view bytes) { (is_error ? all.err : all.out) += bytes; });
  for (const std::string& piece : pieces) answer.feed(piece);
  return all;
}

const std::string kConversation = std::string("Welcome to web-1!\n") + kNonce + "started\n" + kNonce + "out\n" +
                                  "one\n\x1Eno" + kNonce + "err\n" + "two" + kNonce + "out\n" + "three\n" + kNonce +
                                  "status exit=0 end\n";

TEST(Answer, SortsLinesAndStreamsAndDropsChatterBeforeThem) {
  const Heard all = heard({kConversation});
  EXPECT_EQ(all.lines, (std::vector<std::string>{"started|", "out|", "err|", "out|", "status|exit=0 end"}));
  EXPECT_EQ(all.out, "one\n\x1Enothree\n");
  EXPECT_EQ(all.err, "two");
}

TEST(Answer, IsTheSameInPiecesOfAnySize) {
  for (size_t size = 1; size < 12; ++size) {
    std::vector<std::string> pieces;
    for (size_t at = 0; at < kConversation.size(); at += size) pieces.push_back(kConversation.substr(at, size));
    const Heard all = heard(pieces);
    EXPECT_EQ(all.lines.size(), 5U) << size;
    EXPECT_EQ(all.out, "one\n\x1Enothree\n") << size;
    EXPECT_EQ(all.err, "two") << size;
  }
}

TEST(Answer, HoldsNothingBackThatCannotBecomeALine) {
  EXPECT_EQ(heard({std::string(kNonce) + "out\nabc"}).out, "abc");
  EXPECT_EQ(heard({std::string(kNonce) + "out\nabc\x1Eno"}).out, "abc");
  EXPECT_EQ(heard({std::string(kNonce) + "out\nabc\x1Eno", "pe"}).out, "abc\x1Enope");
}

TEST(Status, IsReadWholeOrNotAtAll) {
  CommandResult result;
  ASSERT_TRUE(read_status("exit=3 signal=0 took_ms=120 timed_out=1 end      \n", result));
  EXPECT_EQ(result.exit_status, 3);
  EXPECT_EQ(result.took, Millis(120));
  EXPECT_TRUE(result.timed_out);
  for (const std::string bad : {"", "exit=3", "exit=3 signal=0 took_ms=1 timed_out=0",
                                "exit=x signal=0 took_ms=1 timed_out=0 end", "reserved", "exit=3 signal=0 end"})
    EXPECT_EQ(read_status(bad, result).error().code, Code::kCorrupt) << bad;
}

TEST(Names, CannotLeaveTheirDirectory) {
  EXPECT_EQ(escaped_site("shop/production"), "shop%2Fproduction");
  EXPECT_EQ(escaped_site("../x"), "%2E.%2Fx");
  EXPECT_EQ(escaped_site(".."), "%2E.");
  EXPECT_NE(escaped_site("a%2Fb"), escaped_site("a/b"));
  for (const std::string good : {"a", "run-7.step_3.1", "A9"}) EXPECT_TRUE(is_attempt_id(good)) << good;
  for (const std::string bad : {"", ".", "..", "-x", "a/b", "a b", "a\n", "a'b"})
    EXPECT_FALSE(is_attempt_id(bad)) << bad;
}

TEST(Kept, KnowsWhetherAnythingWasDropped) {
  Kept kept;
  kept.add("abc", 5);
  kept.add("de", 5);
  EXPECT_FALSE(kept.truncated);
  kept.add("f", 5);
  EXPECT_TRUE(kept.truncated);
  EXPECT_EQ(kept.bytes, "abcde");
}

TEST(Json, HoldsNoSecret) {
  Command command = shell("echo $1", {"x"});
  command.env["TOKEN"] = "secret";
  command.stdin_text = "secret";
  EXPECT_EQ(canonical(to_json(command)).find("secret"), std::string::npos);
  EXPECT_EQ(to_json(command)["env"][0], "TOKEN");
}

TEST(Shim, IsTheFileAsItStands) { EXPECT_EQ(*os::read_file(BACKOUT_SOURCE_DIR "/src/host/attempt.sh"), shim_text()); }

TEST(Shim, ShellcheckPasses) {
  const auto checked = os::run_process({.argv = {"shellcheck", BACKOUT_SOURCE_DIR "/src/host/attempt.sh"}});
  if (!checked) GTEST_SKIP() << checked.error().message;
  EXPECT_TRUE(checked->ok()) << checked->out;
}

TEST(Shim, DoesNothingWhenTheOrderWasCutOff) {
  const std::string order = Order(kNonce).set("root", "/no/such/root").text();
  for (const size_t length : {size_t{0}, order.size() / 2, order.size() - 3}) {
    const auto result = os::run_process({.argv = {"/bin/sh", BACKOUT_SOURCE_DIR "/src/host/attempt.sh", "claim"},
                                         .stdin_text = order.substr(0, length)});
    EXPECT_NE(result->exit_status, 0);
    EXPECT_EQ(result->out, "");
  }
}

}  // namespace
}  // namespace backout::host

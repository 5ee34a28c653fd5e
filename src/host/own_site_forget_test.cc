// Forgetting by our own hand, and what is left to the shim.
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/testing_disk.h"
#include "host/testing_own_site.h"
#include "host/testing_program.h"
#include "os/proc.h"

// Every unlinkat of this process passes here, so that a test can look at that moment.
namespace {
std::function<void(const std::string& name)> on_unlink;
}  // namespace
extern "C" int unlinkat(int directory, const char* name, int flags) noexcept {
  if (on_unlink) on_unlink(name);
  return static_cast<int>(syscall(SYS_unlinkat, directory, name, flags));
}

namespace backout::host {
namespace {

class OwnForget : public OwnSiteTest {
 protected:
  void TearDown() override { on_unlink = nullptr; }
};

// ------------------------------------------------------------------------------------------------------------

TEST_F(OwnForget, ForgetRemovesWhatHasEndedUnderTheLock) {
  ASSERT_TRUE(own(with(7)).claim());
  for (const std::string id : {"a1", "a2", "kept", "kept-2"}) make_attempt(id, id == "kept" ? "" : whole_);
  put("attempts/note", "no attempt");
  const OwnSite site = own(with(8));
  int removed = 0;
  on_unlink = [&](const std::string&) {
    ++removed;
    EXPECT_TRUE(somebody_holds_the_lock());
  };
  EXPECT_TRUE(*site.forget({AttemptId("kept"), AttemptId("kept-2")})) << "what is kept may be unfinished";
  on_unlink = nullptr;
  EXPECT_GE(removed, 4);
  EXPECT_EQ(attempts(), (std::vector<std::string>{"kept", "kept-2", "note"}));
  EXPECT_EQ(text_of("token"), "8\n") << "the guard of every call";
}

TEST_F(OwnForget, ForgetByAnOlderTokenRemovesNothing) {
  ASSERT_TRUE(own(with(7)).claim());
  make_attempt("a1", whole_);
  EXPECT_EQ(own(with(6)).forget({}).error().code, Code::kRefused);
  EXPECT_EQ(attempts().size(), 1U);
}

TEST_F(OwnForget, ForgetLeavesAllToTheShimWhenOneHasNoCompleteStatus) {
  ASSERT_TRUE(own(with(7)).claim());
  const auto host = make_local_host(HostName("local"), target_);
  for (const std::string& half : {std::string(), std::string("exit=0 sig"), whole_.substr(0, 40), "\n" + whole_}) {
    make_attempt("a1", whole_);
    make_attempt("b1", half);
    EXPECT_FALSE(*own(with(7)).forget({})) << half;
    EXPECT_EQ(attempts().size(), 2U) << half;
    EXPECT_FALSE(somebody_holds_the_lock());
    EXPECT_EQ(told(host->forget(with(7), {})), "done");  // of another boot: lost
    EXPECT_EQ(attempts().size(), 0U) << half;
  }
  ASSERT_TRUE(os::make_directories(site_ + "/attempts/recordless"));
  EXPECT_FALSE(*own(with(7)).forget({}));
  EXPECT_EQ(told(host->forget(with(7), {})), "done");
  EXPECT_EQ(attempts().size(), 0U);
}

TEST_F(OwnForget, ForgetLeavesWhatRuns) {
  const auto host = make_local_host(HostName("local"), target_);
  ASSERT_TRUE(host->claim(with(7)));
  std::stop_source source;
  ASSERT_TRUE(host->attempt(
                      with(7), AttemptId("running"), shell("echo up; exec sleep 60"),
                      [&](std::string_view) { source.request_stop(); }, source.get_token())
                  ->cancelled);
  make_attempt("ended", whole_);
  EXPECT_FALSE(*own(with(7)).forget({}));
  EXPECT_EQ(told(host->forget(with(7), {})), "done");
  EXPECT_EQ(attempts(), std::vector<std::string>{"running"});
  EXPECT_TRUE(host->kill(with(7), AttemptId("running"), Millis(2000)));
  EXPECT_TRUE(*own(with(7)).forget({}));
  EXPECT_EQ(attempts().size(), 0U);
}

TEST_F(OwnForget, AnAttemptThatIsForgottenAtOnceDoesNotMakeTheWholeMachineSync) {
  const auto host = make_local_host(HostName("local"), target_);
  ASSERT_TRUE(host->claim(with(7)));
  const FakeProgram sync(root_, "sync",
                         "echo \"$#\" >>" + (root_ / "log") +
                             "\ncase ${1-} in */attempts/a1) while [ -d \"$1\" ]; do sleep 0.01; done ;; esac\n"
                             "[ $# -eq 0 ] || exec /usr/bin/sync \"$@\"\n");
  ASSERT_TRUE(host->attempt(with(7), AttemptId("a1"), shell("true"), {}, {}));
  const pid_t shim = std::atoi(text_of("attempts/a1/started").c_str());
  EXPECT_TRUE(*own(with(7)).forget({}));
  EXPECT_TRUE(comes([&] {
    const auto facts = os::facts_of(shim);
    return !facts || !facts->lives();
  }));
  EXPECT_EQ(*os::read_file(root_ / "log"), "2\n1\n1\n") << "a sync without a file is one of everything";
}

TEST_F(OwnForget, ForgetTakesAFileThatComesWhileItRemoves) {
  ASSERT_TRUE(own(with(7)).claim());
  make_attempt("a1", whole_);
  const OwnSite site = own(with(7));
  on_unlink = [&](const std::string& name) {  // what drains an output says that it ended
    if (name == "status") put("attempts/a1/out.end", "");
  };
  EXPECT_EQ(told(site.forget({})), "done");
  on_unlink = nullptr;
  EXPECT_EQ(attempts().size(), 0U);
}

TEST_F(OwnForget, ForgetThatCannotRemoveSaysSo) {
  const SmallDisk disk(target_);
  if (!disk.mounted()) GTEST_SKIP() << "no permission to mount";
  ASSERT_TRUE(own(with(7)).claim());
  make_attempt("a1", whole_);
  make_attempt("z1", whole_);
  const SmallDisk busy(site_ + "/attempts/a1/mounted");  // which nobody can remove
  ASSERT_TRUE(busy.mounted());
  EXPECT_EQ(told(own(with(7)).forget({})),
            "denied: local: cannot remove attempts of " + site_ + "; nothing was done []");
  EXPECT_EQ(attempts(), std::vector<std::string>{"a1"}) << "what can be removed is";
}

}  // namespace
}  // namespace backout::host

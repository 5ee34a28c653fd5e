// Servers as they are found: roles with few rights, sessions that will not end, settings against idle ones, old
// versions.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <thread>

#include "database/postgresql/sessions.h"
#include "database/postgresql/verbs_for_tests.h"
#include "os/descriptor.h"

namespace backout::postgresql {
namespace {

using ::testing::HasSubstr;

class ServerFaults : public PostgresqlVerbs {
 protected:
  std::string role(const std::string& word, const std::string& attributes) {
    std::string name = word + "_" + random_hex(4);
    cluster_.admin("CREATE ROLE " + name + " LOGIN " + attributes);
    return name;
  }
  std::string as(const std::string& role) { return "host=" + cluster_.directory() + " port=5432 user=" + role; }
  /// The database and all in it belong to `owner`.
  void belongs_to(const std::string& owner) {
    cluster_.admin("ALTER DATABASE " + sql_name(database_) + " OWNER TO " + owner);
    cluster_.run(database_, "ALTER TABLE client OWNER TO " + owner + "; ALTER TABLE orders OWNER TO " + owner +
                                "; ALTER SCHEMA public OWNER TO " + owner);
  }
  /// A rollback up to the swap, which is not done.
  Step up_to_the_swap(const Json& saved) {
    for (const Step& step : offered(RunKind::kRollback, saved, "R-1")) {
      if (step.action.verb == "swap") return step;
      if (step.kind == StepKind::kEffect) verb(step.action.verb, step.action.args);
    }
    ADD_FAILURE() << "nothing to swap";
    return {};
  }
};

TEST_F(ServerFaults, ARoleThatIsNoSuperuserIsEnoughAlsoWhileTablesAreVacuumed) {
  const std::string owner = role("app", ""), deployer = role("deployer", "CREATEDB");
  belongs_to(owner);
  cluster_.admin("GRANT pg_signal_backend, " + owner + " TO " + deployer);
  subject_["server"] = as(deployer);
  const Json saved = lived(offered(RunKind::kCheckpoint, {}, "C-1"));
  migrate();
  cluster_.run(database_,
               "CREATE TABLE dust (a int) WITH (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1); "
               "INSERT INTO dust SELECT generate_series(1, 100000); DELETE FROM dust; ALTER TABLE dust OWNER TO " +
                   owner + "; ALTER TABLE customer OWNER TO " + owner);
  cluster_.admin("ALTER SYSTEM SET autovacuum_naptime = '1s'");
  cluster_.admin("SELECT pg_reload_conf()");
  const std::string at_work =
      "SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type = 'autovacuum worker' AND "
      "datname = current_database()";
  bool vacuumed = false;
  const auto wait_for_vacuum = [&](const std::string& verb) {
    for (int i = 0; verb == "swap" && i < 1000 && !vacuumed; ++i) {
      vacuumed = text(at_work) == "t";
      std::this_thread::sleep_for(Millis(10));
    }
  };
  const Json kept = lived(offered(RunKind::kRollback, saved, "R-1"), wait_for_vacuum);
  cluster_.admin("ALTER SYSTEM RESET autovacuum_naptime");
  cluster_.admin("SELECT pg_reload_conf()");
  EXPECT_TRUE(vacuumed) << "no autovacuum worker came";
  EXPECT_EQ(text("SELECT count(*) FROM client"), "3");
  EXPECT_EQ(cluster_.text("postgres",
                          "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = " + sql_text(database_)),
            owner);
  lived(offered(RunKind::kForward, kept, "R-2"));
  EXPECT_EQ(text("SELECT count(*) FROM customer"), "3");
}

TEST_F(ServerFaults, ASessionOfASuperuserIsNamedWhenOurRoleMayNotEndIt) {
  const std::string owner = role("app", ""), deployer = role("deployer", "CREATEDB"), boss = role("boss", "SUPERUSER");
  belongs_to(owner);
  cluster_.admin("GRANT pg_signal_backend, " + owner + " TO " + deployer);
  subject_["server"] = as(deployer);
  const Json saved = lived(offered(RunKind::kCheckpoint, {}, "C-1"));
  migrate();
  cluster_.run(database_, "ALTER TABLE customer OWNER TO " + owner);
  auto session = Connection::open({as(boss)}, database_);
  ASSERT_TRUE(session);
  EXPECT_EQ(get_string(verb("ready", {{"server", as(deployer)}, {"database", database_}}), "superusers"), boss);
  const Step swap = up_to_the_swap(saved);
  const auto refused = run_verb("swap", swap.action.args, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kDenied) << refused.error().message;
  EXPECT_THAT(refused.error().message, HasSubstr(boss));
  EXPECT_EQ(text("INSERT INTO orders(client) VALUES (3) RETURNING id"), "4") << "live is open and serves";
  session = Connection();
  EXPECT_EQ(get_string(verb("ready", {{"server", as(deployer)}, {"database", database_}}), "superusers"), "");
  verb("swap", swap.action.args);
  EXPECT_EQ(text("SELECT max(id) FROM orders WHERE note = 'none'"), "4");
}

TEST_F(ServerFaults, ASuperuserOfAnApplicationStaysOutsideToo) {
  const std::string app = role("app", "SUPERUSER");
  belongs_to(app);
  const Json saved = lived(offered(RunKind::kCheckpoint, {}, "C-1"));
  migrate();
  std::atomic<bool> stop = false;
  std::atomic<int> confirmed = 0;
  std::thread writer([&] {  // connects anew whenever its session ends
    while (!stop) {
      auto session = Connection::open({as(app)}, database_);
      while (session && !stop) {
        if (session->exec("INSERT INTO public.customer(mail) VALUES ('w" + std::to_string(confirmed) + "@x')"))
          ++confirmed;
        else
          break;
        std::this_thread::sleep_for(Millis(400));
      }
    }
  });
  while (confirmed == 0) std::this_thread::yield();
  lived(offered(RunKind::kRollback, saved, "R-1"));
  stop = true;
  writer.join();
  EXPECT_EQ(text("SELECT count(*) FROM client WHERE email LIKE 'w%'"), std::to_string(confirmed));
}

TEST_F(ServerFaults, TimeoutsOfTheRoleAndTheDatabaseDoNotEndIt) {
  const std::string boss = role("boss", "SUPERUSER");
  for (const char* setting : {"statement_timeout = '150ms'", "lock_timeout = '50ms'", "idle_session_timeout = '150ms'",
                              "idle_in_transaction_session_timeout = '50ms'", "default_transaction_read_only = on",
                              "default_transaction_isolation = 'serializable'", "search_path = 'nowhere'"}) {
    cluster_.admin("ALTER ROLE " + boss + " SET " + setting);
    cluster_.admin("ALTER DATABASE " + sql_name(database_) + " SET " + setting);
  }
  cluster_.run(database_,
               "SET default_transaction_read_only = off; SET statement_timeout = 0; CREATE TABLE many (id int PRIMARY "
               "KEY, v text); INSERT INTO many SELECT i, repeat('x', 200) FROM generate_series(1, 100000) i");
  subject_["server"] = as(boss);
  const Json saved = lived(offered(RunKind::kCheckpoint, {}, "C-1"));
  cluster_.run(database_,
               "SET default_transaction_read_only = off; ALTER TABLE orders DROP note; UPDATE many SET v = 'y' WHERE "
               "id % 2 = 0; INSERT INTO orders(client) VALUES (2)");
  const Json kept = lived(offered(RunKind::kRollback, saved, "R-1"));
  EXPECT_EQ(text("SELECT string_agg(note, ' ' ORDER BY id) FROM orders"), "bread milk none");
  EXPECT_EQ(text("SELECT count(*) FROM many WHERE v = 'y'"), "50000");
  EXPECT_EQ(text("SHOW default_transaction_read_only"), "off") << "of our own sessions";
  EXPECT_EQ(cluster_.text("postgres",
                          "SELECT count(*) FROM pg_db_role_setting s, pg_database d WHERE d.oid = "
                          "s.setdatabase AND d.datname = " +
                              sql_text(database_) + " AND 'statement_timeout=150ms' = ANY(setconfig)"),
            "1");
  lived(offered(RunKind::kForward, kept, "R-2"));
  EXPECT_EQ(text("SELECT count(*) FROM orders"), "3");
}

TEST_F(ServerFaults, APreparedTransactionStopsItBeforeTheDoorCloses) {
  const Json saved = lived(offered(RunKind::kCheckpoint, {}, "C-1"));
  migrate();
  cluster_.run(database_,
               "BEGIN; INSERT INTO orders(client) VALUES (3); PREPARE TRANSACTION 'paying-" + database_ + "'");
  for (const Step& step : offered(RunKind::kRollback, saved, "R-1")) {
    if (step.action.verb != "diff") {
      if (step.phase == Phase::kPrepare) verb(step.action.verb, step.action.args);
      continue;
    }
    const auto counted = run_verb("diff", step.action.args, {});
    cluster_.run(database_, "COMMIT PREPARED 'paying-" + database_ + "'");
    ASSERT_FALSE(counted);
    EXPECT_EQ(counted.error().code, Code::kRefused);
    EXPECT_THAT(counted.error().message, HasSubstr("paying-"));
    EXPECT_THAT(counted.error().next, HasSubstr("ROLLBACK PREPARED"));
    verb("diff", step.action.args);
    return;
  }
  FAIL() << "nothing was counted";
}

/// Speaks just so much of the protocol that libpq takes it for a server of that version.
class OldServer {
 public:
  explicit OldServer(std::string version) : version_(std::move(version)) {
    listener_ = os::Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_.get(), 4), 0);
    EXPECT_EQ(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  OldServer(const OldServer&) = delete;
  OldServer& operator=(const OldServer&) = delete;
  ~OldServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  std::string conninfo() const {
    return "host=127.0.0.1 port=" + std::to_string(port_) + " user=old sslmode=disable gssencmode=disable";
  }
  int asked() const { return asked_; }

 private:
  static std::string message(char type, const std::string& body) {
    const uint32_t length = htonl(static_cast<uint32_t>(body.size() + 4));
    return type + std::string(reinterpret_cast<const char*>(&length), 4) + body;
  }
  static std::string read(int client, size_t bytes) {
    std::string all(bytes, '\0');
    return ::recv(client, all.data(), bytes, MSG_WAITALL) == static_cast<ssize_t>(bytes) ? all : "";
  }
  static uint32_t length_of(const std::string& four) {
    uint32_t length = 0;
    std::copy_n(four.data(), 4, reinterpret_cast<char*>(&length));
    return ntohl(length) - 4;
  }
  static void say(int client, const std::string& words) {
    (void)::send(client, words.data(), words.size(), MSG_NOSIGNAL);
  }
  void serve() {
    while (true) {
      const os::Descriptor client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!client.is_open()) return;
      const std::string start = read(client.get(), 4);
      if (start.empty() || read(client.get(), length_of(start)).empty()) continue;
      const std::string ready = message('Z', "I");
      say(client.get(),
          message('R', std::string(4, '\0')) + message('S', std::string("server_version\0", 15) + version_ + '\0') +
              message('S', std::string("client_encoding\0UTF8\0", 21)) + message('K', std::string(8, '\1')) + ready);
      while (true) {
        const std::string head = read(client.get(), 5);
        if (head.empty() || head[0] == 'X') break;
        if (const uint32_t more = length_of(head.substr(1)); more > 0 && read(client.get(), more).empty()) break;
        if (head[0] != 'Q' && head[0] != 'S') continue;  // the parts of an extended query end in a Sync
        ++asked_;
        say(client.get(), message('C', std::string("SET\0", 4)) + ready);
      }
    }
  }

  std::string version_;
  os::Descriptor listener_;
  uint16_t port_ = 0;
  std::atomic<int> asked_ = 0;
  std::thread thread_;
};

TEST_F(ServerFaults, AServerThatIsTooOldIsRefusedAtOnce) {
  for (const auto& [version, words] : {std::pair{"9.6.24", "PostgreSQL 9.6"}, std::pair{"11.22", "PostgreSQL 11"}}) {
    const OldServer server(version);
    const Json args{{"server", server.conninfo()},
                    {"database", "shop"},
                    {"directory", directory_ + "/d"},
                    {"manifest", directory_ + "/m"}};
    for (const char* name : {"observe", "backup"}) {
      const auto refused = run_verb(name, args, {});
      ASSERT_FALSE(refused) << name;
      EXPECT_EQ(refused.error().code, Code::kUnsupported) << refused.error().message;
      EXPECT_THAT(refused.error().message, HasSubstr(words));
      EXPECT_THAT(refused.error().next, HasSubstr("12"));
    }
    EXPECT_EQ(server.asked(), 2) << "the settings of two sessions, and nothing else";
  }
}

}  // namespace
}  // namespace backout::postgresql

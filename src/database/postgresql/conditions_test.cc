// What a backup and a restore need first: each is said before anything is done, and the live database serves on.
#include <thread>

#include "database/postgresql/backup_for_tests.h"
#include "database/postgresql/observe.h"
#include "database/postgresql/ready.h"
#include "database/postgresql/restore.h"

namespace backout::postgresql {
namespace {

using Conditions = BackupTest;
using ::testing::HasSubstr;

constexpr const char* kTable = "CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (1), (2)";

TEST_F(Conditions, AMigrationInTheWayIsNamed) {
  cluster_.run(name_, kTable);
  auto migration = Connection::open(cluster_.server(), name_);
  ASSERT_TRUE(migration);
  ASSERT_TRUE(migration->exec("SET application_name = 'manage.py migrate'; BEGIN; LOCK TABLE public.orders"));
  const auto made = run_backup(backup_args(), {});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::kBusy);
  EXPECT_THAT(made.error().message, HasSubstr("(manage.py migrate) holds ACCESS EXCLUSIVE on public.orders"));
  EXPECT_FALSE(std::filesystem::exists(dump()));
  ASSERT_TRUE(migration->exec("COMMIT"));
  EXPECT_TRUE(run_backup(backup_args(), {}));
}

TEST_F(Conditions, AMigrationThatWaitsDoesNotChangeWhatIsDumped) {
  cluster_.run(name_, kTable);
  // The lie gives the migration time to come between the snapshot and pg_dump.
  Json args = backup_args();
  args["programs"] = lying("pg_dump", "sleep 0.5; exec $REAL \"$@\"");
  std::thread migration([&] {
    std::this_thread::sleep_for(Millis(250));
    cluster_.run(name_, "SET lock_timeout = '20s'; ALTER TABLE orders ADD COLUMN added int");
  });
  const auto made = run_backup(args, {});
  migration.join();
  if (made) {  // pg_dump with several jobs gives up instead
    EXPECT_TRUE(run_verify_backup(verify_args(), {}));
  } else {
    EXPECT_EQ(made.error().code, Code::kBusy) << made.error().message;
  }
  std::filesystem::remove(manifest());
  ASSERT_TRUE(run_backup(backup_args(), {}));
  EXPECT_TRUE(run_verify_backup(verify_args(), {}));
}

TEST_F(Conditions, AnOpenPreparedTransactionIsTold) {
  cluster_.run(name_, kTable);
  cluster_.run(name_, "BEGIN; INSERT INTO orders VALUES (3); PREPARE TRANSACTION 'paying-" + name_ + "'");
  const auto made = run_backup(backup_args(), {});
  cluster_.run(name_, "COMMIT PREPARED 'paying-" + name_ + "'");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(get_int(*made, "rows"), 2);
  EXPECT_THAT(get(*made, "notes").dump(), HasSubstr("what it wrote is not in the backup"));
}

TEST_F(Conditions, AWrongPasswordIsAClearErrorAndNoneMayStandInTheConnectionString) {
  cluster_.admin("CREATE ROLE \"guarded_" + name_ + "\" LOGIN PASSWORD 'right'");
  const std::string hba = cluster_.data() + "/pg_hba.conf";
  std::string old;
  {
    std::ifstream in(hba);
    old.assign(std::istreambuf_iterator<char>(in), {});
  }
  std::ofstream(hba) << "local all \"guarded_" << name_ << "\" scram-sha-256\n" << old;
  cluster_.admin("SELECT pg_reload_conf()");
  std::this_thread::sleep_for(Millis(300));
  Json args = backup_args();
  args["server"] = "host=" + cluster_.directory() + " user=guarded_" + name_;
  const auto none = run_backup(args, {});
  ::setenv("PGPASSWORD", "wrong", 1);
  const auto wrong = run_backup(args, {});
  ::setenv("PGPASSWORD", "right", 1);
  cluster_.admin("GRANT pg_read_all_data TO \"guarded_" + name_ + "\"");
  cluster_.run(name_, kTable);
  const auto right = run_backup(args, {});
  ::unsetenv("PGPASSWORD");
  std::ofstream(hba) << old;
  cluster_.admin("SELECT pg_reload_conf()");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::kDenied) << none.error().message;
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Code::kDenied) << wrong.error().message;
  EXPECT_TRUE(right) << right.error().message;

  args["server"] = "host=/tmp password=secret";
  const auto told = run_backup(args, {});
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().code, Code::kInvalid);
  EXPECT_EQ(told.error().message.find("secret"), std::string::npos);
  args["server"] = "postgresql://shop:secret@localhost/";
  EXPECT_EQ(run_backup(args, {}).error().code, Code::kInvalid);
}

TEST_F(Conditions, RestoringNamesWhatIsMissing) {
  const std::string owner = "owner_" + name_, deployer = "deployer_" + name_;
  cluster_.admin("CREATE ROLE " + owner + " LOGIN CREATEDB; CREATE ROLE " + deployer + " LOGIN");
  cluster_.run(name_, std::string(kTable) + "; ALTER TABLE orders OWNER TO " + owner);
  ASSERT_TRUE(run_backup(backup_args(), {}));
  const auto refused_as = [&](const std::string& role) {
    Json args = restore_args();
    args["server"] = "host=" + cluster_.directory() + " user=" + role;
    const auto restored = run_restore(args, {});
    return restored ? Error{Code::kInternal, "it was restored", ""} : restored.error();
  };
  Error error = refused_as(deployer);
  EXPECT_EQ(error.code, Code::kDenied);
  EXPECT_THAT(error.message, HasSubstr("may not make databases"));
  cluster_.admin("ALTER ROLE " + deployer + " CREATEDB");
  error = refused_as(deployer);
  EXPECT_EQ(error.code, Code::kDenied);
  EXPECT_THAT(error.message, HasSubstr("may not give objects to the role"));

  cluster_.run(name_, "ALTER TABLE orders OWNER TO postgres");
  cluster_.admin("DROP ROLE " + owner);
  error = refused_as("postgres");
  EXPECT_EQ(error.code, Code::kNotFound);
  EXPECT_THAT(error.message, HasSubstr(owner));
  EXPECT_THAT(error.next, HasSubstr("CREATE ROLE \"" + owner + "\" LOGIN CREATEDB"));
  cluster_.admin("CREATE ROLE " + owner + "; DROP ROLE " + deployer);

  RestoreJob job;
  job.server = cluster_.server();
  job.backup = dump();
  job.manifest = *load_manifest(manifest());
  job.beside = beside();
  job.manifest.extensions["no_such_extension"] = "1.0";
  auto restored = restore_beside(job, {});
  ASSERT_FALSE(restored);
  EXPECT_EQ(restored.error().code, Code::kUnsupported);
  EXPECT_THAT(restored.error().message, HasSubstr("no_such_extension"));
  job.manifest.extensions.clear();
  job.manifest.server_version = 990000;
  EXPECT_EQ(restore_beside(job, {}).error().code, Code::kUnsupported);
  job.manifest.server_version = 150000;
  job.manifest.database_size = 1ULL << 60;
  EXPECT_EQ(restore_beside(job, {}).error().code, Code::kNoSpace);

  cluster_.admin("CREATE DATABASE " + sql_name(beside()));
  error = refused_as("postgres");
  EXPECT_EQ(error.code, Code::kConflict);
  cluster_.admin("DROP DATABASE " + sql_name(beside()));
  Json args = restore_args();
  args["beside"] = "customers";
  EXPECT_EQ(run_restore(args, {}).error().code, Code::kInvalid);
  EXPECT_EQ(run_discard({{"server", cluster_.server().conninfo}, {"database", name_}}, {}).error().code,
            Code::kInvalid);
  EXPECT_TRUE(cluster_.has(name_));
  EXPECT_EQ(ours("\\_\\_%"), "");
}

TEST_F(Conditions, ARoleWithoutSuperpowersIsEnough) {
  const std::string owner = "app_" + name_;
  cluster_.admin("CREATE ROLE " + owner + " LOGIN CREATEDB; ALTER DATABASE " + name_ + " OWNER TO " + owner);
  cluster_.run(name_, "SET ROLE " + owner + "; " + kTable);
  Json args = backup_args();
  args["server"] = "host=" + cluster_.directory() + " user=" + owner;
  const auto made = run_backup(args, {});
  ASSERT_TRUE(made) << made.error().message;
  Json restore = restore_args();
  restore["server"] = args["server"];
  const auto restored = run_restore(restore, {});
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(cluster_.text(beside(), "SELECT tableowner FROM pg_tables WHERE tablename = 'orders'"), owner);
}

/// Neither the owner of the database nor of its tables: what docs/postgresql.md says a role needs.
TEST_F(Conditions, ARoleThatIsOnlyAMemberOfTheOwnersIsEnough) {
  const std::string owner = "app_" + name_, other = "other_" + name_, deployer = "deployer_" + name_;
  cluster_.admin("CREATE ROLE " + owner + "; CREATE ROLE " + other + "; CREATE ROLE " + deployer +
                 " LOGIN CREATEDB; GRANT " + owner + ", " + other + " TO " + deployer + "; ALTER DATABASE " + name_ +
                 " OWNER TO " + owner);
  cluster_.run(name_, "SET ROLE " + owner + "; " + kTable);
  cluster_.run(name_, "GRANT CREATE ON SCHEMA public TO " + other + "; SET ROLE " + other + "; CREATE TABLE others ()");
  const auto rights = [&](const std::string& database) {
    return cluster_.text(database, "SELECT nspacl FROM pg_namespace WHERE nspname = 'public'");
  };
  Json args = backup_args();
  args["server"] = "host=" + cluster_.directory() + " user=" + deployer;
  const auto made = run_backup(args, {});
  ASSERT_TRUE(made) << made.error().message;
  Json restore = restore_args();
  restore["server"] = args["server"];
  const auto restored = run_restore(restore, {});
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(cluster_.text(beside(),
                          "SELECT string_agg(tableowner, ' ' ORDER BY tablename) FROM pg_tables WHERE "
                          "schemaname = 'public'"),
            owner + " " + other);
  EXPECT_EQ(rights(beside()), rights(name_));
}

TEST_F(Conditions, APublicationComesBackThoughItsOwnerMayNotCreateInTheNewDatabase) {
  const std::string owner = "app_" + name_, deployer = "deployer_" + name_;
  cluster_.admin("CREATE ROLE " + owner + "; CREATE ROLE " + deployer + " LOGIN CREATEDB; GRANT " + owner + " TO " +
                 deployer + "; ALTER DATABASE " + name_ + " OWNER TO " + owner);
  cluster_.run(name_, "SET ROLE " + owner + "; " + kTable + "; CREATE PUBLICATION pub FOR TABLE orders");
  Json args = backup_args(), restore = restore_args(), verify = verify_args();
  args["server"] = restore["server"] = verify["server"] = "host=" + cluster_.directory() + " user=" + deployer;
  ASSERT_TRUE(run_backup(args, {}));
  const auto verified = run_verify_backup(verify, {});
  EXPECT_TRUE(verified) << verified.error().message;
  const auto restored = run_restore(restore, {});
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(cluster_.text(beside(), "SELECT pg_get_userbyid(pubowner) FROM pg_publication"), owner);
  EXPECT_EQ(cluster_.text(beside(), "SELECT has_database_privilege('" + owner + "', current_database(), 'CREATE')"),
            "f");
}

TEST_F(Conditions, SettingsOfARoleInTheDatabaseArePutOnByAMemberAndToldByOthers) {
  const std::string owner = "app_" + name_, deployer = "deployer_" + name_, other = "other_" + name_;
  cluster_.admin("CREATE ROLE " + owner + "; CREATE ROLE " + other + "; CREATE ROLE " + deployer +
                 " LOGIN CREATEDB; GRANT " + owner + " TO " + deployer + "; ALTER DATABASE " + name_ + " OWNER TO " +
                 owner);
  cluster_.run(name_, "SET ROLE " + owner + "; " + kTable);
  cluster_.admin("ALTER ROLE " + owner + " IN DATABASE " + name_ + " SET statement_timeout = 5000; ALTER ROLE " +
                 other + " IN DATABASE " + name_ + " SET statement_timeout = 6000");
  Json args = backup_args(), restore = restore_args();
  args["server"] = restore["server"] = "host=" + cluster_.directory() + " user=" + deployer;
  ASSERT_TRUE(run_backup(args, {}));
  const auto restored = run_restore(restore, {});
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(cluster_.text("postgres",
                          "SELECT string_agg(pg_get_userbyid(setrole) || ' ' || setconfig::text, ' ') FROM "
                          "pg_db_role_setting s JOIN pg_database d ON d.oid = setdatabase WHERE datname = '" +
                              beside() + "'"),
            owner + " {statement_timeout=5000}");
  ASSERT_EQ(get(*restored, "notes").size(), 1U) << get(*restored, "notes");
  EXPECT_THAT(get(*restored, "notes")[0].get<std::string>(),
              HasSubstr("statement_timeout of the role " + other + " is not put on"));
  args["database"] = name_;
  const auto ready = look_at_readiness(args);
  ASSERT_TRUE(ready) << ready.error().message;
  EXPECT_EQ(get_string(*ready, "settings_of"), other);
}

TEST_F(Conditions, AnExtensionThatASuperuserMadeIsRestoredByWhoeverMayMakeIt) {
  const std::string owner = "app_" + name_, deployer = "deployer_" + name_;
  cluster_.admin("CREATE ROLE " + owner + "; CREATE ROLE " + deployer + " LOGIN CREATEDB; GRANT " + owner + " TO " +
                 deployer + "; ALTER DATABASE " + name_ + " OWNER TO " + owner);
  cluster_.run(name_, "CREATE EXTENSION citext; SET ROLE " + owner + "; " + kTable);
  Json args = backup_args(), restore = restore_args();
  args["server"] = restore["server"] = "host=" + cluster_.directory() + " user=" + deployer;
  ASSERT_TRUE(run_backup(args, {}));
  const auto trusted = run_restore(restore, {});
  EXPECT_TRUE(trusted) << trusted.error().message;

  cluster_.run(name_, "CREATE EXTENSION pageinspect");
  args["directory"] = restore["source"]["backup"] = dump() + ".other";
  args["manifest"] = restore["source"]["manifest"] = manifest() + ".other";
  const auto again = run_backup(args, {});
  ASSERT_TRUE(again) << again.error().message;
  const auto refused = run_restore(restore, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kDenied);
  EXPECT_THAT(refused.error().message, HasSubstr("permission denied to create extension \"pageinspect\""));
  EXPECT_THAT(refused.error().next, HasSubstr("not a trusted one"));
  const auto seen = observe({{"server", get(args, "server")}, {"database", name_}});
  ASSERT_TRUE(seen) << seen.error().message;
  EXPECT_EQ(get(get(*seen, "role"), "untrusted"), Json::array({"pageinspect"}));
}

TEST_F(Conditions, ALookTellsWhatIsAppliedAndGoesOnWhereThatCannotBeRead) {
  cluster_.run(name_,
               "CREATE TABLE django_migrations (id int PRIMARY KEY, app text, name text, applied timestamptz);"
               "INSERT INTO django_migrations VALUES (1, 'shop', '0001_initial', now());"
               "CREATE TABLE schema_info (version int); CREATE TABLE migrations (bird text);"
               "CREATE SCHEMA own; CREATE TABLE own.steps (step int); INSERT INTO own.steps VALUES (7)");
  const Json server = get(backup_args(), "server");
  const auto applied = [&](const Json& as, const Json& more) {
    Json args = {{"server", as}, {"database", name_}};
    args.update(more);
    const auto seen = observe(args);
    EXPECT_TRUE(seen) << (seen ? "" : seen.error().message);
    return seen ? get(*seen, "applied") : Json();
  };
  const Json book = {{"book", {{"table", "own.steps"}, {"column", "step"}}}};
  const Json before = applied(server, Json::object()), with_own = applied(server, book);
  EXPECT_THAT(get_string(before, "public.django_migrations"), ::testing::StartsWith("1 applied ("));
  EXPECT_THAT(get_string(with_own, "own.steps"), ::testing::StartsWith("1 applied ("));
  cluster_.run(name_, "INSERT INTO django_migrations VALUES (2, 'shop', '0002_fill', now())");
  EXPECT_NE(applied(server, Json::object()), before);
  cluster_.run(name_, "UPDATE own.steps SET step = 8");
  EXPECT_NE(get(applied(server, book), "own.steps"), get(with_own, "own.steps"));
  EXPECT_THAT(get_string(before, "public.schema_info"), ::testing::StartsWith("0 rows ("));
  EXPECT_FALSE(before.contains("public.migrations"));
  const std::string reader = "reader_" + name_;
  cluster_.run(name_, "CREATE ROLE " + reader + " LOGIN");
  const Json blind = applied("host=" + cluster_.directory() + " user=" + reader, book);
  EXPECT_THAT(get_string(blind, "migrations"), HasSubstr("cannot be read: "));
  cluster_.run(name_, "DROP ROLE " + reader);
  auto migration = Connection::open(cluster_.server(), name_);
  ASSERT_TRUE(migration && migration->exec("BEGIN; LOCK TABLE public.django_migrations"));
  EXPECT_THAT(get_string(applied(server, Json::object()), "migrations"), HasSubstr("lock timeout"));
}

}  // namespace
}  // namespace backout::postgresql

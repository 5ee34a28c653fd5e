#include "database/postgresql/connection.h"

#include "database/postgresql/testing.h"

namespace backout::postgresql {
namespace {

TEST(PostgresqlConnection, ReadsAndCopies) {
  TestCluster& cluster = TestCluster::the();
  const std::string name = cluster.database("o'dd \"name\" = ");
  auto connection = Connection::open(cluster.server(), name);
  ASSERT_TRUE(connection) << connection.error().message;
  EXPECT_EQ(connection->database(), name);
  EXPECT_GE(connection->server_version(), 150000);
  ASSERT_TRUE(connection->exec("CREATE TABLE public.t (a int, b text)"));
  auto in = connection->copy_in("COPY public.t FROM STDIN");
  ASSERT_TRUE(in);
  ASSERT_TRUE(in->put("1\tone\n2\t\\N\n"));
  EXPECT_EQ(in->finish().value(), 2);
  auto rows = connection->query("SELECT a, b FROM public.t WHERE a >= $1::int ORDER BY a", {"1"});
  ASSERT_TRUE(rows) << rows.error().message;
  ASSERT_EQ(rows->count(), 2);
  EXPECT_EQ(rows->text(0, 1), "one");
  EXPECT_TRUE(rows->is_null(1, 1));
  auto out = connection->copy_out("COPY (SELECT * FROM public.t ORDER BY a) TO STDOUT");
  ASSERT_TRUE(out);
  EXPECT_EQ(out->next().value(), "1\tone");
  EXPECT_EQ(out->next().value(), "2\t\\N");
  EXPECT_EQ(out->next().value(), std::nullopt);
  EXPECT_EQ(connection->integer("SELECT count(*) FROM public.t").value(), 2);
}

TEST(PostgresqlConnection, ErrorsSayWhatToDoAndWhy) {
  TestCluster& cluster = TestCluster::the();
  const auto none = Connection::open(cluster.server(), "no_such_database");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::kNotFound) << none.error().message;
  const auto nobody = Connection::open({"host=/tmp/backout-no-such-directory"}, "app");
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, Code::kUnavailable) << nobody.error().message;
  const auto stranger = Connection::open({"host=" + cluster.directory() + " user=stranger"}, "postgres");
  ASSERT_FALSE(stranger);
  EXPECT_EQ(stranger.error().code, Code::kDenied) << stranger.error().message;

  auto connection = Connection::open(cluster.server(), "postgres");
  ASSERT_TRUE(connection);
  EXPECT_FALSE(connection->exec("SELECT * FROM public.nothing"));
  EXPECT_EQ(connection->sqlstate(), "42P01");
  EXPECT_FALSE(connection->try_prepare("INSERT INTO public.nothing VALUES ($1)"));
  EXPECT_EQ(connection->sqlstate(), "42P01");
  EXPECT_TRUE(connection->try_prepare("SELECT $1::int + 1"));
  auto out = connection->copy_out("COPY (SELECT 1 / (x - 2) FROM generate_series(1, 3) AS x) TO STDOUT");
  ASSERT_TRUE(out);
  ASSERT_TRUE(out->next());
  EXPECT_FALSE(out->next());
  EXPECT_EQ(connection->sqlstate(), "22012");
  EXPECT_EQ(connection->integer("SELECT 1").value(), 1);  // and goes on
}

}  // namespace
}  // namespace backout::postgresql

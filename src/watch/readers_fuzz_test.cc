// The fuzz targets of tests/fuzz, run in every test: a corpus, and some thousand mutations of it from a printed seed.
#include <gtest/gtest.h>

#include "fuzz/mutations.h"
#include "fuzz/watch_readers.h"

namespace backout::watch {
namespace {

using fuzz::run;

TEST(ReadersFuzz, Prometheus) {
  run("prometheus", fuzz_prometheus,
      {R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"a","version":"v1"},"values":[[1435781430.781,"1"],[1435781445.781,"NaN"]]},{"metric":{"__name__":"a","version":"v2"},"values":[[1435781460,"7"]]}]}})",
       R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{"code":"200"},"value":[1435781451.781,"7"]}]},"warnings":["a"]})",
       R"({"status":"error","errorType":"bad_data","error":"parse error"})", ""});
}

TEST(ReadersFuzz, Exposition) {
  run("exposition", fuzz_exposition,
      {"# HELP x y\n# TYPE x counter\nhttp_requests_total{method=\"post\",code=\"200\"} 1027 1395066363000\n",
       "msdos_file{path=\"C:\\\\DIR\\\\FILE.TXT\",error=\"no:\\n\\\"F\\\"\"} 1.458255915e9\nx +Inf\ny NaN\n# EOF\n",
       "foo_total{a=\"b\"} 17.0 1520879607.789 # {trace_id=\"KOO5S4vxi0o\"} 0.67\n", "x_total{a=~'5..',b!~`x`}"});
}

TEST(ReadersFuzz, Alerts) {
  run("alerts", fuzz_alerts,
      {R"({"version":"4","truncatedAlerts":2,"alerts":[{"status":"firing","labels":{"alertname":"High5xx","team":"db"},"annotations":{"summary":"5xx"},"startsAt":"2025-11-21T14:02:14.113Z","endsAt":"0001-01-01T00:00:00Z","fingerprint":"b3"}]})",
       R"([{"annotations":{},"endsAt":"2025-11-21T14:07:00.000Z","fingerprint":"aa","startsAt":"2025-11-21T14:02:00.000Z","status":{"state":"active"},"labels":{"alertname":"Slow","version":"v2"}}])",
       R"({"alerts":[]})"});
}

TEST(ReadersFuzz, Log) {
  run("log", fuzz_log,
      {"2025-11-21 14:00:00 ERROR payment 17 of user bob@example.com declined\nTraceback (most recent call last):\n  "
       "File \"a.py\"\nValueError: no\n",
       "{\"level\":\"error\",\"msg\":\"it 'broke' 7 times\",\"time\":\"2025-11-21T14:00:00.5Z\"}\nlevel=error "
       "msg=\"x\"\n",
       "127.0.0.1 - - [21/Nov/2025:14:00:00 +0000] \"GET /a?b=1 HTTP/1.1\" 500 12\n[error] 7#0: *1 open() "
       "\"/srv/static/x\" failed\n"});
}

}  // namespace
}  // namespace backout::watch

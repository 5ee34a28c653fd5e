// The report for everybody: a short list of facts, each named here, and what people wrote for the public. Not the whole
// report with parts taken out: what is not in this list cannot get out. No hosts, no people, no commands, no versions,
// no reasons, nothing that a program printed.
#pragma once
#include "record/report.h"

namespace backout::record {

struct PublicReport {
  std::string incident, service;
  std::string state;  // a sentence of ours
  WallTime began_at{}, ended_at{};
  bool over = false;
  struct Outage {
    WallTime from{}, to{};
  };
  std::vector<Outage> outages;  // users outside
  Millis outage{0};
  bool outside_still = false;
  int64_t rows_kept = 0, rows_open = 0;  // written by users meanwhile: carried over; not yet
  std::string statement;                 // of people, section "public"
};
PublicReport public_of(const Report& report);

std::string to_markdown(const PublicReport& report);
std::string to_html(const PublicReport& report);
Json to_json(const PublicReport& report);

}  // namespace backout::record

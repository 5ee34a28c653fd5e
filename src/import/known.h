// Known: what a command of a runbook does, as far as it is certain from its words. Pure.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "model/step.h"

namespace backout::import {

/// Where an item goes: a key of backout.yaml, something that backout does by itself, or a person.
enum class To {
  kDoor,
  kServices,
  kCode,
  kBuild,
  kDatabase,
  kBackups,
  kMigrations,
  kChecks,
  kAsk,
  kCommands,
  kWatch,
  kVersion,  // finding the release to go back to
  kSet,      // a variable of the runbook
  kHosts,
  kHand,  // a person does it
  kStop,  // a condition under which to stop
  kRules,
  kPeople,
  kReport,
  kMessage,
  kNote,
  kRepeat,
  kText,      // a sentence between the others
  kUnplaced,  // for a person to decide
};
std::string_view name_of(To to);

/// What stands in the words; empty where it does not apply.
struct Meaning {
  To to = To::kUnplaced;
  std::optional<Phase> phase;
  bool looks = false;              // changes nothing
  bool context = false;            // cd, echo, source: belongs to the command that follows
  std::string verb;                // of services: stop, start, restart, status
  std::string form;                // systemd, supervisor, pm2
  std::vector<std::string> names;  // of services; none: all
  std::string user;                // sudo -u
  std::string url;                 // of a check
  bool head = false;               // curl -I
  std::string log, unit;           // what a check of a log reads
  std::string database, server;    // "shop", "host=localhost user=postgres"
  std::string directory;           // cd, or where backups lie
  std::string migrator, manage;    // "django", "python manage.py"
  std::string assigned, value;     // NAME=value
};

/// `language` is that of its block.
Meaning meaning_of(const std::string& command, const std::string& language);

/// One simple command, already in words, without sudo and assignments; parts of meaning_of.
std::optional<Meaning> meaning_of_data(const std::vector<std::string>& words);
std::optional<Meaning> meaning_of_platform(const std::vector<std::string>& words);

}  // namespace backout::import

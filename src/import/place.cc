#include "import/place.h"

#include <algorithm>

#include "base/text.h"
#include "import/area.h"
#include "import/block.h"
#include "import/commands.h"
#include "import/danger.h"
#include "import/placeholder.h"
#include "import/sentence.h"
#include "import/ways.h"
#include "init/words.h"

namespace backout::import {
namespace {

constexpr size_t kMostNamed = 6;  // placeholders told in one reason

std::optional<Phase> phase_of(Area area) {
  switch (area) {
    case Area::kPrepare: return Phase::kPrepare;
    case Area::kClose: return Phase::kClose;
    case Area::kSwitch: return Phase::kSwitch;
    case Area::kStart: return Phase::kStart;
    case Area::kVerify: return Phase::kCheck;
    case Area::kAfter: return Phase::kSettle;
    case Area::kDecide: return Phase::kPrepare;
    case Area::kNone:
    case Area::kContacts:
    case Area::kNote:
    case Area::kReport:
    case Area::kMessage: return std::nullopt;
  }
  return std::nullopt;
}

bool has_title(const Runbook& book, int section, std::initializer_list<std::string_view> words) {
  for (int at = section, depth = 0; at >= 0 && depth < 4; at = book.sections[static_cast<size_t>(at)].parent, ++depth)
    if (says(lowered(book.sections[static_cast<size_t>(at)].title), words)) return true;
  return false;
}

class Placer {
 public:
  Placer(const Runbook& book, const std::map<std::string, std::string>& fill, const std::vector<std::string>& wanted)
      : book_(book), areas_(areas_of(book)), ways_(ways_of(book, wanted)) {
    out_.values = fill;
    out_.ways = ways_.told;
    for (const Item& item : book.items) learn(item);
  }

  Placing take() {
    for (size_t at = 0; at < book_.items.size(); ++at) out_.placed.push_back(one(at));
    context();
    bool database = false;
    for (size_t at = 0; at < book_.items.size(); ++at) database = database || names_database(at);
    for (size_t at = 0; at < book_.items.size(); ++at) settle(at, database);
    return std::move(out_);
  }

 private:
  /// A variable that the runbook gives a value which is none to be filled in.
  void learn(const Item& item) {
    if (item.kind != Kind::kCommand || !is_assignment(item.text)) return;
    const Meaning meaning = meaning_of(item.text, item.language);
    if (meaning.value.empty() || !placeholders_in(meaning.value).empty()) return;
    out_.values.emplace(meaning.assigned, meaning.value);
  }

  Area area_of(const Item& item) {
    Area area = item.section < 0 ? Area::kNone : areas_[static_cast<size_t>(item.section)];
    if (area != Area::kNone || item.intro.empty()) return area;
    if (item.intro != intro_) {  // items of one list have the same
      intro_ = item.intro;
      Runbook one;
      one.sections.push_back({0, 2, item.intro, -1});
      const Area own = areas_of(one).front();
      const bool takes = own == Area::kDecide || own == Area::kPrepare || own == Area::kVerify || own == Area::kAfter ||
                         own == Area::kContacts;
      of_intro_ = takes ? own : Area::kNone;
    }
    return of_intro_;
  }

  Placed one(size_t at) {
    const Item& item = book_.items[at];
    Placed placed;
    placed.text = filled(item.text, out_.values, placed.open);
    const Area area = area_of(item);
    switch (item.kind) {
      case Kind::kCommand: command(item, area, placed); break;
      case Kind::kComment: by_person(area, placed); break;
      case Kind::kCheckbox:
      case Kind::kBullet: element(item, area, placed); break;
      case Kind::kRow: row(item, area, placed); break;
      case Kind::kSnippet: snippet(item, area, placed); break;
      case Kind::kText: text(item, area, placed); break;
    }
    return placed;
  }

  /// What is no step, whatever it is.
  static bool is_aside(Area area, Placed& placed) {
    if (area == Area::kNote) placed.to = To::kNote;
    if (area == Area::kReport) placed.to = To::kReport;
    if (area == Area::kMessage) placed.to = To::kMessage;
    if (area == Area::kContacts) placed.to = To::kPeople;
    return area == Area::kNote || area == Area::kReport || area == Area::kMessage || area == Area::kContacts;
  }

  static void by_person(Area area, Placed& placed) {
    if (is_aside(area, placed)) return;
    placed.phase = phase_of(area);
    placed.to = placed.phase ? To::kHand : To::kUnplaced;
    if (!placed.phase) placed.why = "nothing says in which phase";
  }

  void command(const Item& item, Area area, Placed& placed) {
    if (const auto danger = danger_of(placed.text)) placed.danger = *danger;
    placed.meaning = meaning_of(placed.text, item.language);
    Meaning& meaning = placed.meaning;
    placed.to = meaning.to;
    placed.phase = meaning.phase;
    if (placed.to == To::kSet) return;
    if (is_aside(area, placed)) {
      placed.phase.reset();
      return;
    }
    if (const size_t equals = item.text.find(" = "); equals != std::string::npos &&
                                                     !item.text.substr(0, equals).empty() &&
                                                     item.text.find_first_of(" \t") == equals) {
      placed.to = says(item.text.substr(0, equals), {"DEBUG", "LOG"}) ? To::kWatch : To::kHand;
      placed.phase = placed.to == To::kWatch ? Phase::kSettle : phase_of(area);
      return;
    }
    door(item, area, placed);
    if (placed.to == To::kUnplaced || (placed.to == To::kCommands && !placed.phase)) unknown(area, placed);
    if (placed.to == To::kVersion && !placed.phase) {
      const bool later = area == Area::kVerify || area == Area::kAfter || area == Area::kStart;
      placed.to = later ? To::kChecks : To::kVersion;
      placed.phase = later ? Phase::kCheck : Phase::kPrepare;
    }
    if (placed.to == To::kHand && !placed.phase) placed.phase = phase_of(area);
    if (area == Area::kAfter) {
      if (placed.to == To::kChecks && !meaning.url.empty()) {  // a look at what was done after the site was open again
        placed.to = To::kCommands;
        placed.phase = Phase::kSettle;
      }
      if (placed.to == To::kDatabase && meaning.looks) {
        placed.to = To::kWatch;
        placed.phase = Phase::kSettle;
      }
    }
  }

  static void unknown(Area area, Placed& placed) {
    const auto phase = phase_of(area);
    if (placed.meaning.context) return;
    if (!phase) {
      placed.to = To::kUnplaced;
      placed.why = "nothing says in which phase";
      return;
    }
    placed.phase = phase;
    placed.to = To::kCommands;
    if (!placed.meaning.looks) return;
    if (*phase == Phase::kPrepare) {
      placed.to = To::kVersion;
    } else if (*phase == Phase::kSettle) {
      placed.to = To::kHand;
    } else {
      placed.to = To::kChecks;
      placed.phase = Phase::kCheck;
    }
  }

  /// Stopping the web server "to put the site in maintenance mode" is the door.
  void door(const Item& item, Area area, Placed& placed) {
    if (placed.to == To::kDoor && !placed.phase) {
      const std::string small = lowered(placed.text);
      const bool opens =
          says(small, {" off", " disable", " up", "end", "stop"}) || area == Area::kStart || area == Area::kVerify;
      placed.phase = opens ? Phase::kOpen : Phase::kClose;
    }
    if (placed.to != To::kServices || placed.meaning.names.size() != 1) return;
    const std::string& name = placed.meaning.names.front();
    if (!says(name, {"nginx", "apache", "httpd", "haproxy", "caddy"})) return;
    if (placed.meaning.verb == "stop" && says(lowered(item.comment + item.intro), {"maintenance", "traffic"}))
      edge_ = name;
    if (edge_ != name || (placed.meaning.verb != "stop" && placed.meaning.verb != "start")) return;
    placed.to = To::kDoor;
    placed.phase = placed.meaning.verb == "stop" ? Phase::kClose : Phase::kOpen;
  }

  void element(const Item& item, Area area, Placed& placed) {
    const std::string plain = without_markup(item.text), small = lowered(plain);
    if (is_aside(area, placed)) return;
    if (is_condition(item.intro)) {
      placed.to = To::kNote;
      return;
    }
    if (area == Area::kDecide) {
      placed.to = To::kRules;
      return;
    }
    if (is_stop_condition(plain)) {
      placed.to = To::kStop;
      placed.phase = phase_of(area);
      return;
    }
    if (area == Area::kVerify) {
      placed.phase = Phase::kCheck;
      const bool of_log =
          small.starts_with("no ") && says(small, {"error", "exception", "traceback", "missing static"});
      const bool of_log_here = of_log && says(lowered(item.intro), {"watch for", "log"});
      placed.to = address_in(item.text) || of_log_here ? To::kChecks : To::kAsk;
      return;
    }
    if (area == Area::kNone && item.kind == Kind::kBullet) {
      placed.to = To::kNote;
      return;
    }
    by_person(area, placed);
  }

  void row(const Item& item, Area area, Placed& placed) {
    if (item.language == "listing") {
      placed.to = To::kRepeat;
      return;
    }
    if (is_aside(area, placed)) return;
    const std::string head = lowered(join(item.head, " | "));
    if (says(head, {"phone", "contact", "email", "e-mail", "escalation", "teléfono", "telefon"}) ||
        (says(head, {"role", "rol", "rolle"}) && says(head, {"name"})))
      placed.to = To::kPeople;
    else if (area == Area::kDecide ||
             says(head, {"severity", "decision", "rollback?", "recommended action", "schwere", "severidad"}))
      placed.to = To::kRules;
    else
      by_person(area, placed);
    if (placed.to == To::kUnplaced) placed.why = "a table that is neither of decisions nor of people";
  }

  void snippet(const Item& item, Area area, Placed& placed) {
    const std::string& language = item.language;
    if (language == "message" ||
        (has_title(book_, item.section,
                   {"communicat", "notif", "status page", "message", "announce", "email", "slack", "template"}) &&
         (language.empty() || language == "text" || language == "txt") && area != Area::kReport &&
         area != Area::kPrepare)) {
      placed.to = To::kMessage;
      return;
    }
    if (language == "markdown" || language == "md") {
      placed.to = To::kReport;
      return;
    }
    if (is_aside(area, placed)) return;
    if (area == Area::kNone || area == Area::kDecide || area == Area::kVerify || language == "front matter" ||
        language == "mermaid") {
      placed.to = To::kNote;
      return;
    }
    by_person(area, placed);
  }

  static void text(const Item& item, Area area, Placed& placed) {
    const std::string plain = without_markup(item.text), small = lowered(plain);
    placed.to = To::kText;
    if (is_stop_condition(plain)) {
      placed.to = To::kStop;
      placed.phase = phase_of(area);
    } else if (area == Area::kDecide && small.starts_with("action:")) {
      placed.to = To::kRules;
    } else if (says(small, {"escalate", "eskalier"}) && area != Area::kNote) {
      placed.to = To::kPeople;
    }
  }

  /// cd, echo and their like go with the command that they are for: the next that does something, else the next, else
  /// the one before.
  void context() {
    const auto same = [&](size_t a, size_t b) {
      return book_.items[a].block == book_.items[b].block && book_.items[a].block > 0;
    };
    for (size_t at = out_.placed.size(); at-- > 0;) {
      Placed& placed = out_.placed[at];
      const bool input = book_.items[at].kind == Kind::kCommand && book_.items[at].text.starts_with(">>>");
      if (input) continue;
      if (book_.items[at].kind != Kind::kCommand || !placed.meaning.context || placed.to != To::kUnplaced) continue;
      size_t found = at;
      for (size_t next = at + 1; next < std::min(out_.placed.size(), at + 40) && same(at, next); ++next) {
        if (book_.items[next].kind != Kind::kCommand || out_.placed[next].meaning.context) continue;
        if (out_.placed[next].to == To::kSet) continue;
        if (found == at) found = next;
        if (out_.placed[next].meaning.looks) continue;
        found = next;
        break;
      }
      if (found == at && at > 0 && same(at, at - 1) && book_.items[at - 1].kind == Kind::kCommand) found = at - 1;
      if (found == at) continue;
      placed.to = out_.placed[found].to;
      placed.phase = out_.placed[found].phase;
      follows_.emplace(at, found);
    }
    for (size_t at = 1; at < out_.placed.size(); ++at)
      if (book_.items[at].kind == Kind::kCommand && book_.items[at].text.starts_with(">>>") && same(at, at - 1)) {
        out_.placed[at].to = out_.placed[at - 1].to;
        out_.placed[at].phase = out_.placed[at - 1].phase;
      }
  }

  bool names_database(size_t at) const {
    const Placed& placed = out_.placed[at];
    std::vector<std::string> open;
    (void)filled(placed.meaning.database + " " + placed.meaning.server, {}, open);
    return placed.to == To::kDatabase && !placed.meaning.database.empty() && open.empty() &&
           !book_.items[at].text.starts_with("docker") && ways_.left_out[at].empty() &&
           placed.meaning.database.find_first_of("$[<({") == std::string::npos && placed.meaning.database != "postgres";
  }

  /// Whether it can stand in the draft as it is.
  void settle(size_t at, bool database) {
    const Item& item = book_.items[at];
    Placed& placed = out_.placed[at];
    if (placed.to == To::kText || placed.to == To::kSet || placed.to == To::kRepeat || placed.to == To::kNote ||
        placed.to == To::kMessage || placed.to == To::kReport || placed.to == To::kRules)
      return;
    if (const std::string& way = ways_.left_out[at]; !way.empty() && placed.to != To::kPeople)
      return leave(placed, "another way: " + shortened(one_line(way), 80));
    const bool of_database = placed.to == To::kDatabase || placed.to == To::kBackups || placed.to == To::kMigrations;
    if (of_database && !database) return leave(placed, "which database it is, the runbook does not say");
    const auto followed = follows_.find(at);
    const bool needs_all = placed.to == To::kServices || placed.to == To::kCommands || placed.to == To::kBuild ||
                           (placed.to == To::kPeople && (item.kind == Kind::kRow || item.kind == Kind::kBullet)) ||
                           placed.to == To::kDoor ||
                           (placed.to == To::kChecks && item.kind == Kind::kCommand && placed.meaning.url.empty());
    if (followed != follows_.end() && followed->second > at && needs_all) {
      Placed next = out_.placed[followed->second];
      if (next.open.empty()) next.open = placed.open;
      if (!next.open.empty()) return leave(placed, filling(next.open));
    }
    if (needs_all && !placed.open.empty()) return leave(placed, filling(placed.open));
    const bool takes_words = needs_all || placed.to == To::kChecks;
    if (item.kind == Kind::kCommand && takes_words && init::holds_secret(shell_words(placed.text)))
      return leave(placed, "it holds what looks like a secret: say where it is instead");
    if (placed.to == To::kCommands && !placed.danger.empty()) return leave(placed, "it " + placed.danger);
    if (item.alone && needs_all) return leave(placed, "said in a sentence");
    if (placed.to == To::kHosts) return leave(placed, "run backout there, or name the host");
    if (placed.to == To::kWatch && (!placed.meaning.looks || item.text.find("shell") != std::string::npos))
      leave(placed, "by hand");
  }

  static std::string filling(const std::vector<std::string>& open) {
    std::vector<std::string> named(open.begin(), open.begin() + static_cast<long>(std::min(open.size(), kMostNamed)));
    return "fill in " + one_line(join(named, ", "));
  }
  static void leave(Placed& placed, std::string why) {
    placed.off = true;
    placed.why = std::move(why);
  }

  const Runbook& book_;
  const std::vector<Area> areas_;
  const Ways ways_;
  Placing out_;
  std::string edge_, intro_;
  Area of_intro_ = Area::kNone;
  std::map<size_t, size_t> follows_;
};

}  // namespace

Placing place(const Runbook& runbook, const std::map<std::string, std::string>& fill,
              const std::vector<std::string>& wanted_ways) {
  return Placer(runbook, fill, wanted_ways).take();
}

}  // namespace backout::import

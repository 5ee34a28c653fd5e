#include "import/area.h"

#include <algorithm>

#include "base/text.h"

namespace backout::import {
namespace {

struct Word {
  Area area;
  std::string_view words;
};

// The first that is in a heading decides. Russian and Vietnamese words lack the first letter where it may be a capital.
constexpr Word kWords[] = {{Area::kContacts, "contact"},
                           {Area::kContacts, "escalat"},
                           {Area::kContacts, "kontakt"},
                           {Area::kContacts, "eskal"},
                           {Area::kContacts, "escalad"},
                           {Area::kContacts, "escalam"},
                           {Area::kContacts, "liên hệ"},
                           {Area::kContacts, "онтакт"},
                           {Area::kContacts, "скалац"},
                           {Area::kContacts, "on-call"},
                           {Area::kContacts, "ansprechpartner"},
                           {Area::kNote, "prévention"},
                           {Area::kDecide, "quand "},
                           {Area::kPrepare, "prérequis"},
                           {Area::kPrepare, "avant "},
                           {Area::kVerify, "vérif"},
                           {Area::kVerify, "verifica"},
                           {Area::kStart, "redémarr"},
                           {Area::kClose, "arrêt"},
                           {Area::kAfter, "après"},

                           {Area::kPrepare, "pre-rollback"},
                           {Area::kPrepare, "pre-check"},
                           {Area::kPrepare, "pre-flight"},
                           {Area::kPrepare, "preflight"},
                           {Area::kPrepare, "prerequisit"},
                           {Area::kPrepare, "before you"},

                           {Area::kSwitch, "partial rollback"},
                           {Area::kNote, "prevention"},
                           {Area::kNote, "overview"},
                           {Area::kNote, "purpose"},
                           {Area::kNote, "table of contents"},
                           {Area::kNote, "related"},
                           {Area::kNote, "reference"},
                           {Area::kNote, "see also"},
                           {Area::kNote, "principle"},
                           {Area::kNote, "strategy"},
                           {Area::kNote, "conclusion"},
                           {Area::kNote, "test procedure"},
                           {Area::kNote, "best practice"},
                           {Area::kNote, "glossary"},
                           {Area::kNote, "changelog"},
                           {Area::kNote, "revision history"},
                           {Area::kNote, "introduc"},
                           {Area::kNote, "architecture"},
                           {Area::kNote, "drill"},
                           {Area::kNote, "rehears"},
                           {Area::kNote, "before running"},
                           {Area::kNote, "critical information"},
                           {Area::kNote, "übersicht"},
                           {Area::kNote, "überblick"},
                           {Area::kNote, "zweck"},
                           {Area::kNote, "resumen"},
                           {Area::kNote, "objetivo"},
                           {Area::kNote, "tổng quan"},
                           {Area::kNote, "ục đích"},
                           {Area::kNote, "бзор"},
                           {Area::kNote, "назначение"},
                           {Area::kNote, "redeploy after"},
                           {Area::kNote, "disclaimer"},

                           {Area::kReport, "template"},
                           {Area::kReport, "plantilla"},
                           {Area::kReport, "vorlage"},

                           {Area::kVerify, "rollback verification"},
                           {Area::kVerify, "verification after"},
                           {Area::kVerify, "post-rollback verif"},
                           {Area::kVerify, "post-rollback validation"},
                           {Area::kVerify, "post-rollback check"},

                           {Area::kAfter, "post-"},
                           {Area::kAfter, "after any"},
                           {Area::kAfter, "after rollback"},
                           {Area::kAfter, "after the rollback"},
                           {Area::kAfter, "follow-up"},
                           {Area::kAfter, "followup"},
                           {Area::kAfter, "follow up"},
                           {Area::kAfter, "record keeping"},
                           {Area::kAfter, "log the incident"},
                           {Area::kAfter, "communicat"},
                           {Area::kAfter, "notif"},
                           {Area::kAfter, "status page"},
                           {Area::kAfter, "investigat"},
                           {Area::kAfter, "root cause"},
                           {Area::kAfter, "analysis"},
                           {Area::kAfter, "re-upgrade"},
                           {Area::kAfter, "data recovery"},
                           {Area::kAfter, "document"},
                           {Area::kAfter, "fix forward"},
                           {Area::kAfter, "incident"},
                           {Area::kAfter, "checklist summary"},
                           {Area::kAfter, "rollback checklist"},
                           {Area::kAfter, "nachbereit"},
                           {Area::kAfter, "después"},
                           {Area::kAfter, "posterior"},
                           {Area::kAfter, "sau khi"},
                           {Area::kAfter, "sau rollback"},
                           {Area::kAfter, "осле"},
                           {Area::kAfter, "cleanup"},
                           {Area::kAfter, "clean up"},

                           {Area::kPrepare, "verify issue"},
                           {Area::kPrepare, "verify the issue"},
                           {Area::kPrepare, "confirm the issue"},
                           {Area::kPrepare, "verify access"},
                           {Area::kPrepare, "current version"},
                           {Area::kPrepare, "current state"},

                           {Area::kDecide, "decision"},
                           {Area::kDecide, "when to roll"},
                           {Area::kDecide, "trigger"},
                           {Area::kDecide, "criteria"},
                           {Area::kDecide, "severity"},
                           {Area::kDecide, "rollback scenarios"},
                           {Area::kDecide, "issues ("},
                           {Area::kDecide, "entscheid"},
                           {Area::kDecide, "wann "},
                           {Area::kDecide, "decisión"},
                           {Area::kDecide, "criterio"},
                           {Area::kDecide, "uándo"},
                           {Area::kDecide, "hi nào"},
                           {Area::kDecide, "iêu chí"},
                           {Area::kDecide, "ритери"},
                           {Area::kDecide, "огда "},
                           {Area::kDecide, "threshold"},
                           {Area::kDecide, "when should"},
                           {Area::kDecide, "vs. roll"},

                           {Area::kPrepare, "backup"},
                           {Area::kPrepare, "snapshot"},
                           {Area::kPrepare, "prepar"},
                           {Area::kPrepare, "assess"},
                           {Area::kPrepare, "identif"},
                           {Area::kPrepare, "immediate response"},
                           {Area::kPrepare, "calculate"},
                           {Area::kPrepare, "export"},
                           {Area::kPrepare, "before"},
                           {Area::kPrepare, "access"},
                           {Area::kPrepare, "ssh into"},
                           {Area::kPrepare, "image tags"},
                           {Area::kPrepare, "check current"},
                           {Area::kPrepare, "check backup"},
                           {Area::kPrepare, "list available"},
                           {Area::kPrepare, "find the"},
                           {Area::kPrepare, "vorbereit"},
                           {Area::kPrepare, "sichern"},
                           {Area::kPrepare, "sicherung"},
                           {Area::kPrepare, "vorher"},
                           {Area::kPrepare, "voraussetz"},
                           {Area::kPrepare, "antes"},
                           {Area::kPrepare, "previos"},
                           {Area::kPrepare, "previa"},
                           {Area::kPrepare, "previo "},
                           {Area::kPrepare, "requisito"},
                           {Area::kPrepare, "copia de seguridad"},
                           {Area::kPrepare, "respaldo"},
                           {Area::kPrepare, "huẩn bị"},
                           {Area::kPrepare, "rước khi"},
                           {Area::kPrepare, "ao lưu"},
                           {Area::kPrepare, "одготов"},
                           {Area::kPrepare, "еред "},
                           {Area::kPrepare, "езервн"},
                           {Area::kPrepare, "pre rollback"},

                           {Area::kVerify, "verif"},
                           {Area::kVerify, "smoke"},
                           {Area::kVerify, "validat"},
                           {Area::kVerify, "health"},
                           {Area::kVerify, "check"},
                           {Area::kVerify, "prüf"},
                           {Area::kVerify, "verifiz"},
                           {Area::kVerify, "comprob"},
                           {Area::kVerify, "iểm tra"},
                           {Area::kVerify, "ác minh"},
                           {Area::kVerify, "ровер"},
                           {Area::kVerify, "monitor deploy"},
                           {Area::kVerify, "confirm"},
                           {Area::kVerify, "sanity"},

                           {Area::kStart, "restart"},
                           {Area::kStart, "service restoration"},
                           {Area::kStart, "start "},
                           {Area::kStart, "neustart"},
                           {Area::kStart, "starten"},
                           {Area::kStart, "reinici"},
                           {Area::kStart, "iniciar"},
                           {Area::kStart, "khởi động"},
                           {Area::kStart, "Khởi động"},
                           {Area::kStart, "апуск"},
                           {Area::kStart, "bring up"},
                           {Area::kStart, "resume"},

                           {Area::kAfter, "monitor"},
                           {Area::kAfter, "beobacht"},
                           {Area::kAfter, "iám sát"},
                           {Area::kAfter, "ониторинг"},

                           {Area::kClose, "stop"},
                           {Area::kClose, "maintenance mode"},
                           {Area::kClose, "drain"},
                           {Area::kClose, "anhalten"},
                           {Area::kClose, "detener"},
                           {Area::kClose, "parar"},
                           {Area::kClose, "dừng"},
                           {Area::kClose, "Dừng"},
                           {Area::kClose, "станов"},
                           {Area::kClose, "freeze"},

                           {Area::kSwitch, "rollback"},
                           {Area::kSwitch, "roll back"},
                           {Area::kSwitch, "rolling back"},
                           {Area::kSwitch, "restor"},
                           {Area::kSwitch, "revert"},
                           {Area::kSwitch, "deploy"},
                           {Area::kSwitch, "checkout"},
                           {Area::kSwitch, "check out"},
                           {Area::kSwitch, "database"},
                           {Area::kSwitch, "code"},
                           {Area::kSwitch, "migrat"},
                           {Area::kSwitch, "reinstall"},
                           {Area::kSwitch, "collect"},
                           {Area::kSwitch, "dependenc"},
                           {Area::kSwitch, "rebuild"},
                           {Area::kSwitch, "switch"},
                           {Area::kSwitch, "update"},
                           {Area::kSwitch, "execut"},
                           {Area::kSwitch, "procedure"},
                           {Area::kSwitch, "steps"},
                           {Area::kSwitch, "zurück"},
                           {Area::kSwitch, "wiederher"},
                           {Area::kSwitch, "restaur"},
                           {Area::kSwitch, "revers"},
                           {Area::kSwitch, "revertir"},
                           {Area::kSwitch, "procedimiento"},
                           {Area::kSwitch, "ablauf"},
                           {Area::kSwitch, "schritte"},
                           {Area::kSwitch, "pasos"},
                           {Area::kSwitch, "hôi phục"},
                           {Area::kSwitch, "các bước"},
                           {Area::kSwitch, "ткат"},
                           {Area::kSwitch, "осстанов"},
                           {Area::kSwitch, "traffic"},
                           {Area::kSwitch, "canary"},
                           {Area::kSwitch, "blue-green"}};

bool has(std::string_view text, std::string_view word) { return text.find(word) != std::string_view::npos; }

Area own_area(std::string_view title) {
  const std::string small = lowered(title);
  if (trimmed(small) == "stop") return Area::kNone;  // a label
  for (const Word& word : kWords)
    if (has(small, word.words)) return word.area;
  return Area::kNone;
}

/// A label inside a checklist to print: "PRE-ROLLBACK:", "ROLLBACK EXECUTION:".
Area of_label(std::string_view title) {
  const std::string small = lowered(title);
  if (has(small, "pre-rollback") || has(small, "pre rollback")) return Area::kPrepare;
  return has(small, "execution") || small == "rollback" ? Area::kSwitch : Area::kNone;
}

/// Does what is above hold for what is below, whatever that says?
Area inherited(Area above, Area own) {
  switch (above) {
    case Area::kNone:
    case Area::kSwitch:
    case Area::kStart:
    case Area::kClose: return own == Area::kNone ? above : own;
    case Area::kPrepare:
      return own == Area::kClose || own == Area::kSwitch || own == Area::kStart || own == Area::kContacts ? own : above;
    case Area::kDecide: return own == Area::kContacts || own == Area::kPrepare ? own : above;
    case Area::kVerify: return own == Area::kAfter || own == Area::kContacts ? own : above;
    case Area::kContacts:
    case Area::kNote:
    case Area::kReport:
    case Area::kMessage:
    case Area::kAfter: return above;
  }
  return above;
}

bool is_numbered(std::string_view title) {
  const std::string small = lowered(title);
  for (const std::string_view word : {"phase ", "step ", "stage ", "schritt ", "paso ", "bước ", "шаг ", "fase "})
    if (small.starts_with(word)) return true;
  return !title.empty() && title.front() >= '0' && title.front() <= '9';
}

}  // namespace

std::string lowered(std::string_view text) {
  std::string small(text);
  std::transform(small.begin(), small.end(), small.begin(),
                 [](unsigned char c) { return static_cast<char>(c < 128 ? std::tolower(c) : c); });
  return small;
}

std::vector<Area> areas_of(const Runbook& runbook) {
  std::vector<Area> areas;
  struct Seen {
    bool switched = false, verified = false;
  };
  std::vector<Seen> below(runbook.sections.size() + 1);  // by the section that they stand in
  for (const Section& section : runbook.sections) {
    const bool is_title = section.level == 1 && section.parent < 0 && areas.empty();
    Area own = is_title ? Area::kNone : own_area(section.title);
    Seen& seen = below[static_cast<size_t>(section.parent + 1)];
    if (is_numbered(section.title) && !is_title) {
      // In a numbered sequence what comes after the site was brought back and looked at is for afterwards.
      if (seen.switched && seen.verified && own != Area::kVerify && own != Area::kContacts && own != Area::kNote)
        own = Area::kAfter;
      if (own == Area::kSwitch || own == Area::kStart) seen.switched = true;
      if (own == Area::kVerify && seen.switched) seen.verified = true;
    }
    const Area above = section.parent < 0 ? Area::kNone : areas[static_cast<size_t>(section.parent)];
    const Area label = above == Area::kAfter ? of_label(section.title) : Area::kNone;
    areas.push_back(label != Area::kNone ? label : inherited(above, own));
  }
  return areas;
}

}  // namespace backout::import

// The walk itself: every cell of the six axes, each again with one more thing as the rules tell it apart (one symptom
// alone, one figure in each of its ranges). Rules are bits, so that a cell costs a handful of ANDs.
//
// A cell is left out when its severity is less than what its other facts amount to, or, with a symptom or a figure,
// when it is anything else: such facts do not meet, and rules that only meet there do not contradict each other.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "decide/regions.h"

namespace backout::decide {

/// A block of cells: along each axis a run of regions.
struct GridBox {
  int64_t cells = 0;
  std::string text;  // "severity sev2, users over 50 %"; axes that are whole are left out
};

/// Two rules, by index, and where they meet.
struct GridPair {
  size_t stronger = 0, weaker = 0;
  int64_t cells = 0;
  std::string example;
};

class GridWalk {
 public:
  /// Rules and policies must outlive it.
  GridWalk(const std::vector<const Rule*>& rules, const Policies& policies);
  void walk();

  int64_t cells() const { return cells_; }
  int64_t axis_cells() const { return axis_cells_; }
  int64_t gap_cells() const { return gap_cells_; }
  std::vector<GridBox> gaps() const;        // of the axes alone, greatest first; at most kMostBoxes
  std::vector<GridPair> conflicts() const;  // in the order of the rules
  std::vector<GridPair> weaker() const;     // stronger: the rule of the milder cell
  bool holds_somewhere(size_t rule) const { return has(ever_, rule); }
  bool lives(size_t rule) const { return has(won_, rule); }
  /// The one rule that is stronger wherever this one holds, if there is one.
  std::optional<size_t> shadow_of(size_t rule) const;

  static constexpr size_t kMostBoxes = 24;

 private:
  using Bits = std::vector<uint64_t>;
  static constexpr size_t kAxes = 6;
  using Cell = std::array<uint16_t, kAxes>;
  struct Axis {
    FactId fact;
    std::vector<Region> regions;
    std::vector<Bits> holds;  // by region: the rules whose condition on it holds, or that have none
    bool spoken_of = false;
  };
  /// What is so beside the axes; the first is nothing at all.
  struct Extra {
    std::vector<std::pair<FactId, Region>> facts;
    Bits holds;
    double implied = -1;  // the severity that they amount to
    bool binding = false;
    std::vector<int16_t> winners;  // by cell: the rule; kNone, kNotMet
  };
  struct Meeting {
    int64_t cells = 0;
    std::string example;
  };
  using Meetings = std::map<std::pair<size_t, size_t>, Meeting>;
  static constexpr int16_t kNone = -1, kNotMet = -2;

  static bool has(const Bits& bits, size_t rule) { return (bits[rule / 64] >> (rule % 64) & 1U) != 0; }
  void make_axes();
  void make_extras();
  void add_extra(std::vector<std::pair<FactId, Region>> facts);
  void descend(size_t axis, Cell& cell, size_t index, Extra& extra);
  /// Rules about two different troubles do not: of two troubles at once the worse one counts.
  bool contradict(size_t one, size_t other) const;
  int16_t look(const Cell& cell, const Extra& extra, const Bits& bits);
  bool meets(const Cell& cell, const Extra& extra) const;
  void compare_along_axes();
  void compare_along_figures();
  void compare(int16_t mild, int16_t worse, const Cell& cell, const Extra& extra);
  Cell cell_at(size_t index) const;
  std::string text_of(const Cell& cell, const Extra& extra) const;
  std::vector<GridPair> pairs_of(const Meetings& meetings) const;

  const std::vector<const Rule*>& rules_;
  const Policies& policies_;
  size_t words_;
  std::vector<Axis> axes_;  // severity first, then data
  std::array<size_t, kAxes> stride_{};
  std::vector<double> implied_by_data_;
  std::vector<Extra> extras_;
  std::vector<Bits> by_action_;  // by Verdict
  std::vector<Bits> steps_;      // by depth of the descent
  int64_t cells_ = 0, axis_cells_ = 0, gap_cells_ = 0;
  std::vector<std::vector<FactId>> harms_;  // by rule: what is broken, as far as it asks
  Bits ever_, won_;
  std::vector<Bits> shadow_;  // by rule: those that won wherever it held and lost
  std::vector<int32_t> met_;  // by pair of rules, to know new ones quickly
  Meetings conflicts_, weaker_;
};

}  // namespace backout::decide

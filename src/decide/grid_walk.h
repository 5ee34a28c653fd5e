// The walk itself: every cell of the six axes, each again with one more fact as the rules tell it apart (one symptom
// alone, one figure in each of its ranges). Rules are bits, so that a cell costs a handful of ANDs.
#pragma once
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
  std::vector<GridBox> gaps() const;         // of the axes alone, greatest first
  std::vector<GridPair> conflicts() const;   // by rule
  std::vector<GridPair> weaker() const;      // stronger: the rule of the milder cell
  bool holds_somewhere(size_t rule) const { return (ever_[rule / 64] >> (rule % 64) & 1U) != 0; }
  bool lives(size_t rule) const { return (won_[rule / 64] >> (rule % 64) & 1U) != 0; }
  /// The one rule that is stronger wherever this one holds, if there is one.
  std::optional<size_t> shadow_of(size_t rule) const;

 private:
  using Bits = std::vector<uint64_t>;
  static constexpr size_t kAxes = 6;
  using Cell = std::array<uint16_t, kAxes>;
  struct Axis {
    FactId fact;
    std::vector<Region> regions;
    std::vector<Bits> holds;  // by region: the rules whose condition on it holds, or that have none
  };
  struct Extra {
    FactId fact;
    size_t region;
    double value;
    Bits holds;
  };
  struct Meeting {
    int64_t cells = 0;
    Cell cell{};
    int extra = -1;
    FactId worse{};  // weaker(): the axis along which it got worse
  };

  Bits holding(FactId fact, const Region* region) const;
  void look(const Cell& cell, int extra, const Bits& base);
  bool consistent(const Cell& cell, int extra) const;
  double implied(const Cell& cell, int extra) const;
  size_t index_of(const Cell& cell) const;
  std::string text_of(const Cell& cell, int extra) const;
  void compare_neighbours();
  std::vector<GridPair> pairs_of(const std::map<std::pair<uint32_t, uint32_t>, Meeting>& meetings) const;

  const std::vector<const Rule*>& rules_;
  const Policies& policies_;
  std::vector<Axis> axes_;
  std::vector<Extra> extras_;
  Bits always_, with_action_;
  std::vector<Bits> by_action_;       // by Verdict
  std::vector<std::vector<Bits>> steps_;
  size_t words_ = 1;
  int64_t cells_ = 0, axis_cells_ = 0;
  std::vector<int16_t> winner_;  // of each cell of the axes; -1: none, -2: not consistent
  Bits ever_, won_;
  std::map<std::pair<uint32_t, uint32_t>, Meeting> conflicts_, weaker_;
};

}  // namespace backout::decide

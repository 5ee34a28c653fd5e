// The bounds of Clopper and Pearson: quantiles of the beta distribution, by bisection over its distribution function
// (continued fraction, Lentz's method; Numerical Recipes 6.4).
#include <cmath>

#include "decide/detector/baseline.h"

namespace backout::decide {
namespace {

double continued_fraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300, kEnough = 1e-15;
  const auto far = [](double value) { return std::abs(value) < kTiny ? kTiny : value; };
  double c = 1, d = 1 / far(1 - (a + b) * x / (a + 1)), result = d;
  for (int i = 1; i <= 200'000; ++i) {
    const double m = i, even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / far(1 + even * d);
    c = far(1 + even / c);
    result *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / far(1 + odd * d);
    c = far(1 + odd / c);
    result *= d * c;
    if (std::abs(d * c - 1) < kEnough) break;
  }
  return result;
}

/// P(X <= x) for X ~ Beta(a, b).
double beta_below(double a, double b, double x) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const double front =
      std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x));
  if (x < (a + 1) / (a + b + 2)) return front * continued_fraction(a, b, x) / a;
  return 1 - front * continued_fraction(b, a, 1 - x) / b;
}

double beta_quantile(double a, double b, double p) {
  double low = 0, high = 1;
  for (int i = 0; i < 200 && high - low > 1e-10 * high; ++i) {
    const double middle = (low + high) / 2;
    (beta_below(a, b, middle) < p ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace

double upper_bound(double votes, double bad, double confidence) {
  if (bad >= votes) return 1;
  return beta_quantile(bad + 1, votes - bad, confidence);
}

double lower_bound(double votes, double bad, double confidence) {
  if (bad <= 0 || votes <= 0) return 0;
  return beta_quantile(bad, votes - bad + 1, 1 - confidence);
}

}  // namespace backout::decide

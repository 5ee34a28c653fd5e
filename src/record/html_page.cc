// The frame of every page: styles for light, dark, phone and paper, and a policy that forbids loading anything.
#include "record/html.h"
#include "record/html_text.h"

namespace backout::record {
namespace {

constexpr const char* kStyle = R"css(
:root { --ink: #1c2024; --dim: #5b6470; --paper: #ffffff; --soft: #f3f5f7; --line: #d5dae0; --fine: #2e7d4f; --failed: #c62f2f;
  --unknown: #b07d00; --undo: #5465b0; --outage: #f6d4d0; color-scheme: light dark; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --dim: #9aa4b0; --paper: #14171a; --soft: #1e2328; --line: #353c44;
  --fine: #58b885; --failed: #ef6a64; --unknown: #e0b13c; --undo: #93a2ee; --outage: #4b2523; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1rem; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin: .5rem 0; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; } h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
.verdict { font-size: 1.15rem; padding: .75rem 1rem; border-left: .4rem solid var(--dim); background: var(--soft); }
.verdict.fine { border-color: var(--fine); } .verdict.failed { border-color: var(--failed); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; } th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0;
  border-bottom: 1px solid var(--line); } th { color: var(--dim); font-weight: 600; }
td.fine { color: var(--fine); } td.failed { color: var(--failed); } td.unknown { color: var(--unknown); }
pre { background: var(--soft); padding: .6rem .8rem; overflow-x: auto; white-space: pre-wrap; font-size: .85rem; }
summary { cursor: pointer; } .dim { color: var(--dim); } .people { border-left: .3rem solid var(--line); padding-left: .8rem; }
svg.timeline { width: 100%; min-width: 44rem; height: auto; font: 11px system-ui, sans-serif; }
svg text { fill: var(--ink); } svg .axis, svg .phase-name, svg .outage-name { fill: var(--dim); }
svg .phase { fill: var(--soft); } svg .phase.odd { fill: none; } svg .outage { fill: var(--outage); }
svg .bar.fine { fill: var(--fine); } svg .bar.failed { fill: var(--failed); } svg .bar.unknown { fill: var(--unknown); }
svg .bar.undo { fill: var(--undo); } svg .mark { stroke: var(--undo); stroke-width: 1.5; } svg .mark.interruption { stroke: var(--failed);
  stroke-dasharray: 4 3; }
@media (max-width: 36rem) { body { padding: .6rem; font-size: 15px; } }
@media print { :root { --ink: #000; --paper: #fff; --soft: #f3f3f3; --dim: #444; } body { max-width: none; } details { display: block; }
  h2 { break-after: avoid; } tr, pre, svg { break-inside: avoid; } svg.timeline { min-width: 0; } }
)css";

}  // namespace

std::string page_begin(const std::string& title) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n<style>{}</style>\n"
      "</head>\n<body>\n",
      html(title), kStyle);
}

std::string page_end() { return "</body>\n</html>\n"; }

}  // namespace backout::record

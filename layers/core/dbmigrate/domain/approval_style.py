"""How the approval page looks. Its hash is the only style that the page's own policy lets in."""

from __future__ import annotations

import base64
import hashlib

STYLE = """
:root{color-scheme:light dark;--page:#f4f5f7;--card:#fff;--ink:#18212d;--soft:#586474;--line:#dde1e7;
  --well:#f7f8fa;--accent:#1f5fbf;--accent-ink:#fff;--good:#17693f;--good-bg:#e5f4eb;--warn:#85500a;
  --warn-bg:#fdf1dc;--bad:#a6262c;--bad-bg:#fbe9e9;
  --mono:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
@media(prefers-color-scheme:dark){
  :root{--page:#10151c;--card:#19202a;--ink:#e5eaf1;--soft:#9aa7b8;--line:#2c3644;--well:#131a23;
    --accent:#7fb0ff;--accent-ink:#0b1524;--good:#7fd6a4;--good-bg:#15301f;--warn:#f0c274;
    --warn-bg:#33270f;--bad:#ff9c9c;--bad-bg:#3a1a1d}
}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",
  Roboto,"DejaVu Sans",sans-serif;overflow-wrap:break-word}
main{max-width:47rem;margin:0 auto;padding:1.75rem 1.25rem 4rem}
header{display:flex;align-items:center;justify-content:space-between;gap:1rem;color:var(--soft);
  font-size:.9rem}
header b{color:var(--ink);letter-spacing:.01em}
h1{font-size:clamp(1.55rem,4.5vw,2.1rem);line-height:1.2;letter-spacing:-.015em;margin:1.6rem 0 .5rem;
  text-wrap:balance}
h2{font-size:1.1rem;margin:2.4rem 0 .8rem}
.card h2{margin-top:.1rem}
.card.decision{margin-top:2.5rem;border-top:4px solid var(--accent)}
h3{font-size:1rem;margin:0;line-height:1.4}
p{margin:.4rem 0}
a{color:var(--accent)}
code,pre,.code{font-family:var(--mono)}
code{font-size:.88em;overflow-wrap:anywhere}
.soft{color:var(--soft)}
.pill{display:inline-block;padding:.12rem .65rem;border-radius:1rem;font-size:.82rem;font-weight:600;
  white-space:nowrap;background:var(--well);color:var(--soft);border:1px solid var(--line)}
.good{color:var(--good);background:var(--good-bg);border-color:transparent}
.warn{color:var(--warn);background:var(--warn-bg);border-color:transparent}
.bad{color:var(--bad);background:var(--bad-bg);border-color:transparent}
.facts{display:grid;grid-template-columns:repeat(3,1fr);gap:1px;margin:1.5rem 0;overflow:hidden;
  background:var(--line);border:1px solid var(--line);border-radius:.75rem}
.facts div{background:var(--card);padding:.85rem 1rem}
dt{color:var(--soft);font-size:.82rem}
dd{margin:.1rem 0 0;font-weight:600;overflow-wrap:anywhere}
dd small{display:block;line-height:1.4;font-weight:400;color:var(--soft);font-size:.82rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1.1rem 1.25rem;
  margin:.8rem 0}
.note{border-radius:.75rem;padding:.9rem 1.1rem;margin:1rem 0}
.note ul{margin:.35rem 0 0;padding-left:1.2rem}
ol.revisions,ul.findings,ul.passed{list-style:none;margin:0;padding:0}
.step{display:grid;grid-template-columns:1.5rem 1fr;align-items:baseline;color:var(--soft)}
.step h3{color:var(--ink)}
.step code{grid-column:2;margin-bottom:.35rem}
.card .step~*{margin-left:1.5rem}
.title{display:flex;flex-wrap:wrap;align-items:baseline;gap:.3rem .7rem}
.why{white-space:pre-line;margin:.5rem 0 .7rem}
.pills{display:flex;flex-wrap:wrap;gap:.4rem;margin:.2rem 0 .7rem}
ul.changes{list-style:none;margin:.6rem 0;padding:0;font:.84rem/1.6 var(--mono)}
ul.changes li{padding-left:1.4rem;text-indent:-1.4rem;overflow-wrap:anywhere}
ul.changes li.part{margin-left:1.4rem}
ul.changes b{display:inline-block;width:1.4rem;text-indent:0}
.add b{color:var(--good)}
.drop b,.drop{color:var(--bad)}
.change b{color:var(--warn)}
.wide{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:.75rem}
table{border-collapse:collapse;width:100%;min-width:33rem;font-size:.84rem}
th,td{text-align:left;padding:.5rem .9rem;border-top:1px solid var(--line)}
td:nth-child(-n+2){font-family:var(--mono);font-size:.8rem}
td{white-space:nowrap}
th{border-top:0;color:var(--soft);font-weight:400}
summary{cursor:pointer;color:var(--accent);font-size:.92rem;padding:.2rem 0;width:fit-content}
pre{margin:.5rem 0 0;padding:.9rem 1rem;background:var(--well);border:1px solid var(--line);
  border-radius:.5rem;font-size:.82rem;line-height:1.55;white-space:pre-wrap;overflow-wrap:anywhere;
  max-height:28rem;overflow-y:auto}
label{display:block;font-weight:600;margin:1.1rem 0 .3rem}
label small{font-weight:400;color:var(--soft)}
input,textarea,button{font:inherit;color:inherit}
input,textarea{width:100%;padding:.65rem .8rem;background:var(--well);border:1px solid var(--soft);
  border-radius:.5rem}
input{font-family:var(--mono);font-size:1.15rem;letter-spacing:.18em;text-transform:uppercase;
  max-width:15rem;display:block}
textarea{min-height:4.5rem;resize:vertical}
.code{display:inline-block;font-size:1.5rem;font-weight:700;letter-spacing:.22em;
  padding:.25rem .2rem .25rem .5rem;user-select:none}
.buttons{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:1.3rem}
button{padding:.75rem 1.5rem;border-radius:.55rem;font-weight:650;cursor:pointer;
  border:1px solid transparent;min-height:2.9rem}
.yes{background:var(--accent);color:var(--accent-ink);flex:2 1 12rem}
.no{background:transparent;color:var(--bad);border-color:currentColor;flex:1 1 8rem}
button:hover{filter:brightness(1.08)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
footer{margin-top:2.5rem;padding-top:1rem;border-top:1px solid var(--line);color:var(--soft);
  font-size:.82rem}
footer p{margin:.15rem 0}
.message{margin-top:12vh}
@media(max-width:38rem){
  main{padding:1.1rem .9rem 3rem}
  .card{padding:1rem}
  .facts{grid-template-columns:1fr 1fr}
  .card .step~*{margin-left:0}
  .facts div{padding:.7rem .8rem}
  input{max-width:none}
}
@media(prefers-reduced-motion:no-preference){
  button{transition:filter .15s}
}
@media print{
  .decision{display:none}
}
"""

STYLE_HASH = "sha256-" + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

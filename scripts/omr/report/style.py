"""The report's style sheet: one column, system fonts, light or dark as the reader's system says."""

CSS = """
:root{--bg:#fbfaf8;--fg:#21242b;--soft:#62666f;--line:#dedbd4;
  --card:#fff;--a:#2f6f73;--b:#d9a35b;--c:#b9bcc2;--bad:#a8452f}
@media(prefers-color-scheme:dark){:root{--bg:#15171b;--fg:#e6e4df;--soft:#9a9da5;--line:#30343b;--card:#1c1f24;
--a:#63b3ad;--b:#d9a35b;--c:#5a5e66;--bad:#e58a70}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.55 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:70rem;margin:0 auto;padding:2.5rem 1.5rem 4rem}
h1{font-size:2rem;line-height:1.2;margin:.2rem 0 .6rem;letter-spacing:-.01em}
h2{font-size:1.3rem;margin:3rem 0 .4rem;padding-top:1rem;border-top:1px solid var(--line)}
h3{font-size:1.02rem;margin:1.6rem 0 .3rem}
p{max-width:46rem;margin:.4rem 0 .9rem}
.over{color:var(--soft);margin:0}
.soft,.empty{color:var(--soft)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(10.5rem,1fr));gap:.8rem;margin:1.4rem 0}
.tile{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.8rem 1rem}
.tile b{display:block;font-size:1.6rem;line-height:1.2;font-variant-numeric:tabular-nums}
.tile span{color:var(--soft);font-size:.86rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.92rem;margin:.6rem 0 1rem}
table.narrow{width:auto;min-width:24rem}
th{text-align:left;font-weight:600;color:var(--soft);border-bottom:1px solid var(--line);
  padding:.3rem .7rem .3rem 0;vertical-align:bottom}
td{padding:.38rem .7rem .38rem 0;border-bottom:1px solid var(--line);vertical-align:top}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
th.n{white-space:normal}
tr.sum td{font-weight:600}
ul.why{min-width:17rem;margin:0;padding:0;list-style:none;font-size:.88rem;color:var(--soft)}
ul.why b{color:var(--bad);font-weight:600;font-variant-numeric:tabular-nums}
.name{display:block;color:var(--soft);font:.8rem ui-monospace,Menlo,Consolas,monospace}
td code{white-space:nowrap}
.bar{display:block;width:5rem;height:.5rem;margin-top:.5rem;background:var(--line);
  border-radius:.25rem;overflow:hidden}
.bar span{display:block;height:100%;background:var(--a)}
figure{margin:1.4rem 0;background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:1rem}
figcaption{font-weight:600;margin-bottom:.5rem}
figure svg{width:100%;height:auto;display:block}
figure svg text{fill:var(--soft);font:11px system-ui,sans-serif}
.mid{text-anchor:middle}
.end{text-anchor:end}
.grid{stroke:var(--line)}
rect.s0{fill:var(--a)}
rect.s1{fill:var(--b)}
rect.s2{fill:var(--c)}
.legend{font-weight:400;font-size:.86rem;color:var(--soft);margin-left:.8rem}
.key{margin-right:.9rem}
.key::before{content:"";display:inline-block;width:.7em;height:.7em;
  border-radius:2px;margin-right:.35em;background:var(--a)}
.key.k1::before{background:var(--b)}
.key.k2::before{background:var(--c)}
details>summary{cursor:pointer;color:var(--soft);font-size:.88rem}
article{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:1rem 1.2rem;margin:1rem 0}
article h3{margin:0 0 .5rem}
article dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:.8rem 0 0;font-size:.88rem}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}
.text{white-space:pre-wrap;overflow-wrap:anywhere}
.text math[display=block]{white-space:normal;margin:.3rem 0}
math{font-size:1.06em}
math .box{border:1px solid currentColor;padding:.12em .3em}
code{font:.9em ui-monospace,Menlo,Consolas,monospace;overflow-wrap:anywhere}
pre{font:.86em/1.4 ui-monospace,Menlo,Consolas,monospace;white-space:pre-wrap;overflow-wrap:anywhere;
  margin:.6rem 0;padding:.5rem .8rem;border-left:3px solid var(--a);background:var(--bg)}
pre.output{border-color:var(--b);color:var(--soft)}
code.tex{color:var(--soft)}
@media print{body{background:#fff}
details{display:none}}
"""

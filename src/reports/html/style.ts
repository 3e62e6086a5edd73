/** The style of the page. Colours are defined once for light and dark. */
export const STYLE = `
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--line:#dfe3e8;--text:#1a1f26;--soft:#5a6572;--accent:#2f5fd0;--red:#b3261e;--orange:#9a5200;--yellow:#7a6200;--green:#1c6e3a;--hit:#fff1cf;--code:#f2f4f7}
@media (prefers-color-scheme:dark){:root{--page:#0f1318;--card:#171c23;--line:#2b333d;--text:#e4e8ed;--soft:#98a4b1;--accent:#86a8ff;--red:#ff8f86;--orange:#f5ab5c;--yellow:#e2c65a;--green:#71cf92;--hit:#3a3115;--code:#10151b}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1080px;padding:24px 16px 48px;background:var(--page);color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;overflow-wrap:anywhere}
h1,h2,p,figure,ul,dl,dd{margin:0;padding:0}
h1{font-size:clamp(1.4rem,5vw,2rem);line-height:1.2}
h2{font-size:1.15rem;margin:40px 0 12px}
header .over{color:var(--soft);font-size:.8rem;font-weight:600;letter-spacing:.08em;text-transform:uppercase}
header .under,footer,.none{color:var(--soft)}
footer{margin-top:40px;font-size:.85rem}
bdi{overflow-wrap:anywhere}
code,pre{font:13px/1.55 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(120px,1fr));gap:8px;margin-top:20px;list-style:none}
.tile{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:10px 14px;color:var(--soft);font-size:.85rem}
.tile b{display:block;font-size:1.5rem;line-height:1.25;color:var(--text);font-variant-numeric:tabular-nums}
.tile.new b,.tile.reopened b,.tile.unknown b{color:var(--red)}
.tile.fixed b{color:var(--green)}
.chart,.numbers,.targets,.finding{background:var(--card);border:1px solid var(--line);border-radius:10px}
.chart{padding:16px 16px 12px}
.plot{display:flex;gap:8px;height:220px}
.plot svg{flex:1;min-width:0;width:100%;height:100%;overflow:visible}
.axis{display:flex;flex-direction:column;justify-content:space-between;height:148px;text-align:right;color:var(--soft);font-size:.75rem;line-height:1;font-variant-numeric:tabular-nums}
.dates{display:flex;justify-content:space-between;margin:6px 0 10px 24px;color:var(--soft);font-size:.75rem}
.grid{stroke:var(--line);vector-effect:non-scaling-stroke}
.area{fill:var(--accent);opacity:.14}
.trend,.dot{fill:none;stroke:var(--accent);stroke-width:2;stroke-linejoin:round;vector-effect:non-scaling-stroke}
.dot{stroke-width:7;stroke-linecap:round}
rect.reach{fill:transparent}
rect.new{fill:var(--red)}
rect.fixed{fill:var(--green)}
figcaption{display:flex;gap:16px;font-size:.8rem;color:var(--soft)}
.key::before{content:"";display:inline-block;width:.7em;height:.7em;margin-right:.4em;border-radius:3px;background:currentColor}
.key.open::before{background:var(--accent)}.key.new::before{background:var(--red)}.key.fixed::before{background:var(--green)}
.numbers{margin-top:8px;padding:8px 16px}
.numbers summary{cursor:pointer;font-size:.85rem;color:var(--soft)}
.scroll{overflow-x:auto}
table{width:100%;border-collapse:collapse;font-size:.9rem}
.targets{border-collapse:separate;border-spacing:0}
th,td{padding:10px 12px;text-align:left;vertical-align:top;font-weight:400}
thead th{color:var(--soft);font-size:.75rem;font-weight:600}
tbody tr:not(:first-child)>*{border-top:1px solid var(--line)}
.targets thead th{border-bottom:1px solid var(--line)}
.targets thead th:first-child{width:34%}
.number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
.name{display:block;font-weight:600}
.repository,.detail{display:block;color:var(--soft);font-size:.8rem}
.status{font-weight:600}
.status.reviewed{color:var(--green)}.status.failed{color:var(--red)}.status.notReviewed,.status.waiting,.status.running{color:var(--orange)}
tr.unknown>:first-child{box-shadow:inset 3px 0 var(--orange)}
.count{color:var(--soft);font-weight:400}
.finding{margin-top:8px}
.finding summary{display:flex;gap:12px;align-items:baseline;padding:12px 16px;cursor:pointer;list-style:none}
.finding summary::-webkit-details-marker{display:none}
.finding summary:hover .title{text-decoration:underline}
.words{flex:1;min-width:0}
.title{font-weight:600}
.priority{flex:none;min-width:2.3em;padding:1px 6px;border:1px solid currentColor;border-radius:6px;text-align:center;font-size:.78rem;font-weight:700}
.p0,.p1{color:var(--red)}.p2{color:var(--orange)}.p3,.pnone{color:var(--soft)}
.p0{background:var(--red);color:var(--card);border-color:var(--red)}
.tag{display:inline-block;padding:0 8px;border-radius:99px;background:var(--code);font-size:.75rem;font-weight:600}
.tag.new,.tag.reopened{color:var(--red)}.tag.fixed{color:var(--green)}.tag.dismissed{color:var(--soft)}
.place{display:block;color:var(--soft);font-size:.82rem}
.place>*+*{margin-left:10px}
.path{white-space:pre-wrap;font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.body{padding:0 16px 14px}
.body p,.body ul{margin-bottom:10px;max-width:75ch}
.body ul{padding-left:1.3em}
.body :not(pre)>code{padding:1px 4px;border-radius:4px;background:var(--code)}
.body p{white-space:pre-line}
pre{margin:0 0 12px;overflow-x:auto;border:1px solid var(--line);border-radius:8px;background:var(--code);tab-size:4}
pre.quote{padding:8px 12px}
pre.code code{display:block;width:max-content;min-width:100%;padding:6px 0}
.line{display:block;padding-right:12px}
.line::before{content:attr(data-n);display:inline-block;width:4.5ch;margin-right:1.5ch;text-align:right;color:var(--soft);user-select:none}
.line.hit{background:var(--hit);box-shadow:inset 3px 0 var(--orange)}
.facts{display:flex;flex-wrap:wrap;gap:4px 24px;font-size:.82rem}
.facts div{display:flex;gap:6px;min-width:0}
.facts dt{color:var(--soft);white-space:nowrap}
summary:focus-visible,[tabindex]:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:10px}
@media (max-width:700px){
.targets thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.targets,.targets tbody{display:block}
.targets tr{display:flex;flex-wrap:wrap;gap:2px 16px;padding:12px 14px}
.targets tbody tr:not(:first-child){border-top:1px solid var(--line)}
.targets tr>*{border:0!important;padding:0}
.targets th[scope=row],.targets .outcome{flex:1 0 100%}
.targets tr.unknown>:first-child{box-shadow:none}
.targets tr.unknown{box-shadow:inset 3px 0 var(--orange)}
.targets td.number{text-align:left;font-size:.85rem}
.targets td.nothing{display:none}
.targets td.number::before{content:attr(data-name) " ";color:var(--soft)}
.finding summary,.body{padding-left:12px;padding-right:12px}
.place>*{display:block}.place>*+*{margin-left:0}
}
@media print{body{max-width:none;background:none}.finding{break-inside:avoid}}
`;

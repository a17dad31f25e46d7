"""How the page looks: light and dark, on a desk and on a phone."""

from dataclasses import asdict

from video_assets.report.charts import DARK, LIGHT, Palette

PAGE_COLORS = {"light": "#f3f5f8", "dark": "#0f141a"}
GOOD_COLORS = {"light": "#1a7340", "dark": "#5fcf8f"}


def style() -> str:
    """The page's style sheet."""
    dark = _variables(DARK, "dark")
    return (
        f":root{{color-scheme:light dark;{_variables(LIGHT, 'light')}}}\n"
        f"@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n{_RULES}"
    )


def _variables(palette: Palette, theme: str) -> str:
    colors = {**asdict(palette), "page": PAGE_COLORS[theme], "good": GOOD_COLORS[theme]}
    return "".join(f"--{name}:{color};" for name, color in colors.items())


_RULES = """\
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;overflow-wrap:anywhere;background:var(--page);color:var(--ink);line-height:1.45;
  font-family:-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"Liberation Sans",sans-serif}
header,main,footer{max-width:1080px;margin:0 auto;padding:0 20px}
header{padding-top:28px}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 4px}
h2{font-size:1.3rem;margin:40px 0 4px}
h3{font-size:1rem;margin:0 0 4px}
p{margin:0}
a{color:var(--main)}
header p,.lead,footer,.legend,.note{color:var(--soft)}
.lead{margin-bottom:14px}
.tiles{display:grid;grid-template-columns:repeat(6,1fr);gap:12px;margin:20px 0}
.tiles div,.card,.answers li{background:var(--card);border:1px solid var(--line);border-radius:10px}
.tiles div{padding:12px 14px;display:flex;flex-direction:column}
.tiles dt{color:var(--soft);font-size:.82rem}
.tiles dd{margin:0;font-size:1.45rem;font-weight:650;line-height:1.25;white-space:nowrap}
.tiles dd+dd{color:var(--soft);font-size:.78rem;font-weight:400;white-space:normal}
.stack{display:flex;flex-direction:column;gap:16px;min-width:0}
.answers{list-style:none;display:grid;grid-template-columns:1fr 1fr;gap:12px;margin:0;padding:0}
.answers li{padding:14px 16px;border-left:5px solid var(--main)}
.answers li.look{border-left-color:var(--second)}
.answers li.good{border-left-color:var(--good)}
.answers strong{display:block}
.answers a{white-space:nowrap}
.cards{display:grid;grid-template-columns:1fr 1fr;gap:16px}
.thirds{grid-template-columns:repeat(3,1fr)}
.card{margin:0;padding:16px 18px;min-width:0}
.card>p{margin-bottom:10px}
.thirds .card{padding:14px 15px}
.whole{grid-column:1/-1}
svg{display:block;max-width:100%;height:auto;overflow:visible}
svg text{font-family:inherit}
svg.narrow{display:none}
.thirds svg{margin:0 auto}
.legend{display:flex;flex-wrap:wrap;gap:4px 22px;font-size:.9rem;margin-bottom:12px}
.key{display:inline-block;width:22px;margin-right:6px;vertical-align:middle}
.key.area{height:12px;border-top:3px solid var(--main);
  background:color-mix(in srgb,var(--main) 22%,transparent)}
.key.dashed{border-top:3px dashed var(--second)}
.key.dotted{border-top:3px dotted var(--soft)}
details{margin-top:10px;font-size:.88rem}
summary{cursor:pointer;color:var(--soft)}
.scroll{overflow-x:auto}
details .scroll{max-height:420px;overflow-y:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:right;padding:6px 8px;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-weight:600;font-size:.85rem}
th:first-child,td:first-child{text-align:left;min-width:7.5em}
th,td{overflow-wrap:normal}
td+td{white-space:nowrap}
td:first-child{overflow-wrap:anywhere}
tbody tr:last-child td{border-bottom:0}
.verdicts{list-style:none;margin:0;padding:0}
.verdicts li{padding:8px 0;border-bottom:1px solid var(--line);display:flex;gap:10px}
.verdicts li:last-child{border-bottom:0}
.verdicts b{display:block}
.mark{flex:none;width:4.2em;text-align:center;border-radius:6px;font-size:.8rem;font-weight:700;
  padding:2px 0;align-self:flex-start;border:2px solid currentColor}
.good .mark{color:var(--good)}
.look .mark{color:var(--second)}
footer{margin:36px auto 40px;font-size:.88rem}
footer p+p{margin-top:6px}
@media (max-width:1000px){
  .cards,.thirds{grid-template-columns:1fr 1fr}
  .tiles{grid-template-columns:repeat(3,1fr)}
}
@media (max-width:760px){
  .cards,.thirds,.answers{grid-template-columns:1fr}
}
@media (max-width:520px){
  header,main,footer{padding-left:14px;padding-right:14px}
  h1{font-size:1.4rem}
  .tiles{grid-template-columns:1fr 1fr;gap:8px}
  svg.wide{display:none}
  svg.narrow{display:block}
  .seldom{display:none}
}
@media print{
  .card,.answers li,.tiles div{break-inside:avoid}
}
"""

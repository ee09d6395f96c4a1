"use strict";
// The two maps: colours, the lasso that selects in both, the morph, lines, and the controls.
const PANELS = ["before", "after"], LINES = 0, MIDDLES = 1, POINTS = 2, FAINT = 0.08;
const state = { threshold: D.threshold, colour: "outcome", map: 0, morph: 1, lines: false, selected: [], pinned: null, tablePage: 0 };
const masked = D.masked.flatMap((m, i) => (m && D.mate[i] !== NOBODY ? [i] : []));
const dark = matchMedia("(prefers-color-scheme: dark)");
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const codes = (names) => { const seen = new Map(); return names.map((n) => (seen.has(n) || seen.set(n, seen.size), seen.get(n))); };
const personCode = codes(D.identity);
const shapes = [...new Set(D.shape.filter((s) => s !== null))].sort();
// Black, deep blue and grey cannot be told from a dark page: there they are lighter.
const LIGHTER = { "#000000": "#e6edf3", "#0072B2": "#4aa3e0", "#56B4E9": "#b5e2ff", "#6b7280": "#9aa3af" };
const themed = (colour) => (dark.matches && LIGHTER[colour]) || colour;
const palette = () => D.palette.map(themed);

function between(from, to, share) {
  const parts = (hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16)), [a, b] = [parts(from), parts(to)];
  return "#" + a.map((v, k) => Math.round(v + (b[k] - v) * share).toString(16).padStart(2, "0")).join("");
}

function mixed(share) {
  const ends = D.scoreColours.map(themed), at = Math.min(Math.max(share, 0), 1) * (ends.length - 1), low = Math.min(Math.floor(at), ends.length - 2);
  return between(ends[low], ends[low + 1], at - low);
}

function colours(panel) {
  const side = D[panel], colour = palette(), [low, high] = D.scoreRange, grey = themed(D.grey);
  const byOutcome = Object.fromEntries(OUTCOMES.map((word) => [word, themed(D.outcomeColours[word])]));
  const of = {
    outcome: (i) => byOutcome[outcome(side, i, state.threshold)],
    mated: (i) => (side.mated[i] === null ? grey : mixed((side.mated[i] - low) / (high - low))),
    identity: (i) => colour[personCode[i] % colour.length],
    view: (i) => colour[D.masked[i]],
    shape: (i) => (D.masked[i] ? colour[shapes.indexOf(D.shape[i]) % colour.length] : grey),
    maskColour: (i) => D.colour[i] || grey,
  }[state.colour];
  return Array.from({ length: N }, (_, i) => of(i));
}

function fillLegend() {
  const key = (chip, words) => make("span", { class: "key" }, chip, make("span", {}, words));
  const chip = (colour) => { const c = make("span", { class: "chip" }); c.style.background = colour; return c; };
  const colour = palette(), [low, high] = D.scoreRange;
  const ramp = () => { const r = make("span", { class: "ramp" }); r.style.background = `linear-gradient(90deg, ${D.scoreColours.map(themed).join()})`; return [low.toFixed(2), r, high.toFixed(2)]; };
  const keys = {
    outcome: () => OUTCOMES.map((word) => key(chip(themed(D.outcomeColours[word])), word)),
    mated: () => [key("", "highest score with the same person:"), ...ramp(), key(chip(themed(D.grey)), "no other picture")],
    identity: () => [key("", `colours repeat after ${colour.length} people; point at a view for the name`)],
    view: () => [key(chip(colour[0]), "unmasked"), key(chip(colour[1]), "masked")],
    shape: () => [key(chip(themed(D.grey)), "no mask"), ...shapes.map((s, k) => key(chip(colour[k % colour.length]), s + (k >= colour.length ? " (colour repeats)" : "")))],
    maskColour: () => [key(chip(themed(D.grey)), "no mask"), key("", "masked views have the colour of their mask")],
  }[state.colour]();
  $("legend").replaceChildren(key(make("span", {}, "●"), "unmasked"), key(make("span", {}, spatial() ? "■" : "✖"), "masked"), ...(state.lines ? [key(make("span", {}, "○"), "middle of a line: point at it for the cosine")] : []), ...keys);
}

// Where the points of a panel lie: on the right, part of the way along the EUM's path.
function places(panel) {
  const { before, after } = D.maps[state.map], way = panel === "after" ? state.morph : 0;
  return before.map((axis, a) => axis.map((value, i) => value + way * (after[a][i] - value)));
}

// The masked views that have a line: the selected ones, or all.
function lined() {
  if (!state.lines) return [];
  if (!state.selected.length) return masked;
  const chosen = new Set(state.selected);
  return masked.filter((i) => chosen.has(i) || chosen.has(D.mate[i]));
}

function geometry(panel) {
  const at = places(panel), shown = lined();
  return {
    lines: at.map((axis) => shown.flatMap((i) => [axis[i], axis[D.mate[i]], null])),
    middles: at.map((axis) => shown.map((i) => (axis[i] + axis[D.mate[i]]) / 2)),
    points: at,
  };
}

const spatial = () => D.maps[state.map].before.length === 3;
const xyz = (axes) => Object.fromEntries(axes.map((axis, a) => ["xyz"[a], axis]));

// In three dimensions plotly knows no selection: there the others are made faint and small.
const sizes = () => { const chosen = new Set(state.selected); return D.image.map((_, i) => (!chosen.size ? 3.5 : chosen.has(i) ? 6 : 2)); };
function marker(panel) {
  let colour = colours(panel);
  if (spatial() && state.selected.length) {
    const chosen = new Set(state.selected);
    colour = colour.map((c, i) => (chosen.has(i) ? c : between(c, css("--paper"), 0.85)));
  }
  return colour;
}

const chosenPoints = () => (state.selected.length ? state.selected : null);

function traces(panel) {
  const type = spatial() ? "scatter3d" : "scatter", { lines, middles, points } = geometry(panel);
  const selection = spatial() ? {} : { selectedpoints: chosenPoints(), selected: { marker: { opacity: 1 } }, unselected: { marker: { opacity: FAINT } } };
  const quiet = { type, showlegend: false };
  return [
    { ...quiet, ...xyz(lines), mode: "lines", hoverinfo: "skip", line: { color: "rgba(128,134,142,0.5)", width: 1 } },
    { ...quiet, ...xyz(middles), mode: "markers", hoverinfo: "none", customdata: lined(), marker: { size: spatial() ? 2.5 : 5, symbol: "circle-open", color: css("--soft") } },
    { ...quiet, ...xyz(points), mode: "markers", hoverinfo: "none", customdata: D.image.map((_, i) => i), ...selection,
      marker: { size: spatial() ? sizes() : 8, opacity: spatial() ? 1 : 0.9, color: marker(panel), symbol: D.masked.map((m) => (m ? (spatial() ? "square" : "x") : "circle")), line: { width: D.masked.map((m) => (m || spatial() ? 0 : 0.6)), color: css("--paper") } } },
  ];
}

// An arrow on the pinned view.
function pinMark(panel) {
  const i = state.pinned;
  if (i === null) return [];
  const place = Object.fromEntries(Object.entries(xyz(places(panel))).map(([axis, values]) => [axis, values[i]]));
  return [{ ...place, text: "pinned", showarrow: true, arrowhead: 2, arrowcolor: css("--ink"), ax: 0, ay: -34, font: { size: 12, color: css("--ink") }, bgcolor: css("--paper"), bordercolor: css("--line"), captureevents: false }];
}
const pinPath = () => (spatial() ? "scene.annotations" : "annotations");

function layout(panel) {
  const { ranges } = D.maps[state.map], ink = css("--soft");
  const axis = (a) => ({ range: ranges[a], title: { text: `axis ${a + 1} (no unit)`, font: { size: 12 }, standoff: 6 }, zeroline: false, gridcolor: css("--line"), color: ink });
  const common = { paper_bgcolor: css("--paper"), plot_bgcolor: css("--paper"), font: { color: ink }, showlegend: false, hovermode: "closest", uirevision: state.map };
  if (spatial()) return { ...common, margin: { l: 0, r: 0, t: 0, b: 0 }, scene: { xaxis: axis(0), yaxis: axis(1), zaxis: axis(2), aspectmode: "cube", annotations: pinMark(panel) } };
  return { ...common, annotations: pinMark(panel), margin: { l: 55, r: 12, t: 32, b: 48 }, dragmode: "lasso", xaxis: axis(0), yaxis: axis(1) };
}

const config = () => ({ responsive: true, displaylogo: false, displayModeBar: true, modeBarButtons: spatial()
  ? [["orbitRotation", "zoom3d", "pan3d"], ["resetCameraDefault3d"]]
  : [["lasso2d", "select2d", "zoom2d", "pan2d"], ["zoomIn2d", "zoomOut2d", "resetScale2d"]] });

let selecting = 0; // plotly tells of our own changes, too: those are not the reader's
function draw() {
  selecting += 1;
  return Promise.all(PANELS.map((panel) => Plotly.react($(panel), traces(panel), layout(panel), config()))).then(() => { selecting -= 1; describe(); });
}
function recolour() { return Promise.all(PANELS.map((panel) => paint($(panel), marker(panel)))); }

// Plotly redraws all it has for a colour, a quarter of a second for 5,000 points. So the points are
// painted here, and plotly's own record of them is told, from which it draws when one zooms.
function paint(plot, colour) {
  const points = spatial() ? [] : [...plot.querySelectorAll(".scatterlayer .trace:last-child path.point")];
  if (points.length !== N || points.some((point) => point.__data__?.i === undefined)) return Plotly.restyle(plot, { "marker.color": [colour] }, [POINTS]);
  plot.data[POINTS].marker.color = colour;
  plot._fullData[POINTS].marker.color = colour;
  for (const point of points) { point.__data__.mc = colour[point.__data__.i]; point.style.fill = point.__data__.mc; }
  return Promise.resolve(plot);
}

function move(panels = ["after"]) {
  return Promise.all(panels.map((panel) => {
    const { lines, middles, points } = geometry(panel), update = {};
    points.forEach((_, a) => { update["xyz"[a]] = [lines[a], middles[a], points[a]]; });
    update.customdata = [[], lined(), D.image.map((_, i) => i)];
    return Plotly.update($(panel), update, { [pinPath()]: pinMark(panel) }, [LINES, MIDDLES, POINTS]);
  }));
}

// Selecting is one path for lasso, menu and tests: the ids go to both maps and all lists.
function select(ids) {
  state.selected = [...new Set(ids)].sort((a, b) => a - b);
  tellHost({ selected: state.selected });
  fillSelection(); fillTable(); describe();
  selecting += 1;
  const shown = PANELS.map((panel) => {
    if (spatial()) return Plotly.react($(panel), traces(panel), layout(panel), config());
    return Plotly.update($(panel), { selectedpoints: [chosenPoints()] }, { selections: [] }, [POINTS]);
  });
  return Promise.all(shown).then(() => (state.lines ? move(PANELS) : null)).then(() => { selecting -= 1; });
}

function pin(i) {
  state.pinned = i;
  fillCard();
  return Promise.all(PANELS.map((panel) => Plotly.relayout($(panel), { [pinPath()]: pinMark(panel) })));
}

function describe() {
  const words = (side) => {
    const count = Object.fromEntries(OUTCOMES.map((word) => [word, 0]));
    let total = 0;
    D.masked.forEach((m, i) => { if (m) { count[outcome(side, i, state.threshold)] += 1; total += 1; } });
    return OUTCOMES.filter((word) => count[word]).map((word) => `${word} ${(100 * count[word] / Math.max(total, 1)).toFixed(1)} %`).join(", ");
  };
  const texts = { before: words(D.before), after: words(D.after) };
  $("summary").textContent = `Masked views at threshold ${state.threshold.toFixed(3)}: before ${texts.before}; after ${texts.after}.`;
  for (const panel of PANELS) {
    $(panel).setAttribute("aria-label", `${D.maps[state.map].name} map ${panel} the EUM, ${N} points, ${state.selected.length} selected. Of the masked views: ${texts[panel]}. The table below has all numbers.`);
  }
}

function retell() {
  $("thresholdValue").textContent = state.threshold.toFixed(3);
  $("morphValue").textContent = `${Math.round(100 * state.morph)} %`;
  $("marks").textContent = D.maps[state.map].marks + (spatial() ? " No lasso in three dimensions: click, or choose a person." : "") + " The way through the EUM is drawn as a straight line.";
  fillLegend();
}

let waiting = null; // one redraw a frame, however fast a slider moves
function soon(work) { if (waiting === null) requestAnimationFrame(() => { const w = waiting; waiting = null; w(); }); waiting = work; }

function listen() {
  for (const [name] of [...new Map(D.identity.map((n) => [n, 0]))].sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }))) $("person").append(make("option", { value: name }, name));
  D.maps.forEach(({ name }, m) => $("map").append(make("option", { value: m }, name)));
  const [low, high] = D.scoreRange;
  Object.assign($("threshold"), { min: Math.floor(low * 100) / 100, max: Math.ceil(high * 100) / 100, value: state.threshold });
  $("controls").addEventListener("submit", (event) => event.preventDefault());
  $("person").addEventListener("change", (e) => { const who = e.target.value; select(who ? D.identity.flatMap((n, i) => (n === who ? [i] : [])) : []); });
  $("colour").addEventListener("change", (e) => { state.colour = e.target.value; recolour(); retell(); });
  $("map").addEventListener("change", (e) => { state.map = Number(e.target.value); draw(); retell(); });
  $("threshold").addEventListener("input", (e) => {
    state.threshold = Number(e.target.value);
    soon(() => { if (state.colour === "outcome") recolour(); retell(); describe(); fillExamples(); fillCard(); fillTable(state.tablePage); });
  });
  $("morph").addEventListener("input", (e) => { state.morph = Number(e.target.value) / 100; soon(() => { move(); retell(); }); });
  $("lines").addEventListener("change", (e) => { state.lines = e.target.checked; move(PANELS); retell(); });
  $("clear").addEventListener("click", () => { $("person").value = ""; select([]); });
  $("saveCsv").addEventListener("click", () => {
    const address = URL.createObjectURL(new Blob([csvOf(state.selected)], { type: "text/csv" }));
    make("a", { href: address, download: "selected_views.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  });
  dark.addEventListener("change", () => { draw(); retell(); });
  for (const panel of PANELS) listenTo($(panel), panel);
}

function listenTo(plot, panel) {
  let pointer = [0, 0];
  plot.addEventListener("mousemove", (e) => { pointer = [e.clientX, e.clientY]; }, true);
  plot.addEventListener("mouseleave", () => { $("hover").hidden = true; });
  plot.on("plotly_hover", ({ points: [p] }) => (p.curveNumber === MIDDLES ? showLineHover : showHover)(p.customdata, panel, ...pointer));
  plot.on("plotly_unhover", () => { $("hover").hidden = true; });
  plot.on("plotly_click", ({ points: [p] }) => pin(p.customdata));
  plot.on("plotly_selected", (found) => {
    if (!found || selecting) return;
    $("person").value = "";
    select(found.points.filter((p) => p.curveNumber === POINTS).map((p) => p.customdata));
  });
  plot.on("plotly_deselect", () => { if (selecting) return; $("person").value = ""; select([]); });
  plot.on("plotly_relayout", (change) => { // both maps show the same part
    const other = $(PANELS.find((name) => name !== panel)), wanted = {};
    for (const [name, value] of Object.entries(change)) if (/^(xaxis|yaxis)\.range\[|^scene\.camera$/.test(name)) wanted[name] = value;
    for (const axis of ["xaxis", "yaxis"]) if (change[axis + ".autorange"]) Object.assign(wanted, { [axis + ".range"]: D.maps[state.map].ranges["xy".indexOf(axis[0])] });
    const same = ([name, value]) => name === "scene.camera" ? JSON.stringify(other.layout.scene.camera) === JSON.stringify(value) : false;
    const fresh = Object.entries(wanted).filter((entry) => !same(entry));
    if (fresh.length && !listenTo.busy) { listenTo.busy = true; Plotly.relayout(other, Object.fromEntries(fresh)).then(() => { listenTo.busy = false; }); }
  });
}

// A live notebook that holds the page in a frame (live_frame.js) is told the selection, and may make one.
const tellHost = (message) => { if (parent !== window) parent.postMessage(message, "*"); };
function listenToHost() {
  addEventListener("message", ({ source, data }) => {
    if (source !== parent || !data.select || String(data.select) === String(state.selected)) return;
    $("person").value = "";
    select(data.select);
  });
  tellHost({ ready: true });
}
// In a frame, of a live notebook or a report, the frame is as tall as the page.
function fitFrame() {
  new ResizeObserver(() => { frameElement.style.height = `${document.documentElement.offsetHeight + 4}px`; }).observe(document.body);
}

draw().then(() => {
  listen();
  const [first] = [...Object.values(EXAMPLES).flatMap(examples), ...masked];
  if (first === undefined) fillCard(); else pin(first);
  fillExamples(); retell(); fillSelection(); fillTable();
  listenToHost();
  if (frameElement) fitFrame();
  document.documentElement.dataset.ready = "yes";
});

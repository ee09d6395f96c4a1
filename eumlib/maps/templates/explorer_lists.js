"use strict";
// What stands around the maps: sprites, the pinned card, the grid, counts, CSV and the table.
// Everything is made from text nodes and attributes, so that no name can become markup.
const D = JSON.parse(document.getElementById("data").textContent);
const N = D.image.length, NOBODY = -1;
const OUTCOMES = Object.keys(D.outcomeColours);
const [CORRECT, FALSE_MATCH, FALSE_NON_MATCH, NO_REFERENCE] = OUTCOMES;
const $ = (id) => document.getElementById(id);

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") element.addEventListener("click", value);
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

const fixed = (value, digits = 3) => (value === null ? "–" : value.toFixed(digits));
const counted = (count, one, more) => `${count} ${count === 1 ? one : more}`;
const viewWord = (i) => (D.masked[i] ? "masked" : "unmasked");
const maskWord = (i) => (D.masked[i] ? `mask ${D.shape[i]}${D.colour[i] ? " " + D.colour[i] : ""}` : "no mask");
const label = (i) => `${D.identity[i]}, picture ${D.image[i]}, ${maskWord(i)}`;

// The unmasked view of a masked one; the masked views of an unmasked one.
const partners = Array.from({ length: N }, () => []);
D.mate.forEach((mate, i) => {
  if (D.masked[i] && mate !== NOBODY) { partners[i].push(mate); partners[mate].push(i); }
});

function outcome(side, i, threshold) {
  const mated = side.mated[i], nonMated = side.non_mated[i] === null ? -2 : side.non_mated[i];
  if (mated === null) return NO_REFERENCE;
  if (Math.max(mated, nonMated) < threshold) return FALSE_NON_MATCH;
  return mated > nonMated ? CORRECT : FALSE_MATCH;
}

function sprite(i, scale = 1, named = true) {
  const { sheet, columns, size } = D.sprites, s = size * scale;
  const words = named ? { role: "img", "aria-label": label(i) } : { "aria-hidden": "true" };
  const element = make("span", { class: "sprite", ...words });
  Object.assign(element.style, {
    width: `${s}px`, height: `${s}px`, backgroundImage: `url(${sheetAddress})`,
    backgroundSize: `${columns * s}px auto`,
    backgroundPosition: `${-(i % columns) * s}px ${-Math.floor(i / columns) * s}px`,
  });
  return element;
}
// One address for all sprites: a long data address in every style would be parsed every time.
const sheetAddress = (() => {
  const bytes = Uint8Array.from(atob(D.sprites.sheet.split(",")[1]), (c) => c.charCodeAt(0));
  return URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" }));
})();

function facesOf(i, scale) {
  const shown = [i, ...partners[i].slice(0, 2)];
  return make("div", { class: "pair" }, ...shown.map((k) => make("span", {}, sprite(k, scale), maskWord(k).split(" #")[0])));
}

function showHover(i, panel, x, y) {
  const box = $("hover"), side = D[panel];
  const mate = D.masked[i] && side.mate[i] !== null ? [make("div", {}, `score with the own unmasked picture ${fixed(side.mate[i])}`)] : [];
  box.replaceChildren(
    facesOf(i, 2), make("strong", {}, D.identity[i]), `, ${D.image[i]}, ${maskWord(i)}`,
    make("div", {}, `same person ${fixed(side.mated[i])}, another ${fixed(side.non_mated[i])}: ${outcome(side, i, state.threshold)}`), ...mate);
  placeHover(x, y);
}

function showLineHover(i, panel, x, y) {
  const cosine = D[panel].mate[i];
  $("hover").replaceChildren(
    `${D.identity[i]}, ${D.image[i]}: masked and unmasked view have cosine ${fixed(cosine)} in the full space, distance ${fixed(1 - cosine)}`);
  placeHover(x, y);
}

function placeHover(x, y) {
  const box = $("hover");
  box.hidden = false;
  const { width, height } = box.getBoundingClientRect();
  box.style.left = `${Math.max(4, x + 18 + width > innerWidth ? x - width - 18 : x + 18)}px`;
  box.style.top = `${Math.max(4, Math.min(y + 12, innerHeight - height - 4))}px`;
}

function neighbourList(title, side, i) {
  const items = side.ids[i].map((k, place) => [k, side.scores[i][place]]).filter(([k]) => k !== NOBODY).map(([k, score]) => {
    const same = D.identity[k] === D.identity[i];
    return make("li", {}, make("button", { type: "button", onclick: () => pin(k) },
      sprite(k, 0.8, false), make("span", { class: "who" }, `${D.identity[k]}, ${D.image[k]}`),
      make("span", {}, fixed(score)), make("span", { class: same ? "same" : "other" }, same ? "✓ same" : "✗ other")));
  });
  return make("div", {}, make("h3", {}, title), make("ol", {}, ...items));
}

// What the EUM did to a masked view: whether it was correct before, and is after.
const EXAMPLES = { "rescued by the EUM": [false, true], "lost by the EUM": [true, false], "wrong before and after": [false, false] };

// The masked views to which that happened; those whose score moved most come first.
function examples([before, after]) {
  const correct = (side, i) => outcome(side, i, state.threshold) === CORRECT;
  const moved = (i) => Math.abs(D.after.mated[i] - D.before.mated[i]);
  return D.image.flatMap((_, i) => (D.masked[i] && D.before.mated[i] !== null && correct(D.before, i) === before && correct(D.after, i) === after ? [i] : [])).sort((a, b) => moved(b) - moved(a));
}

// Each button pins the next view of its kind.
function fillExamples() {
  $("examples").replaceChildren("Show one ", ...Object.entries(EXAMPLES).map(([word, kind]) => {
    const found = examples(kind);
    return make("button", { type: "button", ...(found.length ? {} : { disabled: "" }), onclick: () => pin(found[(found.indexOf(state.pinned) + 1) % found.length]) }, `${word} (${found.length})`);
  }));
}

function fillCard() {
  const i = state.pinned;
  if (i === null) { $("cardBody").replaceChildren(make("p", { class: "small" }, "Click a point, a face in the grid or a row of the table.")); return; }
  const t = state.threshold, fact = (name, before, after) => [name, before, after].map((text, c) => make("span", c ? {} : { class: "head" }, text));
  const facts = make("div", { class: "facts" }, ...["", "before", "after"].map((text) => make("span", { class: "head" }, text)),
    ...fact("same person (mated)", fixed(D.before.mated[i]), fixed(D.after.mated[i])),
    ...fact("another person (non-mated)", fixed(D.before.non_mated[i]), fixed(D.after.non_mated[i])),
    ...(D.masked[i] && D.mate[i] !== NOBODY ? fact("own unmasked picture", fixed(D.before.mate[i]), fixed(D.after.mate[i])) : []),
    ...fact(`at ${t.toFixed(3)}`, outcome(D.before, i, t), outcome(D.after, i, t)));
  $("cardBody").replaceChildren(
    make("p", {}, make("strong", {}, D.identity[i]), `, picture ${D.image[i]}, ${maskWord(i)}, id ${i}`),
    make("div", { class: "top" }, facesOf(i, 2), facts),
    make("p", { class: "small" }, "Nearest unmasked faces of other pictures in the full space, by cosine." + (D.masked[i] ? "" : " Unmasked views do not pass through the EUM.")),
    make("div", { class: "lists" }, neighbourList("Nearest before", D.before, i), neighbourList("Nearest after", D.after, i)));
}

function pager(holder, page, pages, turn) {
  if (pages < 2) { holder.replaceChildren(); return; }
  const step = (words, by) => {
    const button = make("button", { type: "button", onclick: () => { turn(page + by); holder.querySelectorAll("button")[by > 0 ? 1 : 0].focus(); } }, words);
    button.disabled = page + by < 0 || page + by >= pages;
    return button;
  };
  holder.replaceChildren(step("Previous", -1), step("Next", 1), `page ${page + 1} of ${pages}`);
}

const GRID_PAGE = 40, TABLE_PAGE = 15, COUNTED = 8;

function fillGrid(page = 0) {
  const shown = state.selected.slice(page * GRID_PAGE, (page + 1) * GRID_PAGE);
  $("grid").replaceChildren(...shown.map((i) => make("button", { type: "button", title: label(i), "aria-label": `pin ${label(i)}`, onclick: () => pin(i) }, sprite(i, 1, false))));
  pager($("gridPager"), page, Math.ceil(state.selected.length / GRID_PAGE), fillGrid);
}

function tally(names) {
  const counts = new Map();
  for (const name of names) counts.set(name, (counts.get(name) || 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}

function countTable(title, counts) {
  const rows = counts.slice(0, COUNTED).map(([name, count]) => make("tr", {}, make("td", {}, name), make("td", { class: "number" }, String(count))));
  const rest = counts.length > COUNTED ? [make("tr", {}, make("td", {}, `${counts.length - COUNTED} more`), make("td", { class: "number" }, String(counts.slice(COUNTED).reduce((sum, [, c]) => sum + c, 0))))] : [];
  return make("table", {}, make("caption", {}, title), make("tbody", {}, ...rows, ...rest));
}

const quoted = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const harmless = (text) => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text);  // no formula in a spreadsheet
const csvOf = (ids) => ["id,image_id,identity,view,mask_shape,mask_colour", ...ids.map((i) =>
  [String(i), D.image[i], D.identity[i], viewWord(i), D.shape[i] || "", D.colour[i] || ""].map(harmless).map(quoted).join(","))].join("\n") + "\n";

function fillSelection() {
  const ids = state.selected;
  $("selectionLine").textContent = ids.length ? `${counted(ids.length, "view", "views")} selected, of ${counted(new Set(ids.map((i) => D.identity[i])).size, "person", "people")}` : "Nothing is selected: draw a lasso in either map, or choose a person.";
  fillGrid();
  $("counts").replaceChildren(...(ids.length ? [countTable("views by person", tally(ids.map((i) => D.identity[i]))), countTable("views by mask", tally(ids.map((i) => (D.masked[i] ? D.shape[i] : "no mask"))))] : []));
  $("csvLine").hidden = $("csvDetails").hidden = !ids.length;
  $("csv").value = ids.length ? csvOf(ids) : "";
}

function fillTable(page = 0) {
  state.tablePage = page;
  const ids = state.selected.length ? state.selected : Array.from({ length: N }, (_, i) => i), t = state.threshold;
  $("tableCaption").textContent = state.selected.length ? "the selected views" : "all views";
  const head = ["id", "person", "picture", "mask", "mated before", "mated after", "non-mated before", "non-mated after", "outcome before", "outcome after"];
  const numeric = (c) => (c > 3 && c < 8 ? { class: "number" } : {});
  $("tableHead").replaceChildren(make("tr", {}, ...head.map((text, c) => make("th", { scope: "col", ...numeric(c) }, text))));
  $("tableBody").replaceChildren(...ids.slice(page * TABLE_PAGE, (page + 1) * TABLE_PAGE).map((i) => {
    const cells = [D.identity[i], D.image[i], maskWord(i), fixed(D.before.mated[i]), fixed(D.after.mated[i]), fixed(D.before.non_mated[i]), fixed(D.after.non_mated[i]), outcome(D.before, i, t), outcome(D.after, i, t)];
    return make("tr", {}, make("td", {}, make("button", { type: "button", "aria-label": `pin ${label(i)}`, onclick: () => pin(i) }, String(i))), ...cells.map((text, c) => make("td", numeric(c + 1), text)));
  }));
  pager($("tablePager"), page, Math.ceil(ids.length / TABLE_PAGE), fillTable);
}

"use strict";
// Sort by the buttons in the heads, filter by what is typed; the exact value of a number stands in data-v.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0], more = document.getElementById(`${table.id}-more`);
  const shows = document.querySelector(`button[data-shows="${table.id}"]`);
  let rows;
  const all = () => {
    if (rows) return rows;
    if (more) { body.append(more.content); more.remove(); shows.parentNode.remove(); }
    return (rows = Array.from(body.rows));
  };
  if (shows) shows.addEventListener("click", () => { all(); body.rows[0].closest(".scroll").focus(); });
  const key = (row, column) => {
    const cell = row.cells[column], value = cell.dataset.v;
    return value === undefined ? cell.textContent.trim().toLowerCase() : value === "" ? NaN : Number(value);
  };
  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") {
      if (Number.isNaN(a) || Number.isNaN(b)) return NaN;
      return a < b ? -1 : a > b ? 1 : 0;
    }
    return String(a).localeCompare(String(b), "en", { numeric: true });
  };
  for (const button of table.querySelectorAll("thead button")) {
    button.addEventListener("click", () => {
      const head = button.closest("th"), was = head.getAttribute("aria-sort");
      const next = was === "ascending" ? "descending" : was === "descending" ? "none" : "ascending";
      for (const other of table.querySelectorAll("thead th[aria-sort]")) other.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", next);
      let sorted = all();
      if (next !== "none") {
        const sign = next === "ascending" ? 1 : -1;
        const keyed = all().map((row) => [key(row, head.cellIndex), row]);
        keyed.sort((a, b) => {
          const order = compare(a[0], b[0]);
          // What is not known comes last, whichever way.
          return Number.isNaN(order) ? Number.isNaN(a[0]) - Number.isNaN(b[0]) : sign * order;
        });
        sorted = keyed.map((pair) => pair[1]);
      }
      body.append(...sorted);
    });
  }
  const input = document.querySelector(`input[data-filters="${table.id}"]`);
  if (!input) continue;
  const said = document.getElementById(`${table.id}-said`), texts = new Map();
  input.addEventListener("input", () => {
    if (!texts.size) for (const row of all()) texts.set(row, row.textContent.toLowerCase().replace(/\s+/g, " "));
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let left = 0;
    for (const row of rows) {
      row.hidden = !words.every((word) => texts.get(row).includes(word));
      left += !row.hidden;
    }
    said.textContent = `${left} of ${rows.length} rows`;
  });
}
// A link to what is folded away opens it, and so does printing.
const open = () => {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (let folded = target.closest("details"); folded; folded = folded.parentElement.closest("details")) folded.open = true;
  target.scrollIntoView();
};
addEventListener("hashchange", open);
open();
let unfolded = [];
addEventListener("beforeprint", () => {
  unfolded = Array.from(document.querySelectorAll("details.fold:not([open])"));
  for (const one of unfolded) one.open = true;
});
addEventListener("afterprint", () => { for (const one of unfolded) one.open = false; });
// The values of a figure: on hover, and by the arrow keys once the figure has the focus.
const tip = document.createElement("div");
tip.className = "tip";
tip.setAttribute("role", "status");
document.body.append(tip);
const hide = () => { tip.hidden = true; };
const tell = (mark) => {
  const at = mark.getBoundingClientRect();
  tip.textContent = mark.getAttribute("aria-label");
  tip.hidden = false;
  const left = Math.min(Math.max(at.left + at.width / 2 - tip.offsetWidth / 2, 4), document.documentElement.clientWidth - tip.offsetWidth - 4);
  tip.style.left = `${left + scrollX}px`;
  tip.style.top = `${at.top + scrollY - tip.offsetHeight - 6}px`;
};
hide();
for (const group of document.querySelectorAll("svg .values")) {
  const marks = Array.from(group.children);
  marks.forEach((mark, place) => {
    mark.setAttribute("tabindex", place ? -1 : 0);
    mark.addEventListener("pointerenter", () => tell(mark));
    mark.addEventListener("pointerleave", hide);
    mark.addEventListener("focus", () => tell(mark));
    mark.addEventListener("blur", hide);
    mark.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (event.key === "Escape") hide();
      if (!step) return;
      event.preventDefault();
      const next = marks[(place + step + marks.length) % marks.length];
      mark.setAttribute("tabindex", -1);
      next.setAttribute("tabindex", 0);
      next.focus();
    });
  });
}
// The box of volumes and costs: jointbid.experiments.estimate.money, over again.
const box = document.getElementById("what-if-box");
if (box) {
  const study = JSON.parse(box.dataset.study), currency = box.dataset.currency;
  const shown = (x) => {
    if (!Number.isFinite(x)) return "never";
    if (x !== 0 && Math.abs(x) < 100) return x.toPrecision(3);
    return Number(x.toPrecision(3)).toLocaleString("en", { maximumSignificantDigits: 3 });
  };
  // The curve at a rate, each replication between its points by straight lines: mean, and both ends of Student's interval.
  const along = (rate, price) => {
    const all = study.points, at = Math.max(all.findIndex((point) => point.x >= rate), 1);
    const [a, b] = [all[at - 1], all[at]], part = (rate - a.x) / (b.x - a.x);
    const net = (point, i) => point.net[i] - price * point.lookups[i];
    const values = a.net.map((_, i) => net(a, i) + part * (net(b, i) - net(a, i))), n = values.length;
    const mean = values.reduce((sum, v) => sum + v, 0) / n;
    const reach = a.reach[0] * Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (n - 1) / n);
    return [mean, mean - reach, mean + reach];
  };
  const stated = (rate) => {
    if (rate === null) return study.stated;
    const all = study.points, at = Math.max(all.findIndex((point) => point.x >= rate), 1);
    const [a, b] = [all[at - 1], all[at]], part = (rate - a.x) / (b.x - a.x);
    return a.stated.map((v, i) => v + part * (b.stated[i] - v));
  };
  const put = (name, value, low, high, unit) => {
    const out = box.querySelector(`[data-out="${name}"]`);
    if (!out) return;
    out.dataset.v = String(value);
    out.textContent = `${shown(value)}${Number.isFinite(value) ? ` ${unit}` : ""} (95 % interval ${shown(low)} to ${shown(high)})`;
  };
  const reckon = () => {
    const given = Object.fromEntries(["requests", "once", "monthly", "lookup", "horizon"].map((name) => [name, Math.max(Number(box.elements[name].value) || 0, 0)]));
    const price = given.lookup / 1000, [value, both, looks] = study.variances;
    const reach = study.reach * Math.sqrt(Math.max(value - 2 * price * both + price * price * looks, 0));
    const middle = study.value - price * study.lookups;
    const typed = box.elements.rate ? box.elements.rate.value : "", ends = study.points.map((point) => point.x);
    const rate = typed === "" ? null : Math.min(Math.max(Number(typed), ends[0]), ends[ends.length - 1]);
    const chosen = rate === null ? null : along(rate, price);
    const gain = chosen || [middle, middle - reach, middle + reach];
    const each = gain.map((v) => given.requests * v - given.monthly);
    const months = Math.max(Math.round(given.horizon), 1), interest = (1 + study.discount) ** (1 / 12) - 1;
    const annuity = interest === 0 ? months : (1 - (1 + interest) ** -months) / interest;
    const payback = (month) => month > 0 ? given.once / month : Infinity;
    put("value", ...stated(rate), study.per_name);
    put("net", ...each.map((month) => month - given.once / months), `${currency} a month`);
    put("npv", ...each.map((month) => month * annuity - given.once), currency);
    const [now, low, high] = each.map(payback);
    put("payback", now, high, low, "months");
    if (!ends.length) return;
    const fixed = (given.monthly + given.once / months) / given.requests;
    const first = [Infinity, Infinity, Infinity], last = ends[ends.length - 1];
    const grid = ends.concat(Array.from({ length: study.grid }, (_, i) => ends[0] + (last - ends[0]) * i / (study.grid - 1)));
    for (const x of grid.sort((a, b) => a - b)) {
      along(x, price).forEach((v, i) => { if (first[i] === Infinity && v >= fixed) first[i] = x; });
    }
    put("rate", first[0], first[2], first[1], "of requests");
  };
  box.addEventListener("input", reckon);
  box.addEventListener("submit", (event) => event.preventDefault());
  reckon();
}

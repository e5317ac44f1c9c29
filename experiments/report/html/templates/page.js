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
// A link to what is folded away opens it.
const open = () => {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const folded = target && target.closest("details");
  if (folded) folded.open = true;
};
addEventListener("hashchange", open);
open();

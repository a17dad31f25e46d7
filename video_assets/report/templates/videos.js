"use strict";
const table = document.querySelector("table.list");
const form = document.querySelector("form");
const rows = [...table.tBodies[0].rows];
// Of each row the place of its channel or course among the choices.
const numbers = JSON.parse(document.querySelector("#groups")?.textContent ?? "[]");
const groupOf = new Map(rows.map((row, place) => [row, numbers[place]]));
const headers = [...table.tHead.rows[0].cells];
const least = form.querySelector("[data-column]");
const ways = [...document.querySelectorAll("nav a")];

// A number as it is written, a position in seconds, or nothing.
const value = (cell) => {
  const text = cell.textContent.trim();
  if (!/\d/.test(text)) return null;
  return text.split(":").reduce((sum, part) => 60 * sum + Number(part.replaceAll(",", "")), 0);
};

const show = () => {
  const text = form.text.value.trim().toLowerCase();
  const column = Number(least.dataset.column);
  const group = form.group?.value ?? "";
  for (const row of rows) {
    const names = `${row.cells[0].textContent} ${row.dataset.id}`.toLowerCase();
    const isOfGroup = group === "" || groupOf.get(row) === Number(group);
    row.hidden = !isOfGroup || !names.includes(text) || value(row.cells[column]) < Number(least.value);
  }
  const shown = rows.filter((row) => !row.hidden).length;
  form.querySelector("output").textContent = `${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")} shown`;
  // What is asked for goes along to the list of another period or of other viewers.
  const asked = new URLSearchParams(new FormData(form)).toString();
  for (const way of ways) way.hash = asked;
};

const sort = (column) => {
  const isUp = headers[column].ariaSort === "descending";
  const sign = isUp ? 1 : -1;
  const key = column ? (row) => value(row.cells[column]) ?? -Infinity : (row) => row.cells[0].textContent;
  const compare = column ? (a, b) => (a < b ? -1 : a > b ? 1 : 0) : new Intl.Collator().compare;
  const keys = new Map(rows.map((row) => [row, key(row)]));
  rows.sort((a, b) => sign * compare(keys.get(a), keys.get(b)));
  table.tBodies[0].append(...rows);
  for (const header of headers) header.removeAttribute("aria-sort");
  headers[column].ariaSort = isUp ? "ascending" : "descending";
};

// A text that begins like a formula would be one in a spreadsheet.
const field = (text) => `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;

const groupName = (row) => form.group.querySelector(`option[value="${groupOf.get(row)}"]`).textContent;

const save = () => {
  const further = form.group ? ["Channel or course"] : [];
  const lines = [["Id", ...headers.map((header) => header.textContent), ...further].map(field)];
  for (const row of rows.filter((row) => !row.hidden)) {
    const [title, ...numbers] = row.cells;
    const texts = [row.dataset.id, title.textContent.trim()].map(field);
    const group = form.group ? [field(groupName(row))] : [];
    lines.push([...texts, ...numbers.map((cell) => value(cell) ?? ""), ...group]);
  }
  const text = lines.map((line) => line.join(",") + "\r\n").join("");
  const link = document.createElement("a");
  // With a byte order mark Excel reads UTF-8.
  link.href = URL.createObjectURL(new Blob(["\ufeff" + text], { type: "text/csv" }));
  const title = document.title.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, "_").replaceAll(/^_|_$/g, "");
  link.download = `${title.slice(0, 60)}.csv`;
  link.click();
};

headers.forEach((header, column) => {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = header.textContent;
  button.addEventListener("click", () => sort(column));
  header.replaceChildren(button);
});
form.addEventListener("input", show);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  save();
});
for (const [name, text] of new URLSearchParams(location.hash.slice(1))) {
  if (form.elements[name]) form.elements[name].value = text;
}
form.hidden = false;
show();

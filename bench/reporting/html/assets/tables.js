"use strict";
// Tables that sort, filter and hide columns; commands that are copied; links that open their target.

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function say(text) {
  document.getElementById("status").textContent = text;
}

// ---- Tables ----

function key(row, column) {
  const cell = row.cells[column];
  if (cell.textContent.replace("*", "").trim() === "–") return null;
  return "value" in cell.dataset ? Number(cell.dataset.value) : cell.textContent.trim();
}

function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}

function sortBy(table, column) {
  const heads = [...table.tHead.rows[0].cells];
  const ascending = heads[column].getAttribute("aria-sort") !== "ascending";
  heads.forEach((head) => head.removeAttribute("aria-sort"));
  heads[column].setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [key(row, column), row]);
  rows.sort(([a], [b]) => {
    if (a === null || b === null) return (a === null) - (b === null); // what is missing is last
    return ascending ? compare(a, b) : compare(b, a);
  });
  body.append(...rows.map(([, row]) => row));
  say(`Sorted by ${heads[column].textContent}, ${ascending ? "ascending" : "descending"}`);
}

function addSorting(table) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = element("button", { type: "button", textContent: head.textContent || "name" });
    button.addEventListener("click", () => sortBy(table, column));
    head.replaceChildren(button);
  });
}

function addFilter(table, caption) {
  const rows = [...table.tBodies[0].rows];
  const count = element("span", { className: "count" });
  const input = element("input", { type: "search", placeholder: "Filter rows" });
  input.setAttribute("aria-label", `Filter rows of ${caption}`);
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const apply = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, at) => {
      row.hidden = !words.every((word) => texts[at].includes(word));
      shown += !row.hidden;
    });
    count.textContent = words.length ? `${shown} of ${rows.length} rows` : `${rows.length} rows`;
    if (words.length) say(count.textContent);
  };
  input.addEventListener("input", apply);
  apply();
  return [input, count];
}

function addColumns(table, caption) {
  const heads = [...table.tHead.rows[0].cells];
  const boxes = heads.map((head, column) => {
    const box = element("input", { type: "checkbox", checked: true });
    box.addEventListener("change", () => {
      for (const row of [table.tHead.rows[0], ...table.tBodies[0].rows]) {
        row.cells[column].hidden = !box.checked;
      }
    });
    return element("label", {}, box, ` ${head.textContent}`);
  });
  const summary = element("summary", { textContent: "Columns" });
  summary.setAttribute("aria-label", `Columns of ${caption}`);
  return element("details", { className: "choose" }, summary, element("div", {}, ...boxes));
}

function enhance(section) {
  const table = section.querySelector("table");
  const caption = table.caption.textContent;
  const bar = element("div", { className: "toolbar" });
  if (section.dataset.section === "records") addCopying(table);
  if (table.tBodies[0].rows.length > 1) addSorting(table);
  if (table.tBodies[0].rows.length > 5) bar.append(...addFilter(table, caption));
  if (table.tHead.rows[0].cells.length > 3) bar.append(addColumns(table, caption));
  table.caption.replaceChildren(element("span", { textContent: caption }));
  for (const cell of table.querySelectorAll("td.left")) {
    cell.classList.toggle("long", cell.textContent.length > 40);
  }
  const scroll = element("div", { className: "scroll", tabIndex: 0 });
  scroll.setAttribute("role", "group");
  scroll.setAttribute("aria-label", caption);
  table.before(bar, scroll);
  scroll.append(table);
}

// More tables than a reader wants to scroll through: one is shown at a time.
function addChooser(tables) {
  const sections = [...tables.children];
  if (sections.length < 4) return;
  const select = element("select");
  sections.forEach((section, at) => {
    const caption = section.querySelector("caption").textContent;
    select.append(element("option", { value: at, textContent: caption }));
  });
  const show = () => sections.forEach((section, at) => (section.hidden = at !== Number(select.value)));
  select.addEventListener("change", show);
  show();
  tables.prepend(element("label", { className: "chooser" }, `Show one of ${sections.length} tables `, select));
}

// ---- Commands and environments ----

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = element("textarea", { value: text });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

function addCopying(table) {
  const headings = [...table.tHead.rows[0].cells].map((head) => head.textContent);
  const command = headings.indexOf("command");
  const environment = headings.indexOf("environment");
  for (const row of table.tBodies[0].rows) {
    const number = row.cells[environment].textContent;
    const line = row.cells[command].textContent;
    const button = element("button", { type: "button", className: "copy", textContent: "Copy" });
    button.setAttribute("aria-label", `Copy command and environment of ${row.cells[0].textContent}`);
    button.addEventListener("click", async () => {
      const text = document.querySelector(`#environment-${number} pre`).textContent;
      await copy(`${line}\n\n${text}\n`);
      button.textContent = "Copied";
      say("Command and environment copied");
      setTimeout(() => (button.textContent = "Copy"), 2000);
    });
    row.cells[command].replaceChildren(element("code", { textContent: line }), " ", button);
    const link = element("a", { href: `#environment-${number}`, textContent: number });
    row.cells[environment].replaceChildren(link);
  }
}

// What is far from the screen has no height yet, so that a target moves while it comes nearer.
function jump(target, times = 5) {
  target.scrollIntoView();
  if (times) setTimeout(jump, 50, target, times - 1);
}

function goToTarget() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  if (!target) return;
  if (target.tagName === "DETAILS") target.open = true;
  jump(target);
}

document.querySelectorAll("section.section").forEach(enhance);
document.querySelectorAll(".tables").forEach(addChooser);
addEventListener("hashchange", goToTarget);
goToTarget();

"use strict";
// Tables that sort, filter and hide columns; charts that are drawn when they come into view.

const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");

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

// ---- Charts ----

function theme() {
  const style = getComputedStyle(root);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const series = [1, 2, 3, 4, 5, 6, 7, 8].map((number) => colour(`series-${number}`));
  return { colour, series, ink: colour("ink"), muted: colour("muted") };
}

function coloured(trace, { colour, series, ink, muted }) {
  if (trace.type === "heatmap") {
    const scale = [[0, colour("heat-0")], [0.1, colour("heat-1")], [1, colour("heat-2")]];
    return { ...trace, colorscale: scale, textfont: { size: 11 } };
  }
  const name = trace.meta.series;
  const own = name === "ink" ? ink : name === "muted" ? muted : series[name % series.length];
  return {
    ...trace,
    line: { ...trace.line, color: own },
    marker: { ...trace.marker, color: own },
    error_y: trace.error_y && { ...trace.error_y, color: own },
  };
}

function merged(...parts) {
  const result = {};
  for (const [name, value] of parts.flatMap((part) => Object.entries(part))) {
    const isObject = value && typeof value === "object" && !Array.isArray(value);
    result[name] = isObject ? merged(result[name] ?? {}, value) : value;
  }
  return result;
}

// Whole numbers on a logarithmic axis: 1, 2, 5 of each decade, or the decades of a long one.
function ticks(data, axis, narrow) {
  const values = data.flatMap((trace) => trace[axis] ?? []).filter((value) => value > 0);
  const [low, high] = [Math.log10(Math.min(...values)), Math.log10(Math.max(...values))];
  const steps = high - low > (narrow ? 1.5 : 3) ? [1] : [1, 2, 5];
  const tickvals = [];
  for (let power = Math.floor(low) - 1; power <= high + 1; power++) {
    tickvals.push(...steps.map((step) => Number(`${step}e${power}`)));
  }
  return { tickvals, tickformat: ",~g" };
}

function layoutOf(chart, view, { colour, ink, muted }, data) {
  const narrow = chart.plot.clientWidth < 560;
  const axis = { automargin: true, gridcolor: colour("grid"), linecolor: muted, zeroline: false };
  const layout = merged(
    {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "system-ui, sans-serif", size: narrow ? 12 : 13, color: ink },
      margin: { l: 56, r: 16, t: 12, b: 56 },
      xaxis: { ...axis, showgrid: true },
      yaxis: axis,
      legend: narrow ? { orientation: "h", y: -0.25, yanchor: "top" } : {},
      hoverlabel: { bgcolor: colour("surface"), bordercolor: muted, font: { color: ink }, namelength: -1 },
      dragmode: false,
    },
    chart.content.layout,
    view.layout,
  );
  if (root.classList.contains("printing")) layout.width = PAPER_WIDTH;
  for (const name of ["xaxis", "yaxis"]) {
    layout[name].title = { standoff: 12, ...layout[name].title };
    if (layout[name].type === "log") Object.assign(layout[name], ticks(data, name[0], narrow));
  }
  for (const shape of layout.shapes ?? []) shape.line = { color: muted, dash: "dash", width: 1 };
  return layout;
}

const PAPER_WIDTH = 1000; // pixels: A4 across, less its margins
const CONFIG = { displaylogo: false, responsive: true, displayModeBar: false };
const charts = new Map();

function draw(chart) {
  const look = theme();
  const view = chart.content.views[Number(chart.select.value)];
  const [option] = chart.select.selectedOptions;
  chart.group.textContent = option.parentElement.label ?? "";
  chart.group.dataset.view = option.textContent;
  const data = view.data.map((trace) => coloured(merged(chart.content.trace, trace), look));
  return Plotly.react(chart.plot, data, layoutOf(chart, view, look, data), CONFIG);
}

function drawAll() {
  for (const chart of charts.values()) draw(chart);
}

function prepareCharts() {
  const seen = new IntersectionObserver(
    (entries) => {
      for (const entry of entries.filter((each) => each.isIntersecting)) {
        seen.unobserve(entry.target);
        open(entry.target);
      }
    },
    { rootMargin: "400px" },
  );
  document.querySelectorAll("figure.chart").forEach((figure) => seen.observe(figure));
}

// Plotly is large: it is run after the page is there, or when a chart comes into view before.
function loadPlotly() {
  const source = document.getElementById("plotly");
  if (!source || window.Plotly) return;
  document.head.append(element("script", { textContent: source.textContent }));
  source.remove();
}

function open(figure) {
  if (charts.has(figure)) return;
  loadPlotly();
  const chart = {
    plot: figure.querySelector(".plot"),
    select: figure.querySelector("select"),
    group: figure.querySelector(".group"),
    content: JSON.parse(figure.querySelector("script").textContent),
  };
  charts.set(figure, chart);
  chart.select.addEventListener("change", () => draw(chart));
  draw(chart);
}

// On paper every chart is there, light and as wide as the page.
function preparePrint() {
  document.querySelectorAll("figure.chart").forEach(open);
  root.classList.add("printing");
  drawAll();
}

function finishPrint() {
  root.classList.remove("printing");
  drawAll();
}

document.querySelectorAll("section.section").forEach(enhance);
document.querySelectorAll(".tables").forEach(addChooser);
addEventListener("hashchange", goToTarget);
goToTarget();
prepareCharts();
addEventListener("load", () => setTimeout(loadPlotly, 500));
dark.addEventListener("change", drawAll);
addEventListener("beforeprint", preparePrint);
addEventListener("afterprint", finishPrint);

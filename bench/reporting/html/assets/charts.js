// Charts, which plotly draws when they come into view, in the colours of the reader's theme.

const root = document.documentElement;

function theme() {
  const style = getComputedStyle(root);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const series = Array.from({ length: 12 }, (_, place) => colour(`series-${place + 1}`));
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
    opacity: name >= series.length ? 0.45 : 1, // what has the colour of another series is pale
    line: { ...trace.line, color: own },
    marker: { ...trace.marker, color: own },
    error_x: trace.error_x && { ...trace.error_x, color: own },
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

prepareCharts();
addEventListener("load", () => setTimeout(loadPlotly, 500));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
addEventListener("beforeprint", preparePrint);
addEventListener("afterprint", finishPrint);

// Makes the plots of a report live: what is drawn already gives way to Plotly as soon as it comes into view.
// classpulse.draw(element) does it for a fragment that came later. Plotly is in the element #classpulse-plotly, compressed,
// or at its data-src. A browser that cannot unpack it keeps what is drawn.
"use strict";

(() => {
  const { INSUFFICIENT, FIRST_KIND, signed, plain, dataOf, orderOf, countsOf, aboutWindow, aboutCell, tell } = classpulse;
  const LEVELS = ["minus3", "minus2", "minus1", "zero", "plus1", "plus2", "plus3"];
  // As many as classes without polarity can be.
  const KINDS = Array.from({ length: 12 }, (_, place) => `kind${place + 1}`);
  const DARK = matchMedia("(prefers-color-scheme: dark)");
  const PHONE = matchMedia("(pointer: coarse), (max-width: 600px)");
  const LIBRARY = document.getElementById("classpulse-plotly");
  if (!LIBRARY.dataset.src && typeof DecompressionStream === "undefined") return;

  // The page's policy knows the hash of the text, and lets no other run.
  async function unpacked() {
    const letters = atob(LIBRARY.textContent), bytes = new Uint8Array(letters.length);
    for (let k = 0; k < letters.length; k++) bytes[k] = letters.charCodeAt(k);
    LIBRARY.remove();
    const script = document.createElement("script");
    script.textContent = await new Response(
      new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
    document.head.append(script);
  }
  const fetched = () => new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.addEventListener("load", resolve);
    script.addEventListener("error", () => reject(new Error(`${script.src} did not come`)));
    script.src = LIBRARY.dataset.src;
    document.head.append(script);
  });
  let loading;
  const loaded = () => (loading ??= LIBRARY.dataset.src ? fetched() : unpacked());

  // As much of a text as fits into a share of a plot.
  const shortened = (text, share) => {
    const most = Math.max(Math.floor(share * (PHONE.matches ? 38 : 150)), 1);
    return plain(text.length > most ? `${text.slice(0, most)}…` : text);
  };
  const colours = (element) => {
    const style = getComputedStyle(element);
    return Object.fromEntries(["page", "ink", "soft", "rule", "panel", "hatch", ...LEVELS, ...KINDS].map(
      (name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  };

  // Session time as dates, since Plotly then labels an axis with round minutes at every zoom; from 2000 on, since it
  // takes a small number for a year.
  const START = Date.UTC(2000, 0, 1);
  const ms = (seconds) => START + seconds * 1000;
  const timeAxis = (data, c) => ({
    type: "date", range: [ms(0), ms(data.length)], tickformat: data.length >= 3600 ? "%-H:%M:%S" : "%-M:%S",
    nticks: PHONE.matches ? 4 : 9, color: c.soft, showgrid: false, zeroline: false, hoverformat: " ",
  });
  const layout = (c, more) => ({
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false,
    font: { family: "system-ui, sans-serif", size: 12, color: c.ink },
    hoverlabel: { bgcolor: c.page, bordercolor: c.soft, font: { color: c.ink, size: 12 }, align: "left" },
    dragmode: PHONE.matches ? false : "zoom", ...more,
  });

  function timeline(data, c) {
    const windows = data.start.map((start, k) => k);
    const judged = (k) => data.verdict[k] !== "insufficient" && data.balance[k] !== null;
    const ribbon = { x: [], y: [] }, lines = {};
    const colourOf = { interested: c.plus3, "not interested": c.minus3, divided: c.ink };
    let before = null; // the end of the window before, if it has a verdict
    for (const k of windows.filter(judged)) {
      const [a, b, y, m] = [ms(data.start[k]), ms(data.stop[k]), data.balance[k], data.margin[k] ?? 0];
      ribbon.x.push(a, b, b, a, a, null);
      ribbon.y.push(y + m, y + m, y - m, y - m, y + m, null);
      const line = (lines[data.verdict[k]] ??= { x: [], y: [] });
      if (k && judged(k - 1)) line.x.push(null, a, a, b), line.y.push(null, before, y, y);
      else line.x.push(null, a, b), line.y.push(null, y, y);
      before = y;
    }
    const counts = countsOf(data);
    const about = windows.map((k) => aboutWindow(data, k));
    const middle = windows.map((k) => ms((data.start[k] + data.stop[k]) / 2));
    const width = windows.map((k) => 1000 * (data.stop[k] - data.start[k]));
    const none = windows.filter((k) => !judged(k));
    const below = (place) => windows.map((k) => counts.slice(0, place).reduce((sum, count) => sum + count[k], 0));
    const phases = data.phases ?? [];
    const fills = data.kinds ? [...data.kinds.slice(0, -1).map((_, place) => c[KINDS[place]]), "rgba(0,0,0,0)"]
      : [c.plus3, c.zero, c.minus3, "rgba(0,0,0,0)"];
    const share = data.kinds ? 0.98 : 0.34; // of the height, for the counts of students
    const traces = data.kinds ? [] : [
      { type: "bar", x: none.map((k) => middle[k]), width: none.map((k) => width[k]), base: -data.end,
        y: none.map(() => 2 * data.end), hoverinfo: "skip",
        marker: { color: "rgba(0,0,0,0)", line: { width: 0 }, pattern: { shape: "/", size: 6, solidity: 0.15, fgcolor: c.hatch } } },
      { type: "scatter", mode: "lines", ...ribbon, fill: "toself", fillcolor: c.soft + "38", line: { width: 0 }, hoverinfo: "skip" },
      ...Object.entries(lines).map(([verdict, line]) => ({ type: "scatter", mode: "lines", ...line, hoverinfo: "skip",
        line: { color: colourOf[verdict] ?? c.soft, width: 2.5, dash: verdict === "divided" ? "dot" : "solid" } })),
      // Nothing to see: a column over each window, to be pointed at.
      { type: "bar", x: middle, width, base: -data.end, y: windows.map(() => 2 * data.end), marker: { color: "rgba(0,0,0,0)" },
        customdata: about, hovertemplate: "%{customdata}<extra></extra>" },
    ];
    traces.push(
      ...counts.map((y, place) => ({
        type: "bar", x: middle, width, y, base: below(place), yaxis: "y2", customdata: about,
        hovertemplate: "%{customdata}<extra></extra>",
        marker: { color: fills[place], line: { width: 0 },
          ...(place === fills.length - 1 && { pattern: { shape: "/", size: 6, solidity: 0.15, fgcolor: c.hatch } }) },
      })),
      // Students in view, and those of them who can be measured, over the verdicts of all.
      ...Object.entries(data.attendance ?? {}).map(([name, number]) => ({
        type: "scatter", mode: "lines", yaxis: "y2", hoverinfo: "skip",
        x: windows.flatMap((k) => [ms(data.start[k]), ms(data.stop[k]), null]),
        y: windows.flatMap((k) => [number[k], number[k], null]),
        line: { color: c.ink, width: 1.25, dash: name === "measured" ? "dash" : "solid" },
      })),
    );
    return {
      traces,
      layout: layout(c, {
        height: counts.length && !data.kinds ? (PHONE.matches ? 270 : 330) : 260, margin: { l: 48, r: 10, t: phases.length ? 44 : 24, b: 32 },
        shapes: [...(data.band ? [{ type: "rect", xref: "paper", x0: 0, x1: 1, y0: -data.band, y1: data.band, layer: "below",
          line: { width: 0 }, fillcolor: c.zero + "8c" }] : []),
        ...phases.map(({ start }) => ({ type: "line", x0: ms(start), x1: ms(start), yref: "paper", y0: 0, y1: 1.08,
          line: { color: c.soft, width: 1 } }))],
        barmode: "overlay", bargap: 0, hovermode: "closest",
        xaxis: { ...timeAxis(data, c), anchor: counts.length ? "y2" : "y" },
        yaxis: { visible: !data.kinds, domain: [data.kinds ? 0.99 : counts.length ? 0.4 : 0, 1], range: [-data.end, data.end], fixedrange: true, color: c.soft, gridcolor: c.rule,
          zerolinecolor: c.soft, tickvals: [-data.end, 0, data.end], ticktext: [-data.end, 0, data.end].map((end) => end && signed(end).replace(/0$/, "")),
          ticks: "" },
        yaxis2: { domain: [0, share], fixedrange: true, color: c.soft, showgrid: false, zeroline: false, nticks: 3 },
        annotations: [
          ...phases.map(({ start, stop, phase_label: label }) => ({ text: shortened(label, (stop - start) / data.length), x: ms(start), yref: "paper",
            y: 1.06, xanchor: "left", yanchor: "bottom", showarrow: false, font: { size: 11, color: c.ink } })),
          { text: data.kinds ? "" : "balance: interested above, not interested below", x: 0, y: 1.0, xref: "paper", yref: "paper", xanchor: "left", yanchor: "bottom", showarrow: false, font: { size: 11, color: c.soft } },
          { text: counts.length ? "students" : "", x: 0, y: share + 0.005, xref: "paper", yref: "paper", xanchor: "left", yanchor: "bottom", showarrow: false, font: { size: 11, color: c.soft } },
        ],
      }),
      picked: (point) => ({ start: data.start[point.pointIndex], stop: data.stop[point.pointIndex], student: null }),
    };
  }

  function heatmap(data, c, element) {
    const order = orderOf(element);
    // Parts of a lesson may leave time between them: a column that belongs to no window.
    const columns = [], edges = [];
    data.start.forEach((start, k) => {
      if (k && start > data.stop[k - 1]) columns.push(null), edges.push(ms(data.stop[k - 1]));
      columns.push(k), edges.push(ms(start));
    });
    edges.push(ms(data.stop.at(-1)));
    element.about ??= data.labels.map((_, place) => columns.map((k) => k === null ? "" : aboutCell(data, place, k)));
    const names = data.kinds ? KINDS.slice(0, data.kinds.length - 1) : LEVELS;
    const steps = names.flatMap((name, k) => [[k / names.length, c[name]], [(k + 1) / names.length, c[name]]]);
    const lowest = data.kinds ? FIRST_KIND : -3;
    const common = { type: "heatmap", x: edges, y0: 0, dy: 1, showscale: false };
    // SVG's own hatching behind the cells, where those without a verdict leave a gap.
    const [left, high] = [PHONE.matches ? 56 : 96, order.length * 17];
    const wide = Math.max(element.clientWidth - left - 10, 1);
    const hatching = `<svg xmlns="http://www.w3.org/2000/svg" width="${wide}" height="${high}"><pattern id="h" width="5" ` +
      `height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path d="M0 0V5" stroke="${c.hatch}" ` +
      `stroke-width="1.6"/></pattern><rect width="100%" height="100%" fill="url(#h)"/></svg>`;
    return {
      traces: [{
        ...common, z: order.map((place) => columns.map((k) =>
          k === null || data.levels[place][k] === INSUFFICIENT ? null : data.levels[place][k])),
        zmin: lowest - 0.5, zmax: lowest + names.length - 0.5, colorscale: steps, ygap: 1, customdata: order.map((place) => element.about[place]), hoverongaps: true,
        hovertemplate: "%{customdata}<extra></extra>",
      }],
      layout: layout(c, {
        height: high + 40, margin: { l: left, r: 10, t: 4, b: 36 },
        xaxis: timeAxis(data, c), hovermode: "closest",
        yaxis: { autorange: "reversed", fixedrange: true, color: c.ink, showgrid: false, zeroline: false, ticks: "",
          tickfont: { size: 11 }, tickmode: "array", tickvals: order.map((_, k) => k),
          ticktext: order.map((place) => plain(data.labels[place].slice(0, PHONE.matches ? 7 : 14))) },
        images: [{ source: `data:image/svg+xml,${encodeURIComponent(hatching)}`, xref: "paper", yref: "paper", x: 0, y: 1,
          sizex: 1, sizey: 1, sizing: "stretch", layer: "below" }],
      }),
      picked: (point) => {
        const k = data.start.findLastIndex((start) => ms(start) <= new Date(point.x + "Z").getTime());
        return { start: data.start[k], stop: data.stop[k], student: data.students[order[point.y]] };
      },
    };
  }

  const MAKERS = { timeline, heatmap };

  async function plot(element) {
    await loaded();
    const made = MAKERS[element.dataset.plot](dataOf(element), colours(element), element);
    const live = element.querySelector(".live");
    Plotly.react(live, made.traces, made.layout, { responsive: true, displaylogo: false, displayModeBar: false, doubleClick: "reset" });
    element.classList.add("drawn");
    performance.mark(`classpulse:${element.dataset.plot}`);
    live.removeAllListeners("plotly_click");
    live.on("plotly_click", ({ points: [point] }) => {
      const { start, stop, student } = made.picked(point);
      tell(element, start, stop, student);
    });
  }

  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      plot(target);
    }
  }, { rootMargin: "200px" });

  classpulse.draw = (root) => {
    for (const element of root.querySelectorAll("[data-plot]")) seen.observe(element);
  };
  document.addEventListener("classpulse:order", ({ target }) => plot(target));
  DARK.addEventListener("change", () => document.querySelectorAll("[data-plot].drawn").forEach(plot));
  classpulse.draw(document);
})();

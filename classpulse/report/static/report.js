// What a report does in any browser: it says what the pointer is on, sorts rows, colours seats. A click on a window, or
// on anything with data-start, dispatches "classpulse:window" with {start, stop, student} (s, and the student's number
// or null); rows that were sorted, "classpulse:order".
"use strict";

const classpulse = (() => {
  const INSUFFICIENT = -9;
  const FIRST_KIND = 11;
  const VERDICTS = ["interested", "neutral", "not interested", "insufficient"];

  const clock = (seconds) => {
    const s = Math.max(0, Math.floor(seconds)), two = (n) => String(n).padStart(2, "0");
    const [h, m] = [Math.floor(s / 3600), Math.floor(s / 60) % 60];
    return h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
  };
  const signed = (value, margin) => {
    if (value === null || value === undefined) return "–";
    const digits = Math.abs(value).toFixed(2);
    const text = Number(digits) === 0 ? digits : (value < 0 ? "−" : "+") + digits;
    return margin === null || margin === undefined ? text : `${text} ± ${margin.toFixed(2)}`;
  };
  // Texts hold markup of ours, and people choose names.
  const plain = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  // Of classes without polarity levels count their places, from FIRST_KIND on.
  const verdictOf = (data, level) => data.kinds && level !== INSUFFICIENT ? data.kinds[level - FIRST_KIND] :
    level === INSUFFICIENT ? "insufficient" : level > 0 ? "interested" : level < 0 ? "not interested" : "neutral";

  const dataOf = (element) =>
    (element.data ??= JSON.parse(element.querySelector("script[type='application/json']").textContent));
  const orderOf = (element) => dataOf(element).orders[element.dataset.order ?? "seat"];
  // The class has counts of students; a student alone has none.
  const verdictsOf = (data) => data.kinds ?? VERDICTS;
  const countsOf = (data) => data.kinds ? data.numbers : (data.interested ? VERDICTS.map((verdict) => data[verdict.replace(" ", "_")]) : []);

  const because = (data, place, k) => (data.reason[place][k] < 0 ? "" : `: ${data.reasons[data.reason[place][k]]}`);

  const aboutWindow = (data, k) =>
    `${clock(data.start[k])}–${clock(data.stop[k])}: <b>${plain(data.shown[k])}</b><br>` +
    (data.kinds ? "" : `balance ${signed(data.balance[k], data.margin[k])}<br>`) + `coverage ${Math.round(data.coverage[k] * 100)} %<br>` +
    (data.measured ? `${data.measured[k]} students measured<br>` : "") +
    countsOf(data).map((count, place) => `${count[k]} ${plain(verdictsOf(data)[place])}`).join("<br>");
  const aboutCell = (data, place, k) =>
    `<b>${plain(data.labels[place])}</b>, ${clock(data.start[k])}–${clock(data.stop[k])}<br>` +
    `<b>${plain(verdictOf(data, data.levels[place][k]))}${because(data, place, k)}</b>` +
    (data.kinds ? "<br>" : `, balance ${signed(data.balance[place][k], data.margin[place][k])}<br>`) +
    `coverage ${data.coverage[place][k]} %, ${data.scorable[place][k]} ${data.evidence}` +
    (data.measurable[place][k] > 0 ? `<br>${data.told[data.measurable[place][k]]}` : "");

  const tell = (element, start, stop, student) => element.dispatchEvent(
    new CustomEvent("classpulse:window", { bubbles: true, detail: { start, stop, student } }));

  // The window of a drawing that a pointer is on, and for a heat map whose it is; null where there is none.
  function pointed({ target, clientX, clientY }) {
    const drawing = target.closest(".static .upper, .static .lower, .static .cells");
    if (!drawing) return null;
    const element = drawing.closest("[data-plot]"), data = dataOf(element), box = drawing.getBoundingClientRect();
    const time = ((clientX - box.left) / box.width) * data.length;
    const k = data.start.findLastIndex((start) => start <= time);
    if (k < 0 || time >= data.stop[k]) return null;
    if (element.dataset.plot === "timeline") return { element, data, k, student: null, about: aboutWindow(data, k) };
    const order = orderOf(element);
    const place = order[Math.min(Math.floor(((clientY - box.top) / box.height) * order.length), order.length - 1)];
    return { element, data, k, student: data.students[place], about: aboutCell(data, place, k) };
  }

  const tip = document.createElement("div");
  tip.className = "tip";
  tip.setAttribute("aria-hidden", "true");
  function hover(event) {
    const found = pointed(event);
    if (!found) return tip.remove();
    if (tip.parentElement !== found.element) found.element.append(tip);
    tip.innerHTML = found.about;
    const box = found.element.getBoundingClientRect();
    const x = event.clientX - box.left, y = event.clientY - box.top;
    tip.style.left = `${x + 14 + tip.offsetWidth > box.width ? Math.max(x - tip.offsetWidth - 14, 0) : x + 14}px`;
    tip.style.top = `${y + 14}px`;
  }
  document.addEventListener("pointermove", hover);
  document.addEventListener("pointerdown", hover);

  function sort(element, name) {
    element.dataset.order = name;
    const data = dataOf(element), order = orderOf(element), paths = {};
    const across = (time) => ((time / data.length) * 1000).toFixed(1);
    order.forEach((place, row) => data.levels[place].forEach((level, k) => {
      const [left, right] = [across(data.start[k]), across(data.stop[k])];
      (paths[level] ??= []).push(`M${left} ${row}H${right}V${row + 1}H${left}z`);
    }));
    element.querySelector(".cells svg").replaceChildren(...Object.entries(paths).map(([level, boxes]) => {
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      const colour = level >= FIRST_KIND ? `kind${level - FIRST_KIND + 1}` : level < 0 ? `minus${-level}` : `plus${level}`;
      path.setAttribute("class", `level ${Number(level) === INSUFFICIENT ? "hatched" : colour}`);
      path.setAttribute("d", boxes.join(""));
      return path;
    }));
    const rows = element.querySelectorAll(".static .rows li");
    order.forEach((place, row) => { rows[row].textContent = data.labels[place]; });
    element.dispatchEvent(new CustomEvent("classpulse:order", { bubbles: true }));
  }

  document.addEventListener("click", (event) => {
    const { target } = event, button = target.closest("button[data-order], button[data-seats]");
    if (button) {
      for (const other of button.parentElement.querySelectorAll("button"))
        other.setAttribute("aria-pressed", String(other === button));
      const section = button.closest("section");
      if (button.dataset.seats) section.querySelector(".seats").dataset.by = button.dataset.seats;
      else sort(section.querySelector(".heatmap"), button.dataset.order);
    }
    const moment = target.closest("[data-start]");
    if (moment) tell(moment, Number(moment.dataset.start), Number(moment.dataset.stop), null);
    const found = pointed(event);
    if (found) tell(found.element, found.data.start[found.k], found.data.stop[found.k], found.student);
  });

  return { INSUFFICIENT, FIRST_KIND, VERDICTS, clock, signed, plain, dataOf, orderOf, countsOf, aboutWindow, aboutCell, tell };
})();

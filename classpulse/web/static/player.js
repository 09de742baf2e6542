// The recording of a session: a click on a window plays it, with the boxes of stored faces over the picture.
"use strict";

(() => {
  const root = document.getElementById("session");
  const video = root.querySelector("video");
  if (!video) return;
  const status = root.querySelector("#player .status");
  const canvas = root.querySelector("canvas");
  const shown = document.getElementById("boxes");
  const STRETCH = 20; // seconds of boxes that are asked for at once
  const LONGEST_GAP = 2.5; // seconds between two samples that a box moves across
  const { session, duration, width, height } = Object.fromEntries(
    Object.entries(root.dataset).map(([name, value]) => [name, Number(value)]));
  const { clock } = classpulse; // of report.js
  if ("stated" in root.dataset) { // the picture has another shape than the browser reads in the file
    video.style.aspectRatio = `${width} / ${height}`;
    video.style.objectFit = "fill";
    canvas.parentElement.style.maxWidth = `calc(70vh * ${width / height})`;
  }

  // -- the player's time, and the session's

  // Session times from which session and file run alike, each with what the file's own clock shows there.
  const sections = JSON.parse(root.dataset.clock);
  // Some browsers show the file's own times, others begin at 0. The first frame tells; until it is there, seeks wait.
  let [shift, pending] = [null, null];
  const ends = (k) => (k + 1 < sections.length ? sections[k + 1][0] : Infinity);
  function toPlayer(time) {
    const [begin, file] = sections.findLast(([from]) => from <= time) ?? sections[0];
    return file + time - begin + (shift ?? 0);
  }
  function now() {
    const file = video.currentTime - (shift ?? 0);
    const times = sections.map(([begin, from], k) => [file >= from, Math.min(begin + file - from, ends(k)), k]);
    const within = times.find(([after, time, k]) => after && time < ends(k)) ?? times.findLast(([after]) => after);
    return Math.max(within?.[1] ?? 0, 0);
  }
  function seek(time) {
    if (shift === null) pending = time;
    else video.currentTime = toPlayer(time);
  }
  function learn(first) {
    const start = sections[0][1];
    shift = Math.abs(first) < Math.abs(first - start) ? -start : 0;
    if (pending !== null) seek(pending);
    pending = null;
  }
  if (video.requestVideoFrameCallback) video.requestVideoFrameCallback((_, { mediaTime }) => learn(mediaTime));
  else learn(0);

  // -- what is stored of the picture

  const stretches = new Map(); // by number: {times, faces}, or a promise of it
  const names = new Map();
  const rename = () => fetch(`/api/sessions/${session}/students`).then((answer) => answer.json()).then((students) => {
    names.clear();
    for (const { student, label, name, role } of students) {
      names.set(student, (name ?? label) + (role === "student" ? "" : ` (${role})`));
    }
    stretches.clear(); // who is who may have changed
  });

  function stretch(number) {
    if (!stretches.has(number)) {
      if (stretches.size > 30) stretches.delete(stretches.keys().next().value);
      // A little more on both sides, so that boxes move across the seam.
      const start = Math.max(0, number * STRETCH - LONGEST_GAP), stop = (number + 1) * STRETCH + LONGEST_GAP;
      stretches.set(number, fetch(`/api/sessions/${session}/overlay?start=${start}&stop=${stop}`)
        .then((answer) => (answer.ok ? answer.json() : { times: [], faces: [] }))
        .then((found) => { stretches.set(number, found); paint(); }));
    }
    const found = stretches.get(number);
    return found instanceof Promise ? null : found;
  }

  // The verdict of the window that is played, by student, from the heat map's data.
  function levels(time) {
    const data = JSON.parse(document.querySelector("#judged .heatmap script")?.textContent ?? "null");
    if (!data) return null;
    return { data, at: (now) => data.start.findLastIndex((start) => start <= now) };
  }
  let judged = null;
  let window_ = null; // what is played: {start, stop, student}
  const forget = () => { judged = null; };

  // -- drawing

  const mix = (a, b, share) => a + (b - a) * share;

  function boxesAt(time) {
    const found = stretch(Math.floor(time / STRETCH));
    stretch(Math.floor(time / STRETCH + 0.5)); // the next one in time
    if (!found || !found.times.length) return [];
    const after = found.times.findIndex((t) => t > time);
    const before = after < 0 ? found.times.length - 1 : after - 1;
    if (before < 0 || time - found.times[before] > LONGEST_GAP) return [];
    const gap = after < 0 ? Infinity : found.times[after] - found.times[before];
    const next = new Map(gap > LONGEST_GAP ? [] : found.faces[after].filter(([who]) => who !== null).map((face) => [face[0], face]));
    const share = (time - found.times[before]) / gap;
    return found.faces[before].map(([who, ...box]) => {
      const later = who === null ? undefined : next.get(who);
      return { who, box: later ? box.map((edge, k) => mix(edge, later[k + 1], share)) : box };
    });
  }

  function paint() {
    const ratio = window.devicePixelRatio || 1;
    const [w, h] = [video.clientWidth, video.clientHeight];
    if (!w || !h) return;
    if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) {
      [canvas.width, canvas.height] = [Math.round(w * ratio), Math.round(h * ratio)];
    }
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, w, h);
    if (!shown.checked) return;
    const scale = Math.min(w / width, h / height); // the picture is centred in its element
    const [left, top] = [(w - width * scale) / 2, (h - height * scale) / 2];
    judged ??= levels();
    const column = judged ? judged.at(now()) : -1;
    const style = getComputedStyle(document.body);
    const colour = (who) => {
      const row = judged ? judged.data.students.indexOf(who) : -1;
      const level = row < 0 || column < 0 ? -9 : judged.data.levels[row][column];
      const name = level === -9 ? "--hatch" : level >= classpulse.FIRST_KIND ? `--kind${level - classpulse.FIRST_KIND + 1}` : level > 0 ? "--plus2" : level < 0 ? "--minus2" : "--zero";
      return style.getPropertyValue(name);
    };
    context.globalAlpha = 1;
    context.font = "600 12px system-ui, sans-serif";
    context.textBaseline = "bottom";
    for (const { who, box: [x1, y1, x2, y2] } of boxesAt(now())) {
      const [x, y, right, bottom] = [left + x1 * scale, top + y1 * scale, left + x2 * scale, top + y2 * scale];
      context.globalAlpha = window_ && window_.student !== null && window_.student !== who ? 0.35 : 1;
      context.lineWidth = 4;
      context.strokeStyle = "rgba(0, 0, 0, .55)";
      context.strokeRect(x, y, right - x, bottom - y);
      context.lineWidth = 2;
      context.strokeStyle = who === null ? "#fff8" : colour(who);
      context.strokeRect(x, y, right - x, bottom - y);
      if (who === null) continue;
      const text = names.get(who) ?? "";
      context.fillStyle = "rgba(0, 0, 0, .7)";
      context.fillRect(x - 1, y - 16, context.measureText(text).width + 6, 15);
      context.fillStyle = "#fff";
      context.fillText(text, x + 2, y - 2);
    }
  }

  const onFrame = () => {
    paint();
    if (!video.paused && !video.ended) {
      if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(onFrame);
      else requestAnimationFrame(onFrame);
    }
  };

  // -- where it is: in its place, or while a window plays that lies further down, in the corner

  const [place, dock] = [root.querySelector(".place"), root.querySelector(".dock")];
  let [wanted, visible] = [false, true];
  const settle = () => {
    const docked = wanted && !visible;
    place.style.minHeight = docked ? `${place.clientHeight}px` : "";
    dock.classList.toggle("docked", docked);
    paint();
  };
  new IntersectionObserver(([entry]) => { visible = entry.intersectionRatio > 0.4; settle(); }, { threshold: [0.4] })
    .observe(place);
  root.querySelector("[data-undock]").addEventListener("click", () => {
    wanted = false;
    video.pause();
    settle();
  });

  // -- playing a window

  function play(start, stop, student) {
    window_ = { start, stop, student };
    judged = null;
    seek(start);
    const who = student === null ? "the class" : names.get(student) ?? "a student";
    status.textContent = `${clock(start)}–${clock(stop)}: ${who}`;
    wanted = true;
    settle();
    video.play().catch(() => {}); // where a browser will not play unasked, its own button does
  }

  document.addEventListener("classpulse:window", ({ detail }) => play(detail.start, detail.stop, detail.student));
  // The same from the keyboard: rows of tables that name a window.
  htmx.onLoad((element) => {
    for (const found of element.querySelectorAll("th[data-start], li[data-start], td[data-start]")) {
      if (found.querySelector("button")) continue;
      found.tabIndex = 0;
    }
    forget();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("[data-start]:not(button, a)")) event.target.click();
  });
  root.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-step]");
    if (!button) return;
    judged ??= levels();
    const data = judged?.data;
    if (!data?.start.length) return;
    const shown = judged.at(window_ ? window_.start : now());
    const k = Math.min(Math.max(shown + (window_ ? Number(button.dataset.step) : 0), 0), data.start.length - 1);
    play(data.start[k], data.stop[k], window_?.student ?? null);
  });

  video.addEventListener("timeupdate", () => {
    if (window_ && !video.paused && pending === null && now() >= window_.stop && now() < window_.stop + 1) {
      video.pause();
    }
  });
  video.addEventListener("play", onFrame);
  for (const kind of ["seeked", "loadeddata", "pause"]) video.addEventListener(kind, paint);
  addEventListener("resize", paint);
  shown.addEventListener("change", paint);
  document.body.addEventListener("corrected", () => rename().then(paint));
  video.addEventListener("error", async () => {
    const answer = await fetch(video.currentSrc || video.src, { headers: { Range: "bytes=0-0" } });
    const why = answer.ok ? "This browser cannot play the recording; the report works without it." : (await answer.json()).detail;
    status.className = "status message bad";
    status.textContent = why;
  });
  rename().then(paint);
})();

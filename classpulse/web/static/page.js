// What pages do beside htmx: plots of sections that came later, values beside sliders, uploads, examples of SQL.
"use strict";

htmx.onLoad((element) => {
  if (typeof classpulse !== "undefined") classpulse.draw?.(element.parentElement ?? element);
});

// What comes for another place of the page than the answer's own.
document.addEventListener("htmx:oobAfterSwap", ({ detail }) => {
  if (typeof classpulse !== "undefined") classpulse.draw?.(detail.target);
});

// A message that answered the last thing that was done goes with the next.
document.addEventListener("htmx:beforeRequest", ({ target }) => {
  if (target.matches("form")) document.getElementById("message").replaceChildren();
});
// What succeeded before is no news beside an error.
document.addEventListener("htmx:responseError", () => {
  for (const message of document.querySelectorAll(".message.good[role=status]")) message.remove();
});
document.addEventListener("click", ({ target }) => {
  const link = target.closest("a[data-open]");
  if (link) document.querySelector(link.hash).open = true;
});
document.addEventListener("htmx:sendError", () => {
  const line = document.createElement("p");
  line.className = "message bad";
  line.textContent = "The server does not answer; is classpulse serve still running?";
  document.getElementById("message").replaceChildren(line);
});

document.addEventListener("input", ({ target }) => {
  const output = target.id && document.querySelector(`output[for="${target.id}"]`);
  if (output) output.value = target.value;
});

document.addEventListener("click", ({ target }) => {
  const example = target.closest("[data-sql]");
  if (!example) return;
  const area = document.getElementById("sql");
  area.value = example.dataset.sql;
  area.form.requestSubmit();
});

// htmx would put the file's text into the page.
document.addEventListener("htmx:confirm", (event) => {
  const button = event.detail.triggeringEvent?.submitter;
  if (!button || !("plain" in button.dataset)) return;
  event.preventDefault();
  const form = button.form;
  const action = form.action;
  form.action = button.formAction;
  HTMLFormElement.prototype.submit.call(form);
  form.action = action;
});

const upload = document.getElementById("upload");
if (upload) {
  const [progress, status, button] = ["progress", ".status", "button"].map((name) => upload.querySelector(name));
  const say = (text, bad) => {
    status.textContent = text;
    status.className = bad ? "status message bad" : "status";
  };
  upload.addEventListener("submit", (event) => {
    event.preventDefault();
    const file = upload.elements.file.files[0];
    const request = new XMLHttpRequest(); // fetch does not tell how much of a body was sent
    request.open("PUT", `/api/videos/${encodeURIComponent(file.name)}`);
    request.responseType = "json";
    request.upload.addEventListener("progress", ({ loaded, total }) => (progress.value = loaded / total));
    request.addEventListener("load", () => {
      if (request.status !== 201) return say(request.response?.detail ?? `the upload failed (${request.status})`, true);
      const { name } = request.response;
      const select = document.querySelector("#pick select[name=video]");
      select.add(new Option(name, name), 1);
      select.value = name;
      say(`${name} is uploaded and ready to be analysed.`);
      select.focus();
    });
    request.addEventListener("error", () => say("the upload was interrupted; upload the recording again", true));
    request.addEventListener("loadend", () => {
      progress.hidden = true;
      button.disabled = false;
    });
    progress.value = 0;
    progress.hidden = false;
    button.disabled = true;
    say("Uploading …");
    request.send(file);
  });
}

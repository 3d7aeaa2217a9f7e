// The intake saves itself as people type. Without this script its Save button does the same.
"use strict";

const form = document.querySelector("form[data-autosave]");
const state = form.querySelector("[data-state]");
const words = form.dataset;
const PAUSE = 1000, RETRY = 5000;
let dirty = false, flight = null, timer = null, savedAt = null, blocked = false;

function tell(text, { bad = false, compare = false } = {}) {
  state.textContent = text;
  state.classList.toggle("bad", bad);
  state.removeAttribute("aria-label");
  if (compare) {
    const button = document.createElement("button");
    button.name = "step";
    button.value = "save";
    button.className = "link";
    button.textContent = words.compare;
    state.append(" ", button);
  }
}

// The age ticks in a part that is not read aloud: only the saving itself is announced.
const age = document.createElement("span");
age.setAttribute("aria-hidden", "true");

function tick() {
  if (savedAt === null) return;
  const seconds = Math.round((Date.now() - savedAt) / 1000);
  age.textContent = seconds < 60 ? ` ${seconds} ${words.ago}` : ` ${Math.floor(seconds / 60)} ${words.minutes}`;
}

function later(pause) {
  clearTimeout(timer);
  timer = setTimeout(save, pause);
}

async function save(options = {}) {
  if (blocked || flight || !dirty) return flight;
  dirty = false;
  clearTimeout(timer);
  flight = send(options);
  const reached = await flight;
  flight = null;
  if (!reached) dirty = true;
  if (dirty && !blocked) later(reached ? PAUSE : RETRY);
  return null;
}

async function send({ keepalive = false }) {
  let response, answer;
  try {
    response = await fetch(form.action, {
      method: "POST", body: new FormData(form), headers: { "X-Autosave": "1" }, keepalive, redirect: "manual",
    });
    if (response.type === "opaqueredirect") {
      savedAt = null;
      tell(words.signedOut, { bad: true });
      return false;
    }
    answer = await response.json();
  } catch {
    savedAt = null;
    tell(words.away, { bad: true });
    return false;
  }
  if (response.ok) {
    form.elements.revision.value = answer.revision;
    for (const [section, text] of Object.entries(answer.words)) {
      const count = form.querySelector(`[data-open="${section}"]`);
      count.textContent = text;
      count.classList.toggle("pass", answer.open[section] === 0);
    }
    savedAt = Date.now();
    tell(words.saved);
    state.append(age);
    tick();
  } else if (response.status === 409) {
    blocked = true;
    savedAt = null;
    tell(words.conflict, { bad: true, compare: true });
  } else {
    savedAt = null;
    tell(`${words.refused} ${answer.message ?? ""}`, { bad: true });
  }
  return true;
}

// "None of these" and the others exclude each other.
form.addEventListener("change", (event) => {
  const box = event.target;
  if (box.type !== "checkbox" || !box.checked) return;
  for (const other of form.querySelectorAll(`input[name="${CSS.escape(box.name)}"]`)) {
    if (other !== box && (box.value === "none" || other.value === "none")) other.checked = false;
  }
});

form.addEventListener("input", () => {
  dirty = true;
  later(PAUSE);
});

// A save under way would make the sent revision an old one: wait for it, then send.
form.addEventListener("submit", (event) => {
  clearTimeout(timer);
  if (!flight) {
    dirty = false;
    return;
  }
  event.preventDefault();
  dirty = false;
  const button = event.submitter;
  flight.then(() => form.requestSubmit(button));
});

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") save({ keepalive: true });
});
window.addEventListener("pagehide", () => save({ keepalive: true }));
setInterval(tick, 1000);
tell(words.idle);

// Progressive enhancement: copying digests, keys, and nothing that a page needs in order to work.
"use strict";

const isTyping = (element) => element.closest("input, textarea, select, [contenteditable]") !== null;

async function copy(element) {
  await navigator.clipboard.writeText(element.dataset.copy);
  element.classList.add("copied");
  setTimeout(() => element.classList.remove("copied"), 1500);
}

function makeCopyable(root) {
  if (!navigator.clipboard) return;
  for (const element of root.querySelectorAll("[data-copy]:not([role])")) {
    element.setAttribute("role", "button");
    element.setAttribute("tabindex", "0");
    element.setAttribute("aria-label", "Copy " + element.dataset.copy);
  }
}

document.addEventListener("click", (event) => {
  const wanted = event.target.closest("[data-copy][role=button]");
  if (wanted) copy(wanted);
  const closing = event.target.closest("[data-close]");
  if (closing) closing.closest("dialog").close();
  const opening = event.target.closest("[data-keys]");
  if (opening) document.getElementById("keys").showModal();
});

const places = { i: "/", m: "/models", u: "/use-cases", d: "/data", p: "/policies", l: "/ledger", a: "/account" };
let went = false;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const button = event.target.closest("[data-copy][role=button]");
  if (button && (event.key === "Enter" || event.key === " ")) {
    event.preventDefault();
    copy(button);
    return;
  }
  if (isTyping(event.target)) return;
  if (went && places[event.key] && document.querySelector(".me")) {
    window.location.assign(places[event.key]);
  } else if (event.key === "?") {
    document.getElementById("keys")?.showModal();
  } else if (event.key === "/") {
    const search = document.querySelector("input[type=search]");
    if (search) {
      event.preventDefault();
      search.focus();
      search.select();
    }
  }
  went = event.key === "g";
});

makeCopyable(document);
document.addEventListener("htmx:afterSettle", (event) => makeCopyable(event.target));
for (const element of document.querySelectorAll("[hidden][data-with-script]")) element.hidden = false;

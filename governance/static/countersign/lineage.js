// Progressive enhancement of the lineage's picture: links that change it do so in place, and typing finds.
"use strict";

const picture = () => document.getElementById("picture");

async function showInPlace(address, keep) {
  const scrolled = document.querySelector(".lg-scroll");
  const [x, y] = scrolled && keep ? [scrolled.scrollLeft, scrolled.scrollTop] : [0, 0];
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) {
    window.location.assign(address);
    return false;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of ["picture", "choices"]) {
    const fresh = page.getElementById(id);
    if (fresh) document.getElementById(id)?.replaceWith(fresh);
  }
  const after = document.querySelector(".lg-scroll");
  if (after && keep) after.scrollTo(x, y);
  if (!keep) scrollToFocus();
  return true;
}

function scrollToFocus() {
  const around = document.querySelector(".lg-scroll");
  const wanted = document.querySelector(".lg-box.found") || document.querySelector(".lg-box.focus");
  if (!around || !wanted) return;
  const box = wanted.getBoundingClientRect();
  const frame = around.getBoundingClientRect();
  around.scrollBy(
    box.left - frame.left - (frame.width - box.width) / 2,
    box.top - frame.top - (frame.height - box.height) / 2,
  );
}

document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-in-place]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  const address = link.getAttribute("href");
  const label = link.getAttribute("aria-label");
  if (await showInPlace(address, true)) {
    window.history.pushState({}, "", address);
    const key = label?.split(" the columns of ").pop();
    const links = [...document.querySelectorAll("#picture a[data-in-place][aria-label]")];
    const again = links.find((other) => key && other.getAttribute("aria-label").split(" the columns of ").pop() === key);
    (again || picture().querySelector(".lg-scroll"))?.focus({ preventScroll: true });
  }
});

window.addEventListener("popstate", () => showInPlace(window.location.href, true));

document.addEventListener("input", (event) => {
  if (!event.target.matches("[data-find]")) return;
  const wanted = event.target.value.trim().toLowerCase();
  let first = null;
  for (const box of document.querySelectorAll(".lg-box")) {
    const hit = wanted !== "" && box.querySelector("title").textContent.toLowerCase().includes(wanted);
    box.classList.toggle("found", hit);
    box.classList.toggle("lost", wanted !== "" && !hit);
    first ??= hit ? box : null;
  }
  if (first) scrollToFocus();
});

scrollToFocus();

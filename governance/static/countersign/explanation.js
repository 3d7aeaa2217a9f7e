// Sliders beside the numbers of a what-if, kept in step with them; without this script the numbers are typed.
"use strict";

function slider(input) {
  const range = document.createElement("input");
  range.type = "range";
  range.min = input.dataset.low;
  range.max = input.dataset.high;
  range.step = input.dataset.step;
  range.setAttribute("aria-labelledby", input.id + "-label");
  const decimals = (input.dataset.step.split(".")[1] || "").length;
  const follow = () => {
    const value = Number(input.value);
    if (input.value.trim() !== "" && Number.isFinite(value)) range.value = String(value);
  };
  range.addEventListener("input", () => {
    input.value = Number(range.value).toFixed(decimals);
  });
  input.addEventListener("input", follow);
  // A reset puts the values back after its event.
  input.form.addEventListener("reset", () => setTimeout(follow, 0));
  follow();
  input.after(range);
}

for (const input of document.querySelectorAll(".ex-form input[data-step]")) slider(input);

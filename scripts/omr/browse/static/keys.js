// Keys for people who do not leave the keyboard, and solutions that are fetched when they are unfolded. Without this file
// every page works: solutions have pages of their own.
"use strict";

const items = () => [...document.querySelectorAll("main .item")];

function step(by) {
  const all = items();
  if (!all.length) return;
  const here = all.findIndex((one) => one.classList.contains("here"));
  const next = here < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(here + by, 0), all.length - 1);
  all.forEach((one) => one.classList.remove("here"));
  all[next].classList.add("here");
  const target = all[next].querySelector("summary, a.open, a");
  if (target) target.focus({ preventScroll: true });
  all[next].scrollIntoView({ block: "nearest" });
}

function unfold() {
  const all = [...document.querySelectorAll("main details")];
  const open = !all.some((one) => one.open);
  all.slice(0, 200).forEach((one) => (one.open = open));
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const keys = {
    "/": () => document.querySelector(".find input").focus(),
    j: () => step(1),
    k: () => step(-1),
    o: unfold,
    n: () => document.querySelector("a.next")?.click(),
  };
  if (keys[event.key]) {
    event.preventDefault();
    keys[event.key]();
  }
});

document.addEventListener(
  "toggle",
  async (event) => {
    const one = event.target;
    const source = one.dataset?.src;
    if (!source || !one.open) return;
    delete one.dataset.src;
    const slot = one.querySelector(".slot");
    slot.textContent = "…";
    try {
      const answer = await fetch(source);
      if (!answer.ok) throw new Error(answer.statusText);
      slot.innerHTML = await answer.text();
    } catch (error) {
      slot.textContent = `cannot be had: ${error.message}`;
      one.dataset.src = source;
    }
  },
  true,
);

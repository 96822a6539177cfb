// The panels beside a form work without this file. With it, a warning is answered without leaving the form:
// what was typed there and is not yet saved stays.
"use strict";

document.documentElement.classList.add("answers-by-fetch");

function answers(panel) {
  return [...panel.querySelectorAll("form")].map((form) => form.elements).filter((fields) => fields.reason);
}

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form.by-fetch");
  if (!form || form.dataset.plain) return;
  event.preventDefault();
  if (form.dataset.sent) return;
  form.dataset.sent = "1";
  const body = new URLSearchParams(new FormData(form, event.submitter));
  let page = null;
  try {
    const response = await fetch(form.action, { method: "POST", body });
    if (response.ok) page = new DOMParser().parseFromString(await response.text(), "text/html");
  } catch { /* The line is down: the browser says so below. */ }
  const fresh = page?.getElementById("checks");
  if (!fresh) { // Signed out, refused, or no answer: as without a script, with the browser's own words.
    form.dataset.plain = "1";
    form.requestSubmit(event.submitter);
    return;
  }
  const said = [...page.querySelectorAll(".messagelist li")].map((line) => line.textContent.trim()).join(" ");
  const panel = document.getElementById("checks");
  const typed = new Map(answers(panel).map((other) => [other.key.value, other.reason.value]));
  typed.delete(form.elements.key.value);
  panel.replaceChildren(...fresh.childNodes);
  for (const other of answers(panel)) { // what was begun for other warnings stays, too
    if (!typed.get(other.key.value)) continue;
    other.reason.value = typed.get(other.key.value);
    other.reason.closest("details").open = true;
  }
  const todo = page.querySelector(".standing .to-do");
  for (const link of document.querySelectorAll(".standing .to-do")) {
    if (todo) link.textContent = todo.textContent; else link.remove();
  }
  panel.focus();
  requestAnimationFrame(() => { panel.querySelector(".said").textContent = said; });
});

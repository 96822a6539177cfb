// The form where a time of release is entered: it begins with the time zone of the browser where nobody has chosen
// one before, and writing a time chooses “At a time”.
"use strict";

for (const part of document.querySelectorAll("[data-guess-zone] .moment-zone select")) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if ([...part.options].some((option) => option.value === zone)) part.value = zone;
}

const later = document.querySelector('input[name="when"][value="later"]');
for (const part of document.querySelectorAll(".release-at :is(.moment-day, .moment-time) input")) {
  part.addEventListener("input", () => {
    if (later && part.value) later.checked = true;
  });
}

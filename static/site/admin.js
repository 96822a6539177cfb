// The admin works without this file. It names the rich-text editors for screen readers, and keeps the editor from
// writing style elements into the page, which the security policy would refuse: it looks for its own first, and
// finds these. (In no namespace of HTML they are no stylesheets; the rules are in admin.css.)
"use strict";

for (const name of ["data-tiptap-style", "data-tiptap-extension-invisible-characters-style"]) {
  const placeholder = document.createElementNS(null, "style");
  placeholder.setAttribute(name, "");
  document.head.append(placeholder);
}

// A pasted table becomes a paragraph a row, its cells kept apart: 2019 and 300 must not become 2019300.
// (richtext.py does the same for what reaches the server.)
function rowsAsParagraphs(html) {
  if (!/<t[dh][\s>]/i.test(html)) return html;
  const pasted = new DOMParser().parseFromString(html, "text/html");
  for (const table of pasted.querySelectorAll("table")) {
    table.replaceWith(...[...table.rows].map((row) => {
      const paragraph = pasted.createElement("p");
      paragraph.textContent = [...row.cells].map((cell) => cell.textContent.trim()).join(" | ");
      return paragraph;
    }));
  }
  return pasted.body.innerHTML;
}

document.addEventListener("prose-editor:ready", ({ detail: { editor, textarea } }) => {
  const attributes = { role: "textbox", "aria-multiline": "true", "aria-labelledby": `${textarea.id}_heading` };
  if (document.getElementById(`${textarea.id}_helptext`)) attributes["aria-describedby"] = `${textarea.id}_helptext`;
  for (const name of ["lang", "dir"]) {
    if (textarea.hasAttribute(name)) attributes[name] = textarea.getAttribute(name);
  }
  editor.setOptions({ editorProps: { attributes, transformPastedHTML: rowsAsParagraphs } });
});

// The stock admin's empty heading cells, and the labels that stand on an element without a role.
window.addEventListener("load", () => {
  for (const heading of document.querySelectorAll(".tabular thead th:empty")) {
    const cell = document.createElement("td");
    cell.className = heading.className;
    heading.replaceWith(cell);
  }
  for (const icon of document.querySelectorAll(".selector-filter [aria-label]")) icon.setAttribute("role", "img");
});

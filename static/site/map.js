// “Zoom this map”: a button under each map that the server drew. What it needs is loaded when a reader presses it.
for (const frame of document.querySelectorAll(".map-frame[data-zoom]")) {
  const words = frame.dataset;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "map-zoom";
  button.textContent = words.zoom;
  frame.append(button);

  let close;
  let is_busy = false;
  button.addEventListener("click", async () => {
    if (is_busy) return;
    if (close) {
      close();
      close = undefined;
      button.textContent = words.zoom;
      return;
    }
    is_busy = true;
    try {
      const { open } = await import(words.script);
      let back;
      [close, back] = await open(frame);
      button.textContent = back;
    } catch {
      button.textContent = words.failed;
    }
    is_busy = false;
  });
}

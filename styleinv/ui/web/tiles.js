// Pictures to press; `trigger` tells which. They are drawn once: their value never changes.
element.querySelectorAll("button").forEach((button, index) => {
    button.addEventListener("click", () => trigger("select", { index }));
});

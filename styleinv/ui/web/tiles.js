// Pictures to press; `trigger` tells which. The page may draw them anew, so their frame listens.
element.addEventListener("click", (event) => {
    const index = [...element.querySelectorAll("button")].indexOf(event.target.closest("button"));
    if (index >= 0) trigger("select", { index });
});

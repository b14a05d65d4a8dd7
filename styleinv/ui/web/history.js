// The clips before; `trigger` tells which is pressed. Its value is made by player.py.
const row = element.querySelector(".history");

const tile = ({ poster, label, current }, index) => {
    const node = make("button", { type: "button" }, make("img", { src: poster, alt: "" }));
    node.setAttribute("aria-label", label);
    node.setAttribute("aria-pressed", current);
    node.addEventListener("click", () => trigger("select", { index }));
    return node;
};

const draw = () => {
    const focused = [...row.querySelectorAll("button")].indexOf(document.activeElement);
    row.replaceChildren();
    if (!props.value) return;
    row.append(make("p", { textContent: props.value.title }), make("div", { className: "tiles" }, ...props.value.clips.map(tile)));
    if (focused >= 0) row.querySelectorAll("button")[focused]?.focus();
};

watch("value", draw);
draw();

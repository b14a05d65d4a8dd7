// A photo whose faces can be chosen. Its value is made by picker.py.
const stage = element.querySelector(".photo");

const choose = (boxes, chosen) => boxes.forEach((box, index) => box.setAttribute("aria-checked", index === chosen));

const button = (face, index, boxes) => {
    const node = make("button", { type: "button", className: "face" }), percent = (part) => `${100 * part}%`;
    node.setAttribute("role", "radio");
    node.setAttribute("aria-label", face.label);
    for (const side of ["left", "top", "width", "height"]) node.style[side] = percent(face[side]);
    node.addEventListener("click", () => {
        choose(boxes, index);
        trigger("select", { index });
    });
    return node;
};

const draw = () => {
    const value = props.value, boxes = [];
    stage.replaceChildren();
    if (!value) return;
    value.faces.forEach((face, index) => boxes.push(button(face, index, boxes)));
    const frame = make("div", { className: "frame" }, make("img", { src: value.image, alt: value.alt }), ...boxes);
    frame.setAttribute("role", "radiogroup");
    frame.setAttribute("aria-label", value.alt);
    stage.append(frame, make("p", { textContent: value.hint, className: "hint" }));
    choose(boxes, value.chosen);
};

watch("value", draw);
draw();

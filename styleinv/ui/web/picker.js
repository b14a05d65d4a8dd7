// A photo whose faces can be chosen. Its value is made by picker.py.
const stage = element.querySelector(".photo");

const choose = (boxes, chosen) => boxes.forEach((box, index) => box.setAttribute("aria-checked", index === chosen));

const button = (face, index, boxes) => {
    const node = document.createElement("button");
    node.type = "button";
    node.className = "face";
    node.setAttribute("role", "radio");
    node.setAttribute("aria-label", face.label);
    const percent = (part) => `${100 * part}%`;
    Object.assign(node.style, {
        left: percent(face.left), top: percent(face.top), width: percent(face.width), height: percent(face.height),
    });
    node.addEventListener("click", () => {
        choose(boxes, index);
        trigger("select", { index });
    });
    return node;
};

const draw = () => {
    const value = props.value;
    stage.replaceChildren();
    if (!value) return;
    const frame = document.createElement("div"), image = document.createElement("img"), hint = document.createElement("p");
    frame.className = "frame";
    frame.setAttribute("role", "radiogroup");
    frame.setAttribute("aria-label", value.alt);
    Object.assign(image, { src: value.image, alt: value.alt });
    Object.assign(hint, { textContent: value.hint, className: "hint" });
    const boxes = [];
    value.faces.forEach((face, index) => boxes.push(button(face, index, boxes)));
    frame.append(image, ...boxes);
    stage.append(frame, hint);
    choose(boxes, value.chosen);
};

watch("value", draw);
draw();

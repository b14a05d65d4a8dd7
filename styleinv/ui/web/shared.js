// What the scripts share.
const make = (tag, properties = {}, ...children) => {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
};
const press = (label, className, action) => {
    const node = make("button", { type: "button", className, textContent: label });
    node.addEventListener("click", () => action(node));
    return node;
};

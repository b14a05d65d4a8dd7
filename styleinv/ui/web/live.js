// A face and its sliders. One wish is drawn at a time, and the last one next; `trigger` tells it. Its value is made by live.py.
const place = element.querySelector(".live");
const LATE = 4000;      // ms after which an answer is no longer waited for
let face, sliders = {}, values = {}, past = [], number = 0, waiting = 0, again = null, asked = 0;

const image = make("img", { draggable: false });
const round = (x, step) => Math.round(x / step) * step;

const send = (what) => {
    if (waiting && performance.now() - asked < LATE) {
        again = what === "draw" && again ? again : what;
        return;
    }
    [waiting, asked, again] = [++number, performance.now(), null];
    trigger("select", { what, controls: { ...values }, number });
};
const show = () => {
    for (const [name, { range, output }] of Object.entries(sliders)) {
        range.value = values[name] ?? 0;
        output.textContent = +(values[name] ?? 0).toFixed(2);
    }
};
const remember = () => { past.push({ ...values }); past = past.slice(-50); };
const set = (wanted) => { values = wanted; show(); send("draw"); };
const change = (name, value) => {
    const { low, high, step } = face.controls.find((control) => control.name === name);
    set({ ...values, [name]: Math.min(high, Math.max(low, round(value, step))) });
};

const slider = ({ name, label, low, high, step }) => {
    const range = make("input", { type: "range", min: low, max: high, step, value: 0, id: `live-${name}` });
    const output = make("output", { textContent: "0" });
    range.addEventListener("pointerdown", remember);
    range.addEventListener("keydown", (event) => { if (event.key.startsWith("Arrow")) remember(); });
    range.addEventListener("input", () => change(name, +range.value));
    sliders[name] = { range, output };
    return make("div", { className: "control" }, make("label", { htmlFor: range.id, textContent: label }), output, range);
};

// Dragging turns the head; below the nose it opens the mouth and makes it smile.
let grip = null;
image.addEventListener("pointerdown", (event) => {
    const box = image.getBoundingClientRect();
    remember();
    grip = { x: event.clientX, y: event.clientY, side: box.width, values: { ...values }, mouth: (event.clientY - box.top) / box.height > 0.64 };
    image.setPointerCapture(event.pointerId);
    event.preventDefault();
});
image.addEventListener("pointermove", (event) => {
    if (!grip) return;
    const [right, down] = [(event.clientX - grip.x) / grip.side, (event.clientY - grip.y) / grip.side];
    const [across, along, wide, high] = grip.mouth ? ["smile", "mouth", 3, 4] : ["turn", "nod", 60, 45];
    values = { ...values, [across]: (grip.values[across] ?? 0) + wide * right };
    const limits = face.controls.find((control) => control.name === across);
    values[across] = Math.min(limits.high, Math.max(limits.low, values[across]));
    change(along, (grip.values[along] ?? 0) + high * down);
});
for (const end of ["pointerup", "pointercancel"]) image.addEventListener(end, () => { grip = null; });

const build = (value) => {
    [face, sliders, values, past, waiting, again] = [value, {}, { ...value.values }, [], 0, null];
    image.alt = value.words.live_alt;
    const undo = () => { if (past.length) set(past.pop()); };
    const presets = make("div", { className: "presets", role: "group" },
        ...value.presets.map(({ label, controls }) => press(label, "", () => { remember(); set({ ...controls }); })));
    presets.setAttribute("aria-label", value.words.live_presets);
    place.replaceChildren(
        make("div", { className: "portrait" }, image, make("p", { textContent: value.words.live_hint })),
        make("div", { className: "wishes" }, presets, ...value.controls.map(slider),
            make("div", { className: "row" },
                press(value.words.live_animate, "main", () => send("animate")),
                press(value.words.live_save, "", () => send("save")),
                press(value.words.live_undo, "", undo),
                press(value.words.live_reset, "", () => { remember(); set({}); }))));
    show();
};

const draw = () => {
    const value = props.value;
    if (!value) { place.replaceChildren(); face = null; return; }
    if (value.controls) build(value);
    image.src = value.image;
    image.dataset.number = value.number;
    if (value.file) make("a", { href: value.file.url, download: value.file.name }).click();
    if (value.number >= waiting) waiting = 0;
    if (again) send(again);
};

watch("value", draw);
draw();

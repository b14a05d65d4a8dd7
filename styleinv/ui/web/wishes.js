// Tells of every change that the visitor makes to the settings, when it is done: a press soon, typing after a pause.
const SOON = 300, PAUSE = 800;     // ms
let timer;
const tell = (event) => {
    const target = event.target, settings = target.closest?.("#settings, #everyone");
    if (!settings || target.closest(".aside") || (event.type === "click" && !target.closest(".dice"))) return;
    clearTimeout(timer);
    timer = setTimeout(() => trigger("input"), target.matches("input[type=number], input[type=range], textarea") ? PAUSE : SOON);
};
for (const type of ["input", "change", "click"]) document.addEventListener(type, tell);

// Arrow keys go through a group and choose, as they do in a group of plain radio buttons.
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
document.addEventListener("keydown", (event) => {
    const one = event.target.closest?.("input[type=radio], [role=radio]"), step = STEPS[event.key];
    const group = one?.closest("fieldset, [role=radiogroup]");
    if (!group || !step) return;
    const all = [...group.querySelectorAll("input[type=radio], [role=radio]")];
    const next = all[(all.indexOf(one) + step + all.length) % all.length];
    event.preventDefault();
    next.focus();
    next.click();
});

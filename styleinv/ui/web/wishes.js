// Tells of every change that the visitor makes to the settings, when it is done: a press soon, typing after a pause.
const SOON = 300, PAUSE = 800;     // ms
let timer;
const tell = (event) => {
    const target = event.target, settings = target.closest?.("#settings");
    if (!settings || target.closest(".aside") || (event.type === "click" && !target.closest(".dice"))) return;
    clearTimeout(timer);
    timer = setTimeout(() => trigger("input"), target.matches("input[type=number], input[type=range], textarea") ? PAUSE : SOON);
};
for (const type of ["input", "change", "click"]) document.addEventListener(type, tell);

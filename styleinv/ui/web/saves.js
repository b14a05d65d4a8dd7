// What to do with the clip that plays: files, share, a link. `trigger` asks for a file. Its value is made by player.py.
const row = element.querySelector(".saves");
let words = {}, shape = "whole", saved = 0, unsaved = false, drawn = "";

const keep = ({ url, name, number }) => {
    if (number <= saved) return;
    [saved, unsaved] = [number, false];
    const anchor = make("a", { href: url, download: name });
    document.body.append(anchor);
    anchor.click();
    anchor.remove();
};
const ask = (kind) => (node) => {
    node.classList.add("asked");
    trigger("select", { kind, shape, number: saved + 1 });
};
const share = async ({ clip, name }) => {
    const blob = await (await fetch(clip)).blob();
    await navigator.share({ files: [new File([blob], name, { type: "video/mp4" })] }).then(() => { unsaved = false; }).catch(() => {});
};
const copy = (value) => async (node) => {
    await navigator.clipboard?.writeText(`${location.origin}${location.pathname}?${value.link}`).catch(() => {});
    node.textContent = words.linked;
    setTimeout(() => { node.textContent = words.link; }, 2000);
};
const sharing = () => navigator.canShare?.({ files: [new File([""], "a.mp4", { type: "video/mp4" })] });

const choice = (shapes) => {
    if (shapes.length < 2) return [];
    const list = make("select", {}, ...shapes.map((one) => make("option", { value: one, textContent: words[`shape_${one}`], selected: one === shape })));
    list.setAttribute("aria-label", words.shape);
    list.addEventListener("change", () => { shape = list.value; });
    return [list];
};

const draw = () => {
    const value = props.value;
    row.classList.toggle("there", Boolean(value));
    if (!value) { drawn = ""; return row.replaceChildren(); }
    words = value.words;
    if (!value.shapes.includes(shape)) shape = "whole";
    if (value.file) keep(value.file);
    row.querySelectorAll(".asked").forEach((node) => node.classList.remove("asked"));
    if (drawn === value.clip) return;
    [drawn, unsaved] = [value.clip, true];
    row.replaceChildren(
        make("span", { className: "label", textContent: words.save }), ...choice(value.shapes),
        ...value.kinds.map((kind) => press(words[`save_${kind}`], `save-${kind}`, ask(kind))),
        ...(sharing() ? [press(words.share, "share", () => share(value))] : []),
        press(words.link, "link", copy(value)),
    );
};

addEventListener("beforeunload", (event) => { if (unsaved && props.value) event.preventDefault(); });
watch("value", draw);
draw();

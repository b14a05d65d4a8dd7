// Files that are too large never reach the components, whose own words for it are no help; `trigger` tells of the first.
const refuse = (event, files) => {
    const large = [...(files ?? [])].find((file) => file.size > props.value);
    if (!large) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    trigger("select", { name: large.name, size: large.size });
    return true;
};

addEventListener("change", (event) => {
    if (event.target.type === "file" && refuse(event, event.target.files)) event.target.value = "";    // it may be chosen again
}, true);
addEventListener("drop", (event) => {
    if (refuse(event, event.dataTransfer?.files)) event.target.dispatchEvent(new DragEvent("dragleave", { bubbles: true }));
}, true);

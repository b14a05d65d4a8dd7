// The face on each mood's button: still, then frames in a row, through which page.css runs. Its value is made by moods.py.
const draw = () => {
    const { still, strips = [] } = props.value ?? {};
    document.querySelectorAll(".set-mood label").forEach((label, index) => {
        const picture = strips[index] ?? still;
        label.style.setProperty("--face", picture ? `url(${picture})` : "none");
        label.dataset.moves = Boolean(strips[index]);
    });
};

watch("value", draw);
draw();

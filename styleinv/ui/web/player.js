// The comparison player: pictures and videos side by side that play as one. Its value is made by player.py.
const stage = element.querySelector(".stage");
let videos = [], words = {}, looping = true, drawn;

const make = (tag, properties = {}, ...children) => {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
};

const media = (pane) => {
    if (pane.kind === "image") return make("img", { src: pane.src, alt: pane.label });
    const video = make("video", { src: pane.src, muted: true, playsInline: true, preload: "auto" });
    video.setAttribute("aria-label", pane.label);
    videos.push(video);
    return video;
};

// The last pane is the result and large; a press makes another one large.
const enlarge = (chosen) => {
    for (const pane of stage.querySelectorAll(".pane")) {
        pane.classList.toggle("main", pane === chosen);
        pane.setAttribute("aria-pressed", pane === chosen);
    }
};

const panel = (pane) => {
    const node = make("button", { className: "pane", type: "button" }, media(pane), make("span", { textContent: pane.label }));
    node.setAttribute("aria-label", words.enlarge.replace("{label}", pane.label));
    node.addEventListener("click", () => enlarge(node));
    return node;
};

const controls = () => {
    const play = make("button", { type: "button", className: "play" });
    const seek = make("input", { type: "range", min: 0, max: 1000, value: 0, step: 1 });
    const loop = make("button", { type: "button", className: "loop", textContent: "⟲" });
    const time = make("span", { className: "time" });
    seek.setAttribute("aria-label", words.seek);
    loop.setAttribute("aria-label", words.loops);
    return { play, seek, loop, time, bar: make("div", { className: "controls" }, play, seek, time, loop) };
};

const all = (action) => videos.forEach(action);
const start = () => Promise.all(videos.map((video) => video.play())).catch(() => {});

// Followers that drift from the first video by more than a frame are set right.
const follow = (lead) => all((video) => {
    if (Math.abs(video.currentTime - lead.currentTime) > 0.06 && !video.seeking) video.currentTime = lead.currentTime;
});

const drive = (lead, { play, seek, loop, time }) => {
    const show = () => {
        const paused = lead.paused;
        play.textContent = paused ? "▶" : "❚❚";
        play.setAttribute("aria-label", paused ? words.play : words.pause);
        loop.setAttribute("aria-pressed", looping);
    };
    const tick = () => {
        if (!lead.isConnected) return;
        if (!lead.paused) follow(lead);
        if (lead.duration && document.activeElement !== seek) seek.value = (1000 * lead.currentTime) / lead.duration;
        time.textContent = `${lead.currentTime.toFixed(1)} / ${(lead.duration || 0).toFixed(1)} s`;
        requestAnimationFrame(tick);
    };
    play.addEventListener("click", () => (lead.paused ? start() : all((video) => video.pause())));
    loop.addEventListener("click", () => { looping = !looping; show(); });
    seek.addEventListener("input", () => all((video) => (video.currentTime = (seek.value / 1000) * lead.duration)));
    lead.addEventListener("ended", () => {
        if (!looping) return;
        all((video) => (video.currentTime = 0));
        start();
    });
    for (const event of ["play", "pause", "ended"]) lead.addEventListener(event, show);
    show();
    requestAnimationFrame(tick);
    start();
};

const draw = () => {
    const value = props.value || {};
    if (drawn === JSON.stringify(value) && stage.childNodes.length) return;     // a new value may be the same: play on
    drawn = JSON.stringify(value);
    videos = [];
    words = value.words || {};
    stage.replaceChildren();
    stage.classList.toggle("filled", Boolean(value.panes));
    if (!value.panes) return stage.append(make("p", { className: "empty", textContent: value.empty || "" }));
    const panes = value.panes.map(panel);
    stage.append(make("div", { className: "panes" }, ...panes));
    enlarge(panes.at(-1));
    if (!videos.length) return;
    const bar = controls();
    stage.append(bar.bar);
    drive(videos.at(-1), bar);
};

watch("value", draw);
draw();

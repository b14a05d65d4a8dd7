// The player: the clip of the first sight, a face, frames while they are drawn, or a clip. Its value is made by player.py.
const stage = element.querySelector(".stage");
let looping = true, drawn = "", frames = [], number = -1, begun = false, timer;

// As large as there is room, whatever its shape, so that its corners are round.
const fit = (node, event, wide, high) => {
    const set = () => { if (node[wide]) node.style.width = `min(100%, calc(var(--high) * ${node[wide] / node[high]}))`; };
    node.addEventListener(event, set);
    return node;
};
const picture = (properties) => fit(make("img", properties), "load", "naturalWidth", "naturalHeight");
const film = (src, alt, more = {}) => {
    const video = make("video", { muted: true, autoplay: true, playsInline: true, preload: "auto", ...more });
    fit(video, "loadedmetadata", "videoWidth", "videoHeight").src = src;
    video.setAttribute("aria-label", alt);
    return video;
};
const still = matchMedia("(prefers-reduced-motion: reduce)");

const hero = (value) => {
    const video = value.hero && film(value.hero, value.alt, { loop: true, autoplay: !still.matches, controls: still.matches });
    stage.replaceChildren(video || make("p", { className: "empty", textContent: value.empty }));
    video?.play?.().catch(() => {});
};

// A sharper picture comes over the one before.
const face = (value) => {
    const before = stage.querySelector("img.face-still");
    const image = picture({ alt: value.alt, className: "face-still" });
    image.src = value.still;
    image.classList.toggle("rough", value.rough);
    if (!before) return stage.replaceChildren(make("div", { className: "sharpening" }, image));
    before.parentElement.append(image);
    image.animate([{ opacity: 0 }, { opacity: 1 }], { duration: still.matches ? 0 : 900 }).finished.then(() => before.remove(), () => {});
};

// Frames that are there run forth and back while the others are drawn; what was there before stays until the first shows.
const reel = (value) => {
    if (value.number !== number) [frames, number, begun] = [[], value.number, false];
    frames.splice(value.start, Infinity, ...value.reel);
    if (frames.length < 2 || begun) return;
    begun = true;
    const image = picture({ className: "reel", alt: value.alt, src: frames[0] });
    image.decode().then(() => { if (!drawn && number === value.number) run(image); }, () => {});
};
const run = (image) => {
    let place = 0, step = 1;
    clearInterval(timer);
    stage.replaceChildren(image);
    timer = setInterval(() => {
        if (!image.isConnected) return clearInterval(timer);
        if (place + step < 0 || place + step >= frames.length) step = -step;
        place = Math.max(0, Math.min(frames.length - 1, place + step));
        image.src = frames[place];
    }, 80);
};

const controls = (words) => {
    const play = make("button", { type: "button", className: "play" });
    const seek = make("input", { type: "range", min: 0, max: 1000, value: 0, step: 1 });
    const loop = make("button", { type: "button", className: "loop", textContent: "⟲" });
    const time = make("span", { className: "time" });
    seek.setAttribute("aria-label", words.seek);
    loop.setAttribute("aria-label", words.loops);
    return { play, seek, loop, time, bar: make("div", { className: "controls" }, play, seek, time, loop) };
};

const drive = (video, words, { play, seek, loop, time }) => {
    const start = () => video.play().catch(() => {});
    const show = () => {
        play.textContent = video.paused ? "▶" : "❚❚";
        play.setAttribute("aria-label", video.paused ? words.play : words.pause);
        loop.setAttribute("aria-pressed", looping);
        video.loop = looping;
    };
    const tick = () => {
        if (!video.isConnected) return;
        if (video.duration && document.activeElement !== seek) seek.value = (1000 * video.currentTime) / video.duration;
        time.textContent = `${video.currentTime.toFixed(1)} / ${(video.duration || 0).toFixed(1)} s`;
        requestAnimationFrame(tick);
    };
    const turn = () => (video.paused ? start() : video.pause());
    play.addEventListener("click", turn);
    video.addEventListener("click", turn);
    loop.addEventListener("click", () => { looping = !looping; show(); });
    seek.addEventListener("input", () => { video.currentTime = (seek.value / 1000) * video.duration; });
    for (const event of ["play", "pause", "ended"]) video.addEventListener(event, show);
    show();
    requestAnimationFrame(tick);
    start();
};

const clip = (value) => {
    const video = film(value.clip, value.alt, { poster: value.poster }), bar = controls(value.words);
    stage.replaceChildren(video, bar.bar);
    drive(video, value.words, bar);
};

const draw = () => {
    const value = props.value || {};
    if (value.reel) { drawn = ""; return reel(value); }
    if (drawn === JSON.stringify(value) && stage.childNodes.length) return;     // a new value may be the same: play on
    drawn = JSON.stringify(value);
    stage.dataset.shows = value.clip ? "clip" : value.still ? "face" : "hero";
    (value.clip ? clip : value.still ? face : hero)(value);
};

watch("value", draw);
draw();

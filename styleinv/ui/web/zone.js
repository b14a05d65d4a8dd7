// The way in. Drops and pastes count anywhere on the page; `trigger` tells what was brought. Its value is made by zone.py.
const zone = element.querySelector(".zone");
let words = {}, most = 1, busy = false, drawn = false;

const rest = (wrong = "") => {
    busy = false;
    zone.classList.remove("busy", "over");
    const line = zone.querySelector(".wrong");
    if (line) line.textContent = wrong;
};
const wait = () => {
    busy = true;
    zone.classList.add("busy");
    zone.querySelector(".wrong").textContent = "";
    scrollTo({ top: 0, behavior: "smooth" });
};
const bring = async (files) => {
    if (busy || !files.length) return;
    zone.hidden = zone.hidden && files.length <= most;
    if (files.length > most) return rest(words.too_many_photos);
    wait();
    try {
        const paths = [];
        for (const file of files) paths.push((await upload(file)).path);
        trigger("select", { what: "photos", paths });
    } catch {
        rest(words.upload_failed);
    }
};
const call = (event) => {
    if (busy) return;
    wait();
    trigger("select", event);
};

const file = make("input", { type: "file", accept: "image/*,.heic,.heif,.avif", multiple: true, hidden: true });
file.addEventListener("change", () => { bring([...file.files]); file.value = ""; });

// The camera, mirrored as people know themselves; the picture that is taken is not.
const camera = async () => {
    let stream;
    try {
        stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user", width: 1920, height: 1080 } });
    } catch {
        return rest(words.no_camera);
    }
    const video = make("video", { srcObject: stream, autoplay: true, muted: true, playsInline: true });
    const dialog = make("dialog", { className: "camera" }, video);
    dialog.setAttribute("aria-label", words.camera_title);
    const take = () => {
        const canvas = make("canvas", { width: video.videoWidth, height: video.videoHeight });
        canvas.getContext("2d").drawImage(video, 0, 0);
        canvas.toBlob((blob) => { dialog.close(); bring([new File([blob], "camera.jpg", { type: "image/jpeg" })]); }, "image/jpeg", 0.95);
    };
    dialog.append(make("div", { className: "row" }, press(words.take, "main", take), press(words.close, "plain", () => dialog.close())));
    dialog.addEventListener("close", () => { stream.getTracks().forEach((track) => track.stop()); dialog.remove(); });
    zone.append(dialog);
    dialog.showModal();
};

const person = ({ image, label }, index) => {
    const node = press("", "person", () => call({ what: "example", index }));
    node.setAttribute("aria-label", label);
    node.append(make("img", { src: image, alt: "" }));
    return node;
};

// The focus goes on to what comes next.
const goOn = ({ open, wrong }) => {
    const next = open || wrong ? zone.querySelector(".choose") : document.querySelector("#animate");
    next?.focus({ preventScroll: true });
};

const draw = () => {
    const value = props.value;
    if (!value) return;
    ({ words, most } = value);
    const inside = zone.contains(document.activeElement) || document.activeElement === document.body;
    element.closest("#desk").classList.toggle("has-photo", !value.open);
    zone.hidden = !value.open;
    zone.replaceChildren(
        make("div", { className: "drop" },
            make("p", { className: "title", textContent: words.drop_title }),
            make("p", { className: "hint", textContent: words.drop_hint }),
            make("div", { className: "row" }, press(words.choose, "main choose", () => file.click()), press(words.camera, "plain", camera)),
            make("p", { className: "wrong", role: "alert" }),
            make("p", { className: "reading", textContent: words.drop_busy }), file),
        make("p", { className: "or", textContent: words.examples }),
        make("div", { className: "examples" }, ...value.people.map(person), press(words.surprise, "plain surprise", () => call({ what: "surprise" }))),
    );
    zone.querySelector(".wrong").setAttribute("role", "alert");
    rest(value.wrong);
    if (value.wrong && !value.open) zone.hidden = false;
    if (inside && value.number && drawn) setTimeout(() => goOn(value), 100);
    drawn = true;
};

const typing = (node) => node?.closest?.("input:not([type=file]):not([type=range]):not([type=radio]):not([type=checkbox]), textarea");
const elsewhere = (node) => node?.closest?.("[role=tabpanel]") && !node.closest("#photo-tab");
const away = () => !element.isConnected || !element.offsetParent && !document.querySelector("#photo-tab")?.offsetParent;

addEventListener("paste", (event) => {
    const pasted = [...(event.clipboardData?.files ?? [])].filter((one) => one.type.startsWith("image/"));
    if (!pasted.length || away() || typing(event.target)) return;
    event.preventDefault();
    bring(pasted);
});
addEventListener("dragover", (event) => {
    if (away() || elsewhere(event.target)) return;
    event.preventDefault();
    zone.classList.add("over");
});
addEventListener("dragleave", (event) => { if (!event.relatedTarget) zone.classList.remove("over"); });
addEventListener("drop", (event) => {
    zone.classList.remove("over");
    if (event.defaultPrevented || away() || elsewhere(event.target)) return;
    event.preventDefault();
    bring([...event.dataTransfer.files]);
});
document.addEventListener("bring-another", () => file.click());

watch("value", draw);
draw();

// What is going on, told aloud: new words at once, the time left only now and then. Its value is made by player.py.
const line = element.querySelector(".status");
const words = make("p", { className: "words" }), done = make("div", { className: "done" });
const bar = make("div", { className: "bar" }, done), aloud = make("p", { className: "aloud" });
aloud.setAttribute("role", "status");
line.append(words, bar, aloud);
words.setAttribute("aria-hidden", "true");
const EVERY = 8000;     // ms between two words on the same work
let kind, told = 0;

const draw = () => {
    const value = props.value ?? { words: "", kind: "", part: 0 };
    line.dataset.kind = value.kind;
    words.textContent = value.words;
    bar.hidden = value.kind !== "work";
    done.style.width = `${100 * value.part}%`;
    if (value.kind === kind && value.kind === "work" && Date.now() - told < EVERY) return;
    if (aloud.textContent !== value.words) aloud.textContent = value.words;
    [kind, told] = [value.kind, Date.now()];
};

watch("value", draw);
draw();

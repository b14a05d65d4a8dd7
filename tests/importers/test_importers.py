"""Foreign checkpoints, built here in their own layout, give the images that a plain reading of that layout gives."""

import base64
import os
import pickle
import sys
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch
import torch.nn.functional as F

from styleinv.__main__ import main
from styleinv.errors import InputError
from styleinv.importers.stylegan2 import nvidia, rosinality, stylegan2
from styleinv.importers.unpickle import Record, read_pickle
from styleinv.models.resample import conv_up, upsample
from styleinv.models.stylegan2 import StyleGAN2

# By OmegaConf 2.1.2, struct flag set: {"sampling": {"dists": [16, 32], "type": None}, "z_dim": 512, "same": "${z_dim}"}
SETTINGS = zlib.decompress(base64.b85decode(
    "c-mc(*;CX&5XQr~OF#}4LGVBU4IX&wdV`>%3oFJeFV<Eznca?NlkH?e)oM+ZK3KK<*Y->j$@-K|Pxr6C`Feg0IboZ%Y$ptw>#pZ;8F(#yo5HO$L~ZR"
    "i4hS4HtT9c~>TSkt*XA}BTN`%FbZX$X7qDnAE75V7dPf9~8djNlBi5|*ZiivXp^q1|^v$5FW7!&~!?5v<IXpcdtEu|1!@V%Debjr_5dD8=T^z4jBNR"
    "4$yA|Vvz+=`Z{l+{>9FCK{*wXXUdK88nrw*-2H98Lc0~XaC+X05tjuZMm%_DxSyR2y^K9~2`amHyRp3gm*SBc|)@Pvscl_FA*Dx8I~H9-mHvo;Gd*{"
    "7hKG^~<zsbfc!#<}z&bux*||9OF@Q!iq>-SNo+TmWhCqQEl-41qN4tiW>yl%Nb_HPCx74hujxJr7fdFby+6f|g9Y0HgubNSK2GAoN8;dE<I9k8!!M9"
    "-lJVW_KyfH@iZ^Rs~+l2VWLwWP^`Pki9ytr9zgakShftS53SIvq#llK*iVp$y$W@uefd$qy(YMV!8Jk1v=iKu{Q<YA_@OLr=wSNn~LrTyxV6=Rg+ro"
    "6|~$p@qwDUY7I-%59sAos?(H`QyvO@Brhsqj|D#IhYd*B(*o?7iO*9QRH{o!gVAOsRV{i$5jO?C$cbA5xBGXtA&D;w#8)Q1&P=J)l14&6xvd{{*K6a"
    "BBEAv$HYZjE?)DRRByq1mteN;O+kRzF8_X2a%VM~%c<%+8Iq!qOkNv!T$@^5`eKzq+&Qp(c<)>07&{BHW{{rQ^O0E"
))
WIDTHS, DIM = {4: 8, 8: 8, 16: 4}, 8
Tensors = dict[str, torch.Tensor]


def nvidia_state() -> Tensors:
    """A Generator of 16 px by NVIDIA's names."""
    torch.manual_seed(0)
    state = {f"mapping.fc{i}.{kind}": torch.randn(*shape) * 100 for i in range(2) for kind, shape in
             (("weight", (DIM, DIM)), ("bias", (DIM,)))} | {"mapping.w_avg": torch.randn(DIM)}
    state["synthesis.b4.const"] = torch.randn(8, 4, 4)
    for r, width in WIDTHS.items():
        before = WIDTHS.get(r // 2, width)
        state[f"synthesis.b{r}.resample_filter"] = torch.ones(4, 4)
        for name, (a, b, k) in {"conv0": (before, width, 3), "conv1": (width, width, 3),
                                "torgb": (width, 3, 1)}.items():
            if r == 4 and name == "conv0":
                continue
            layer = f"synthesis.b{r}.{name}"
            state |= {f"{layer}.weight": torch.randn(b, a, k, k), f"{layer}.bias": torch.randn(b),
                      f"{layer}.affine.weight": torch.randn(a, DIM), f"{layer}.affine.bias": torch.randn(a)}
            if name != "torgb":
                state |= {f"{layer}.noise_const": torch.randn(r, r), f"{layer}.noise_strength": torch.tensor(0.3),
                          f"{layer}.resample_filter": torch.ones(4, 4)}
    return state


def nvidia_image(state: Tensors, z: torch.Tensor) -> torch.Tensor:
    """z [1, DIM] -> [1, 3, 16, 16], by the book: weights made for the sample, one layer after the other."""
    w = z / z.square().mean().sqrt()
    for i in range(2):
        w = F.leaky_relu(w @ state[f"mapping.fc{i}.weight"].T * (0.01 / DIM**0.5)
                         + state[f"mapping.fc{i}.bias"] * 0.01, 0.2) * 2**0.5

    def layer(x: torch.Tensor, name: str) -> torch.Tensor:
        style = (w @ state[f"{name}.affine.weight"].T / DIM**0.5 + state[f"{name}.affine.bias"])[0]
        weight, bias = state[f"{name}.weight"], state[f"{name}.bias"][:, None, None]
        if name.endswith("torgb"):
            return F.conv2d(x, weight * style[:, None, None] / weight.shape[1]**0.5) + bias
        weight = weight * style[:, None, None]
        weight = weight / weight.square().sum(dim=(1, 2, 3), keepdim=True).sqrt()
        x = conv_up(x, weight) if name.endswith("conv0") else F.conv2d(x, weight, padding=1)
        x = x + state[f"{name}.noise_const"] * state[f"{name}.noise_strength"] + bias
        return F.leaky_relu(x, 0.2) * 2**0.5

    x = layer(state["synthesis.b4.const"][None], "synthesis.b4.conv1")
    image = layer(x, "synthesis.b4.torgb")
    for r in (8, 16):
        x = layer(layer(x, f"synthesis.b{r}.conv0"), f"synthesis.b{r}.conv1")
        image = upsample(image) + layer(x, f"synthesis.b{r}.torgb")
    return image


def rosinality_state() -> Tensors:
    """The same generator by rosinality's names."""
    state, renamed = nvidia_state(), {}
    for i in range(2):
        renamed |= {f"style.{i + 1}.{kind}": state[f"mapping.fc{i}.{kind}"] for kind in ("weight", "bias")}
    renamed["input.input"] = state["synthesis.b4.const"][None]
    for i, r in enumerate(WIDTHS):
        convs = {"conv1": "conv1" if r == 4 else f"convs.{2 * i - 1}"} | (
            {} if r == 4 else {"conv0": f"convs.{2 * i - 2}"})
        for theirs, ours in convs.items():
            layer = f"synthesis.b{r}.{theirs}"
            renamed |= {
                f"{ours}.conv.weight": state[f"{layer}.weight"][None], f"{ours}.activate.bias": state[f"{layer}.bias"],
                f"{ours}.noise.weight": state[f"{layer}.noise_strength"][None],
                f"noises.noise_{2 * i - (theirs == 'conv0')}": state[f"{layer}.noise_const"][None, None]}
            renamed |= {f"{ours}.conv.modulation.{kind}": state[f"{layer}.affine.{kind}"]
                        for kind in ("weight", "bias")}
        rgb, layer = "to_rgb1" if r == 4 else f"to_rgbs.{i - 1}", f"synthesis.b{r}.torgb"
        renamed |= {f"{rgb}.conv.weight": state[f"{layer}.weight"][None],
                    f"{rgb}.bias": state[f"{layer}.bias"].view(1, 3, 1, 1)}
        renamed |= {f"{rgb}.conv.modulation.{kind}": state[f"{layer}.affine.{kind}"] for kind in ("weight", "bias")}
    return renamed


@pytest.fixture
def nvidia_pickle(monkeypatch) -> Callable[[Tensors], bytes]:
    """Pickles a network as NVIDIA's `persistence` does: the class's source, and the object's attributes."""
    module = ModuleType("torch_utils.persistence")
    exec("def _reconstruct_persistent_obj(meta): raise AssertionError('code of the file was run')", module.__dict__)
    module._reconstruct_persistent_obj.__module__ = module.__name__
    monkeypatch.setitem(sys.modules, "torch_utils", ModuleType("torch_utils"))
    monkeypatch.setitem(sys.modules, module.__name__, module)

    class Persistent:
        def __init__(self, state: Tensors):
            names = {name.partition(".")[0] for name in state if "." in name}
            children = OrderedDict(
                (name, Persistent({key.removeprefix(name + "."): value for key, value in state.items()
                                   if key.startswith(name + ".")})) for name in sorted(names))
            own = {name: value for name, value in state.items() if "." not in name}
            buffers = {name for name in own if name in ("w_avg", "noise_const", "resample_filter", "freqs")}
            self.state = {"_parameters": OrderedDict((n, torch.nn.Parameter(own[n])) for n in own if n not in buffers),
                          "_buffers": OrderedDict((n, own[n]) for n in own if n in buffers), "_modules": children,
                          "training": False}

        def __reduce__(self):
            meta = {"type": "class", "version": 6, "module_src": "import os", "class_name": "Generator",
                    "state": self.state}
            return module._reconstruct_persistent_obj, (meta,)

    def dump(**networks: Tensors) -> bytes:
        return pickle.dumps({name: Persistent(state) for name, state in networks.items()}, protocol=3)

    return dump


def close(network: StyleGAN2, state: Tensors) -> bool:
    z = torch.randn(1, DIM)
    with torch.no_grad():
        return torch.allclose(network(network.mapping(z)), nvidia_image(state, z), atol=1e-3)


def test_nvidia_generator_draws_the_same_image(nvidia_pickle, tmp_path):
    state = nvidia_state()
    (tmp_path / "g.pkl").write_bytes(nvidia_pickle(G_ema=state))
    network = stylegan2(tmp_path / "g.pkl")["decoder"]
    assert close(network, state) and network.config.size == 16 and torch.equal(network.w_avg, state["mapping.w_avg"])


def test_the_settings_in_a_snapshot_of_the_release_are_read_past(nvidia_pickle, tmp_path):
    state = nvidia_state()
    settings = b"(" + pickle.dumps("training_set_kwargs", protocol=3)[2:-1] + SETTINGS[2:-1] + b"u."
    (tmp_path / "si.pkl").write_bytes(nvidia_pickle(G_ema=state)[:-1] + settings)
    record = read_pickle(tmp_path / "si.pkl")["training_set_kwargs"]
    assert isinstance(record, Record) and record.state["_metadata"].state["flags"] == {"struct": True}
    assert close(stylegan2(tmp_path / "si.pkl")["decoder"], state)


def test_a_generator_that_wants_a_class_is_refused(nvidia_pickle, tmp_path):
    (tmp_path / "g.pkl").write_bytes(
        nvidia_pickle(G_ema=nvidia_state() | {"mapping.embed.weight": torch.ones(DIM, 10)}))
    with pytest.raises(InputError, match="class"):
        stylegan2(tmp_path / "g.pkl")


def test_whole_numbers_and_odd_sizes_are_no_weights(nvidia_pickle, tmp_path):
    state, path = nvidia_state(), tmp_path / "g.pkl"
    whole = {"synthesis.b4.conv1.noise_const": torch.ones(4, 4, dtype=torch.int32)}
    odd = {name.replace("b16", "b12"): value for name, value in state.items()}
    for wrong in (state | whole, odd, {"mapping": torch.ones(1)}):
        path.write_bytes(nvidia_pickle(G_ema=wrong))
        with pytest.raises(InputError, match="g.pkl is no network"):
            stylegan2(path)


def test_a_network_without_noise_inputs(nvidia_pickle):
    state = {name: value for name, value in nvidia_state().items() if "noise" not in name}
    assert not nvidia(state).config.noise


def test_rosinality_generator_draws_the_same_image(tmp_path):
    torch.save({"g_ema": rosinality_state(), "latent_avg": torch.ones(1, DIM)}, tmp_path / "g.pt")
    network = rosinality(tmp_path / "g.pt")
    assert close(network, nvidia_state()) and torch.equal(network.w_avg, torch.ones(DIM))
    torch.save({"g": rosinality_state()}, tmp_path / "g.pt")
    assert rosinality(tmp_path / "g.pt").w_avg.any()


class Hostile:
    def __reduce__(self):
        return os.system, ("touch hostile",)


@pytest.mark.parametrize("kind, write", [("stylegan2", lambda data, file: pickle.dump(data, file)),
                                         ("rosinality", lambda data, file: torch.save(data, file))])
def test_a_hostile_file_is_refused_in_one_sentence_and_runs_nothing(kind, write, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with open("bad.pkl", "wb") as file:
        write({"G_ema": Hostile(), "g_ema": Hostile()}, file)
    assert main(["convert", kind, "bad.pkl", "out"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and error.startswith("styleinv: bad.pkl") and not Path("hostile").exists()
    assert not Path("out").exists()


@pytest.mark.parametrize("content", [b"", b"not a pickle", pickle.dumps({"G_ema": None}), pickle.dumps([1])])
def test_other_files_end_in_one_sentence(content, tmp_path, capsys):
    (tmp_path / "x.pkl").write_bytes(content)
    for kind in ("stylegan2", "rosinality"):
        assert main(["convert", kind, str(tmp_path / "x.pkl"), str(tmp_path / "out")]) == 2
        assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("content", [
    {"g_ema": 3}, {"g_ema": None}, {"g_ema": {"style.1.weight": 3}}, {"g": [torch.ones(1)]}, [1], 3,
    {"g_ema": {3: torch.ones(1)}},
    {"g_ema": rosinality_state(), "latent_avg": "x"}, {"g_ema": rosinality_state(), "latent_avg": torch.ones(3)},
    {"g_ema": {name: value.int() for name, value in rosinality_state().items()}},
    {"g_ema": {name: value[0] if value.ndim else value for name, value in rosinality_state().items()}},
])
def test_odd_checkpoints_of_rosinality_end_in_one_sentence(content, tmp_path, capsys):
    torch.save(content, tmp_path / "g.pt")
    assert main(["convert", "rosinality", str(tmp_path / "g.pt"), str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 1 and not (tmp_path / "out").exists()


@pytest.mark.parametrize("graph", [
    "", "<net/>", "<net><layers/></net>", "<net><layers><layer type='Const'/></layers></net>",
])
def test_an_odd_wheel_ends_in_one_sentence(graph, tmp_path, capsys):
    with zipfile.ZipFile(tmp_path / "x.whl", "w") as archive:
        for name in ("MappingNetwork", "SynthesisNetwork"):
            archive.writestr(f"random_face/data/{name}.xml", graph)
            archive.writestr(f"random_face/data/{name}.bin", b"")
    assert main(["convert", "random-face", str(tmp_path / "x.whl"), str(tmp_path / "out")]) == 2
    assert "is not the random-face wheel" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_a_target_that_is_a_file_is_refused(nvidia_pickle, tmp_path, capsys):
    (tmp_path / "g.pkl").write_bytes(nvidia_pickle(G=nvidia_state()))
    (tmp_path / "file").write_text("kept")
    for target in ("file", "file/below"):
        assert main(["convert", "stylegan2", str(tmp_path / "g.pkl"), str(tmp_path / target)]) == 2
        assert "cannot be made" in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "kept"


def test_the_command_writes_a_decoder_that_loads(nvidia_pickle, tmp_path):
    (tmp_path / "g.pkl").write_bytes(nvidia_pickle(G=nvidia_state()))
    assert main(["convert", "stylegan2", str(tmp_path / "g.pkl"), str(tmp_path / "decoder")]) == 0
    assert close(StyleGAN2.from_pretrained(tmp_path / "decoder"), nvidia_state())

"""What most stages share: their state is that of their parts."""


class Parts:
    """Saves and restores the networks, optimisers and whatever else it names."""

    parts: tuple[str, ...] = ()     # attributes with a state_dict

    def state_dict(self) -> dict:
        return {name: getattr(self, name).state_dict() for name in self.parts}

    def load_state_dict(self, state: dict) -> None:
        for name in self.parts:
            getattr(self, name).load_state_dict(state[name])

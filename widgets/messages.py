"""The messages pane: faces of the same traffic, one shown at a time."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive

from engine.views import LogView, NetworkView, SequenceView
from widgets.log import LogPane
from widgets.network import NetworkPane
from widgets.pane import Pane
from widgets.sequence import SequencePane
from widgets.text import count

FACES = ("network", "sequence", "log")


class MessagesPane(Pane):
    """The network drawing, the sequence diagram and the log. Key: v turns to the next, a click on its name as well.

    The messages of `NetworkPane`, `SequencePane` and `LogPane` come from their widgets, and bubble through.
    """

    PANE_TITLE: ClassVar[str] = "Messages"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "next_face", "Face", show=False, id="messages.face", tooltip="Network, sequence or log"),
    ]

    class FaceChanged(Message):
        """Another face is shown: `face`."""

        def __init__(self, face: str) -> None:
            super().__init__()
            self.face = face

    face: reactive[str] = reactive(FACES[0], repaint=False, init=False)
    """The face shown: network, sequence or log."""

    def __init__(
        self, *, number: int | None = 2, name: str | None = None, id: str | None = None, classes: str | None = None
    ) -> None:
        self.network = NetworkPane()
        self.sequence = SequencePane()
        self.sequence.display = False
        self.log_face = LogPane()
        self.log_face.display = False
        self._network_later: NetworkView | None = None
        self._sequence_later: SequenceView | None = None
        self._log_later: LogView | None = None
        bodies = (self.network, self.sequence, self.log_face)
        super().__init__(*bodies, number=number, faces=FACES, name=name, id=id, classes=classes)

    def show_network(self, view: NetworkView) -> None:
        """Draw the network, at once or when its face is turned to."""
        if self.face == "network":
            self.network.show(view)
        else:
            self._network_later = view

    def show_sequence(self, view: SequenceView) -> None:
        """Draw the sequence diagram, at once or when its face is turned to."""
        if self.face == "sequence":
            self.sequence.show(view)
            self._tell_found()
        else:
            self._sequence_later = view

    def show_log(self, view: LogView) -> None:
        """Draw the log, at once or when its face is turned to."""
        if self.face == "log":
            self.log_face.show(view)
            self._tell_found()
        else:
            self._log_later = view

    def set_filter(self, text: str) -> None:
        """Show only log lines that have this text."""
        self.log_face.set_filter(text)
        self._tell_found()

    def _tell_found(self) -> None:
        if self.face == "sequence":
            self.corner = self.sequence.corner
            return
        words = self.log_face.filter
        self.corner = f"/{words}  {count(self.log_face.counts[0])} found" if words and self.face == "log" else ""

    def on_sequence_pane_lanes_changed(self, event: SequencePane.LanesChanged) -> None:
        """Say how many agents have a lane."""
        event.stop()
        self._tell_found()

    def validate_face(self, face: str) -> str:
        """Only faces that exist."""
        return face if face in FACES else FACES[0]

    def watch_face(self, face: str) -> None:
        """Show one face, and hide the others; the focus goes with it."""
        focused = self.has_focus_within
        self.network.display = face == "network"
        self.sequence.display = face == "sequence"
        self.log_face.display = face == "log"
        if face == "network" and self._network_later is not None:
            self.network.show(self._network_later)
            self._network_later = None
        elif face == "sequence" and self._sequence_later is not None:
            self.sequence.show(self._sequence_later)
            self._sequence_later = None
        elif face == "log" and self._log_later is not None:
            self.log_face.show(self._log_later)
            self._log_later = None
        self._tell_found()
        self.mark_face(face)
        if focused:
            self.focus()
        self.post_message(self.FaceChanged(face))

    def action_next_face(self) -> None:
        """Turn to the next face."""
        self.face = FACES[(FACES.index(self.face) + 1) % len(FACES)]

    def on_pane_face_chosen(self, event: Pane.FaceChosen) -> None:
        """A face's name in the title was clicked."""
        event.stop()
        self.face = event.face

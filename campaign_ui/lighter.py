"""What NiceGUI keeps of each element of each open tab, in less memory (measured by tracemalloc on 3.18).

The classes, the style and the props of an element are observed collections, each with a dict and four small objects
that are alike in all of them; and every element is registered as something that can be bound, which hardly any is.
"""

import inspect
import sys
import weakref
from collections.abc import Callable
from typing import Any

from nicegui import binding, element, helpers
from nicegui.classes import Classes as _Classes
from nicegui.observables import ObservableCollection
from nicegui.props import Props as _Props
from nicegui.style import Style as _Style

_OBSERVED = {"_parent_ref", "last_modified", "_change_handlers", "_observer_refs", "_element", "_suspend_count"}
_OF_PROPS = {"_warnings", "_renames"}
_bind_one_way: Callable[..., None] = binding._bind_one_way
_propagate: Callable[[Any, tuple[str, ...]], None] = binding._propagate


def setup() -> None:
    """Before the first page is built. A NiceGUI that keeps something else than is known here is left alone."""
    if is_known():
        for kind in (Classes, Style, Props):
            setattr(element, kind.__name__, kind)
    if not isinstance(binding.bindable_properties, Bound):
        for name, ours in (
            ("bindable_properties", Bound()),
            ("_bind_one_way", bind_one_way),
            ("_propagate", propagate),
        ):
            setattr(binding, name, ours)


def is_known() -> bool:
    class Owner: ...

    owner: Any = Owner()
    kept = [set(vars(kind(element=owner))) for kind in (_Classes, _Style, _Props)]
    return kept == [_OBSERVED, _OBSERVED, _OBSERVED | _OF_PROPS]


class _Observed(ObservableCollection):
    """Attributes that all have alike are of the class; one that differs is written to the object as ever."""

    __slots__ = ()
    _parent_ref = None
    _observer_refs = []  # noqa: RUF012  replaced, never changed
    _told: tuple[tuple[Callable[..., Any], bool], ...] = ()

    def _begin(self, owner: Any) -> None:
        self._element, self._suspend_count, self.last_modified = weakref.ref(owner), 0, 0.0

    @property
    def _change_handlers(self) -> list[tuple[Callable[..., Any], bool]]:  # type: ignore[override]
        return [(self._update, False), *self._told]  # type: ignore[attr-defined]

    def on_change(self, handler: Callable[..., Any]) -> None:
        self._told = (*self._told, (handler, helpers.expects_arguments(handler)))


class Classes(_Observed, _Classes[Any]):
    __slots__ = ("_element", "_suspend_count", "last_modified")

    def __init__(self, *args: Any, element: Any) -> None:
        list.__init__(self, *args)
        self._begin(element)

    @staticmethod
    def update_list(*args: Any, **kwargs: Any) -> list[str]:
        """The same few hundred words in every tab."""
        return [sys.intern(each) for each in _Classes.update_list(*args, **kwargs)]


class Style(_Observed, _Style[Any]):
    __slots__ = ("_element", "_suspend_count", "last_modified")

    def __init__(self, *args: Any, element: Any) -> None:
        dict.__init__(self, *args)
        self._begin(element)


class Props(_Observed, _Props[Any]):
    __slots__ = ("_element", "_renames", "_suspend_count", "_warnings", "last_modified")

    def __init__(self, *args: Any, element: Any) -> None:
        dict.__init__(self, *args)
        self._begin(element)
        self._warnings = self._renames = _shared({})
        for key, value in self.items():
            dict.__setitem__(self, key, self._observe(value))

    def add_warning(self, prop: str, message: str) -> None:
        self._warnings = _shared({**self._warnings, prop: message})
        self._check_warning(prop, message)

    def add_rename(self, prop: str, replacement: str) -> None:
        self._renames = _shared({**self._renames, prop: replacement})
        self._check_rename(prop, replacement)


_one_for_all: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}


def _shared(words: dict[str, str]) -> dict[str, str]:
    """One dict for all that say the same; they are the constants of NiceGUI's classes, so there are few."""
    return _one_for_all.setdefault(tuple(words.items()), words)


class Bound(weakref.WeakValueDictionary[Any, Any]):
    """Of what can be bound, what is: NiceGUI tells of each element when it is made and when it changes."""

    def __setitem__(self, key: Any, value: Any) -> None:
        """Nothing until somebody binds it."""

    def keep(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)


def bind_one_way(source: Any, name: tuple[str, ...], *more: Any) -> None:
    """As NiceGUI's, which first looks whether the source tells of its changes by itself."""
    if len(name) == 1 and isinstance(inspect.getattr_static(type(source), name[0], None), binding.BindableProperty):
        binding.bindable_properties.keep((id(source), name), source)  # type: ignore[attr-defined]
    _bind_one_way(source, name, *more)


def propagate(source: Any, name: tuple[str, ...]) -> None:
    """As NiceGUI's, which prepares much to find that nothing is bound."""
    if (id(source), name) in binding.bindings:
        _propagate(source, name)

// CodeMirror ends a tag by itself at its ">" and at "</"; who goes on typing would have the end twice. So what is typed
// there goes in as it is.
document.addEventListener(
  "keydown",
  (event) => {
    if ((event.key !== "/" && event.key !== ">") || event.isComposing || event.ctrlKey || event.metaKey) return;
    const box = event.target.closest?.(".cm-code");
    const view = box && getElement(Number(box.id.slice(1)))?.editor;
    if (!view || view.state.readOnly) return;
    const { main, ranges } = view.state.selection;
    const before = view.state.doc.sliceString(Math.max(0, main.from - 1), main.from);
    if (ranges.length > 1 || (event.key === "/" && before !== "<")) return;
    event.preventDefault();
    event.stopPropagation();
    view.dispatch(view.state.replaceSelection(event.key), { userEvent: "input.type", scrollIntoView: true });
  },
  true,
);

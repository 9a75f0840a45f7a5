// Words of a rich text with a colour of their own, on the dark page: they are highlighted, so that they can be read. What is
// written stays as it is: a rule for their style would make the browser write styles into what is put in.
window.cmColours = {
  watch(box) {
    if (box.cmColours || !window.Highlight) return;
    let waits = 0;
    const changed = () => {
      cancelAnimationFrame(waits);
      waits = requestAnimationFrame(() => (box.isConnected ? cmColours.show(box) : box.cmColours.disconnect()));
    };
    box.cmColours = new MutationObserver(changed);
    box.cmColours.observe(box, { subtree: true, childList: true, attributes: true, attributeFilter: ["style"] });
    box.cmColours.observe(document.body, { attributes: true, attributeFilter: ["class"] });
    changed();
  },
  show(box) {
    const [ink, ground] = [new Highlight(), new Highlight()];
    const isDark = document.body.classList.contains("body--dark");
    for (const each of isDark ? box.querySelectorAll('[style*="color"]:not(.button)') : []) {
      const range = document.createRange();
      range.selectNodeContents(each);
      const hasGround = !["", "transparent"].includes(each.style.backgroundColor);
      if (!hasGround && each.style.color) ink.add(range);
      if (hasGround && !each.style.color) ground.add(range);
    }
    CSS.highlights.set("own-ink", ink);
    CSS.highlights.set("own-ground", ground);
  },
};

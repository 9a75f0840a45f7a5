"""The box that the body of a mail is typed in, rich or code: its name for those who hear the page."""

# Neither editor lets us name it. Run this where the editor has the class "body-now".
NAME_IT = """
(function name(tries) {
  const box = document.querySelector(".body-now [contenteditable=true]");
  if (!box) { if (tries) setTimeout(() => name(tries - 1), 50); return; }
  box.setAttribute("aria-label", "Body");
  box.setAttribute("role", "textbox");
  box.setAttribute("aria-multiline", "true");
  box.tabIndex = 0;
  if (box.classList.contains("cm-content")) box.setAttribute("aria-description", "Escape, then Tab, leaves it.");
})(100);
"""

// Runs before the first paint, so that nobody who chose dark is met by a white page at night.
// A file of its own, because the content security policy allows no inline script.
(() => {
  try {
    const theme = localStorage.getItem("stonechat-theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // Storage may be forbidden; the system's theme then holds.
  }
})();

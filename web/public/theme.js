// Runs before the first paint, so that a page in the dark theme does not flash white.
try {
  const theme = localStorage.getItem("octavo.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden; the system's theme is as good.
}

/** The browser's own choice of theme: as the system has it, until somebody chooses. A panel has the editor's. */
import { useEffect, useState } from "react";

type Theme = "dark" | "light";
const CHOSEN = "tino.theme";

const system = (): Theme => (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");

function chosen(): Theme | null {
  const value = localStorage.getItem(CHOSEN);
  return value === "dark" || value === "light" ? value : null;
}

/** Put the theme in place before anything is drawn. */
export function applyBrowserTheme(theme: Theme = chosen() ?? system()): void {
  document.documentElement.dataset.theme = theme;
}

/** The theme and a way to change it. */
export function useBrowserTheme(): [Theme, () => void] {
  const [theme, setTheme] = useState<Theme>(() => chosen() ?? system());
  useEffect(() => applyBrowserTheme(theme), [theme]);
  useEffect(() => {
    const query = matchMedia("(prefers-color-scheme: light)");
    const follow = () => chosen() === null && setTheme(system());
    query.addEventListener("change", follow);
    return () => query.removeEventListener("change", follow);
  }, []);
  return [
    theme,
    () => {
      const next = theme === "dark" ? "light" : "dark";
      localStorage.setItem(CHOSEN, next);
      setTheme(next);
    },
  ];
}

/** As the system says, or as the reader chose. */
export const themes = ['system', 'light', 'dark'] as const;
/** As the choice names them. */
export const themeTitles: Readonly<Record<Theme, string>> = {
  system: 'Auto',
  light: 'Light',
  dark: 'Dark',
};
export type Theme = (typeof themes)[number];

const KEY = 'countersign.theme';

/** The choice that this browser keeps; it may be forbidden to keep any. */
export function keptTheme(): Theme {
  try {
    const kept = localStorage.getItem(KEY);
    return themes.find((theme) => theme === kept) ?? 'system';
  } catch {
    return 'system';
  }
}

/** Shows a theme, and keeps it for the next time. */
export function chooseTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // It is shown all the same, until the page is left.
  }
}

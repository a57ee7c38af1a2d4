/** The system's theme, or the reader's choice. */
export const themes = ['system', 'light', 'dark'] as const;
/** By the names of the choice. */
export const themeTitles: Readonly<Record<Theme, string>> = {
  system: 'Auto',
  light: 'Light',
  dark: 'Dark',
};
export type Theme = (typeof themes)[number];

const KEY = 'countersign.theme';

/** The choice stored in this browser, which may not be allowed to store any. */
export function keptTheme(): Theme {
  try {
    const kept = localStorage.getItem(KEY);
    return themes.find((theme) => theme === kept) ?? 'system';
  } catch {
    return 'system';
  }
}

/** Applies a theme, and stores it for the next visit. */
export function chooseTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // It applies anyway, until the page is left.
  }
}

import { useEffect, useRef, useSyncExternalStore } from 'react';

export interface Shortcut {
  /** A key, or two keys one after the other: `g t`. */
  readonly keys: string;
  readonly title: string;
  readonly run: () => void;
}

const KEY = 'countersign.letters';
/** Milliseconds in which the second key of two must follow. */
const PAIR_MS = 1_500;

const active = new Set<readonly Shortcut[]>();
const listeners = new Set<() => void>();
let listed: readonly Shortcut[] = [];
let lettersOn = readLetters();
let first: { readonly key: string; readonly at: number } | undefined;

function readLetters(): boolean {
  try {
    return localStorage.getItem(KEY) !== 'off';
  } catch {
    return true;
  }
}

function changed(): void {
  listed = [...active].flat();
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Whether keys typed there are text. */
function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName) ||
      target.closest('dialog') !== null)
  );
}

function onKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target)) return;
  if (!lettersOn && event.key !== '?') return;
  const pair = first !== undefined && event.timeStamp - first.at < PAIR_MS ? `${first.key} ${event.key}` : undefined;
  const found = listed.find(({ keys }) => keys === pair) ?? listed.find(({ keys }) => keys === event.key);
  first = { key: event.key, at: event.timeStamp };
  if (found === undefined) return;
  event.preventDefault();
  found.run();
}
document.addEventListener('keydown', onKey);

/** Makes shortcuts work while a component is shown, and lists them. */
export function useShortcuts(shortcuts: readonly Shortcut[]): void {
  const current = useRef(shortcuts);
  useEffect(() => {
    current.current = shortcuts;
  });
  const names = shortcuts.map(({ keys, title }) => `${keys}\t${title}`).join('\n');
  useEffect(() => {
    const entries = names.split('\n').map((line, index): Shortcut => {
      const [keys = '', title = ''] = line.split('\t');
      return { keys, title, run: () => current.current[index]?.run() };
    });
    active.add(entries);
    changed();
    return () => {
      active.delete(entries);
      changed();
    };
  }, [names]);
}

/** The active shortcuts. */
export const useListedShortcuts = (): readonly Shortcut[] => useSyncExternalStore(subscribe, () => listed);

/** Whether single letters do something; people who speak to their computer turn them off (WCAG 2.1.4). */
export const useLetters = (): boolean => useSyncExternalStore(subscribe, () => lettersOn);

export function setLetters(on: boolean): void {
  lettersOn = on;
  try {
    localStorage.setItem(KEY, on ? 'on' : 'off');
  } catch {
    // It applies until the page is left.
  }
  changed();
}

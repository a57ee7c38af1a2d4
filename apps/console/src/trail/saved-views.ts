import * as z from 'zod/mini';
import { type TrailSearch, trailSearchOf } from '../filters/trail-search.js';

const KEY = 'countersign.views';
const VIEWS_LIMIT = 50;
const keptSchema = z.array(z.object({ name: z.string(), search: z.record(z.string(), z.unknown()) }));

export interface SavedView {
  readonly name: string;
  readonly search: TrailSearch;
}

/** Built-in views. */
export const givenViews: readonly SavedView[] = [
  { name: 'Everything, last 24 hours', search: trailSearchOf({ from: '-24h' }) },
  { name: 'Denied, last 7 days', search: trailSearchOf({ outcome: 'denied', from: '-7d' }) },
  { name: 'Failed, last 7 days', search: trailSearchOf({ outcome: 'failed', from: '-7d' }) },
  { name: 'Reads of the trail', search: trailSearchOf({ source: 'audit' }) },
  { name: 'Administration of the issuer', search: trailSearchOf({ action: 'issuer:admin' }) },
];

/** The views stored in this browser. Unreadable ones are ignored. */
export function keptViews(): readonly SavedView[] {
  try {
    const kept = z.safeParse(keptSchema, JSON.parse(localStorage.getItem(KEY) ?? '[]'));
    return (kept.data ?? []).map(({ name, search }) => ({ name, search: trailSearchOf(search) }));
  } catch {
    return [];
  }
}

/** @returns the views with a new one, which replaces one of the same name */
function withView(views: readonly SavedView[], view: SavedView): readonly SavedView[] {
  return [view, ...views.filter(({ name }) => name !== view.name)].slice(0, VIEWS_LIMIT);
}

/**
 * Stores a view in this browser.
 * @param views those that this page shows; views stored by other tabs since then stay too
 * @returns all of them
 */
export function keepView(views: readonly SavedView[], view: SavedView): readonly SavedView[] {
  const kept = keptViews();
  const others = views.filter(({ name }) => !kept.some((one) => one.name === name));
  const all = withView([...kept, ...others], view);
  try {
    localStorage.setItem(KEY, JSON.stringify(all));
  } catch {
    // They stay until the page is left.
  }
  return all;
}

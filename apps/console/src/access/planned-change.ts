import { type RevocationKind } from './access-search.js';
import { partsOf } from '../ui/visible-text.js';

/** Something that an administrator is about to do. */
export interface PlannedChange {
  readonly title: string;
  /** What it does, in a sentence or two. */
  readonly effect: string;
  /** Below `/console/issuer/`. */
  readonly path: string;
  /** `POST` when left out. */
  readonly method?: 'DELETE';
  readonly body?: Readonly<Record<string, unknown>>;
  /** Whether the request takes a reason. */
  readonly takesReason?: true;
  /** What must be typed because the change takes effect immediately; without it a second press is enough. */
  readonly word?: string;
  /** The subject of the preview. */
  readonly refuses?: { readonly kind: RevocationKind | 'session'; readonly name: string };
  readonly button: string;
}

/** The name that people retype: the whole name, or the end of a long one. @param id used instead of a name that cannot be typed */
export function wordOf(name: string, id = 'yes'): string {
  if (partsOf(name).some(({ kind }) => kind === 'unseen') || name.trim() !== name) return wordOf(id);
  return name.length <= 24 ? name : [...name].slice(-8).join('').trim();
}

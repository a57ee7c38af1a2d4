import * as z from 'zod/mini';
import { trailSearchOf, type TrailSearch } from '../filters/trail-search.js';

const eventSchema = z.catch(z.optional(z.string().check(z.minLength(1), z.maxLength(64))), undefined);

/** The trail's filters, and the id of one event. */
export type ProofSearch = TrailSearch & { readonly event?: string | undefined };

/** Reads an address. */
export function proofSearchOf(search: Readonly<Record<string, unknown>>): ProofSearch {
  return { ...trailSearchOf(search), event: z.parse(eventSchema, search['event']) };
}

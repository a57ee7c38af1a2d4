import { MemoryRevocationList, revokedOf, type Principal, type RevocationList } from '@countersign/auth-core';
import { idSchema } from '@countersign/service-host';
import { z } from 'zod';
import { clientIdSchema } from '../registry/client.js';
import { revocationKinds } from '../registry/revocations.tables.js';
import { revocableIdSchema, revocableSubjectSchema } from '../revocation/revocable-id.js';
import { revocationFor, type RevocationRequest } from '../revocation/revocation.js';
import { sessionIdSchema } from '../sessions/session.js';
import { signerOf, type SigningTime } from './live-token.js';

/** What a name of each kind looks like, as the list of revocations has it. */
const names = {
  token: revocableIdSchema,
  transaction: revocableIdSchema,
  client: clientIdSchema,
  subject: revocableSubjectSchema,
  'api-key': idSchema,
  key: revocableIdSchema,
  session: sessionIdSchema,
} as const;

/** What would be revoked, or the session of a person that would be ended. */
export const previewQuerySchema = z
  .strictObject({ kind: z.enum([...revocationKinds, 'session']), name: z.string().min(1).max(500) })
  .refine(({ kind, name }) => names[kind].safeParse(name).success, {
    path: ['name'],
    message:
      'must be a name of this kind: a jti, a txn, a client_id, a sub, the id of an API key or of a session, or a kid',
  });
export type PreviewQuery = z.infer<typeof previewQuerySchema>;

/** The same question, with the name as the list of revocations has it: ids in lower case. */
export function inCanonicalForm({ kind, name }: PreviewQuery): PreviewQuery {
  return { kind, name: names[kind].parse(name) };
}

/** Tokens that are valid now and would be refused. */
export interface RefusedTokens {
  readonly live: number;
  /** Whether there may be more: so many are issued that not all were counted. */
  readonly at_least: boolean;
  /** When the last of them ends by itself; null without any. */
  readonly last_expires_at: string | null;
  /** The services at which they are used, with the most tokens first. */
  readonly audiences: readonly { readonly audience: string; readonly live: number }[];
}

/** What a revocation would refuse, as far as the issuer can say. Nothing has changed. */
export interface RevocationPreview {
  readonly kind: PreviewQuery['kind'];
  readonly name: string;
  /** Null where the issuer keeps no record that would tell (`OUTBOX_KEEP_HOURS` is 0). */
  readonly tokens: RefusedTokens | null;
  /** What people allowed an application and has not ended. */
  readonly delegations: number;
  /** Sessions of the person that are live. */
  readonly sessions: number;
  /** API keys that can be exchanged for tokens. */
  readonly api_keys: number;
}

/** What ends with something else. */
export interface TakenAlong {
  /** With a session: what was allowed in it and has not ended. */
  readonly delegations?: readonly string[];
  /** With the client of a policy: the clients that describe themselves under it. */
  readonly clients?: readonly string[];
}

/** The entries that the list would get. */
export function requestsOf(
  { kind, name }: PreviewQuery,
  { delegations = [], clients = [] }: TakenAlong = {},
): readonly RevocationRequest[] {
  if (kind === 'session') return delegations.map((txn) => ({ kind: 'transaction', txn }));
  return [revokedOf(kind, name), ...clients.map((clientId) => ({ kind: 'client', clientId }) as const)];
}

/** Against what a preview is made. */
export interface PreviewGround {
  /** Seconds since 1970. */
  readonly now: number;
  readonly keys: readonly SigningTime[];
  /** What is refused already. */
  readonly revoked: RevocationList;
}

/** The tokens that validators accept now and would refuse with more entries: by the very list that they decide by. */
export function refusedBy(
  requests: readonly RevocationRequest[],
  tokens: readonly Principal[],
  { now, keys, revoked }: PreviewGround,
): readonly Principal[] {
  if (requests.length === 0) return [];
  const list = new MemoryRevocationList(requests.length);
  // All that was issued, also in the moments after an earlier revocation, when tokens say a time that is still to come.
  for (const request of requests) list.add(revocationFor(request, { now, issuedUntil: Infinity }));
  return tokens.filter((token) => {
    const signer = signerOf(token, keys);
    return token.expiresAt > now && list.isRevoked(token, signer) && !revoked.isRevoked(token, signer);
  });
}

/** @param complete whether all tokens were examined */
export function refusedTokensOf(refused: readonly Principal[], complete: boolean): RefusedTokens {
  const counts = new Map<string, number>();
  for (const { audience } of refused) counts.set(audience, (counts.get(audience) ?? 0) + 1);
  const last = Math.max(...refused.map(({ expiresAt }) => expiresAt));
  return {
    live: refused.length,
    at_least: !complete,
    last_expires_at: refused.length === 0 ? null : new Date(last * 1_000).toISOString(),
    audiences: [...counts]
      .map(([audience, live]) => ({ audience, live }))
      .sort((one, other) => other.live - one.live || one.audience.localeCompare(other.audience, 'en')),
  };
}
